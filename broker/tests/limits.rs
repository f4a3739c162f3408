//! Clients that send too much, too slowly, or never read, beside one that must not notice.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use broker::{Node, settings::Settings};
use broker_store::batch::Builder;

/// Of all requests that are not answered yet, and of those that are still arriving.
const QUEUED_BYTES: usize = 8 << 20;

const PATIENCE: Duration = Duration::from_secs(60);

/// A client that speaks for itself.
struct Client(TcpStream);

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        Client(stream)
    }

    /// Sends a request with an old header; `body` follows it.
    fn send(&mut self, key: i16, version: i16, body: &[u8]) {
        let frame = frame(key, version, body);
        self.0.write_all(&frame).expect("it is taken");
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut len = [0; 4];
        self.0.read_exact(&mut len).expect("an answer");
        let mut answer = vec![0; u32::from_be_bytes(len) as usize];
        self.0.read_exact(&mut answer).expect("all of it");
        answer.split_off(4)
    }

    fn ask(&mut self, key: i16, version: i16, body: &[u8]) -> Vec<u8> {
        self.send(key, version, body);
        self.receive()
    }

    /// Produces one record; the error code.
    fn produce(&mut self, topic: &str, value: &[u8]) -> i16 {
        let answer = self.ask(0, 3, &produce(topic, value));
        let at = 4 + 2 + topic.len() + 4 + 4;
        i16::from_be_bytes([answer[at], answer[at + 1]])
    }
}

fn frame(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = ((10 + body.len()) as u32).to_be_bytes().to_vec();
    frame.extend(key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(7u32.to_be_bytes());
    frame.extend((-1i16).to_be_bytes());
    frame.extend(body);
    frame
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as i16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Produce, version 3, one record for partition 0.
fn produce(topic: &str, value: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.push(1_700_000_000_000, None, Some(value), &[]);
    let batch = builder.finish();
    let mut body = (-1i16).to_be_bytes().to_vec();
    body.extend((-1i16).to_be_bytes());
    body.extend(30_000u32.to_be_bytes());
    body.extend(1u32.to_be_bytes());
    put_string(&mut body, topic);
    body.extend(1u32.to_be_bytes());
    body.extend(0u32.to_be_bytes());
    body.extend((batch.len() as u32).to_be_bytes());
    body.extend(batch);
    body
}

/// Fetch, version 4, all there is of partition 0.
fn fetch(topic: &str) -> Vec<u8> {
    let mut body = (-1i32).to_be_bytes().to_vec();
    for number in [0u32, 1, 64 << 20] {
        body.extend(number.to_be_bytes());
    }
    body.push(0);
    body.extend(1u32.to_be_bytes());
    put_string(&mut body, topic);
    body.extend(1u32.to_be_bytes());
    body.extend(0u32.to_be_bytes());
    body.extend(0u64.to_be_bytes());
    body.extend((64u32 << 20).to_be_bytes());
    body
}

/// Metadata, version 1, of a topic, which makes it.
fn metadata(topic: &str) -> Vec<u8> {
    let mut body = 1u32.to_be_bytes().to_vec();
    put_string(&mut body, topic);
    body
}

async fn start(data: &std::path::Path) -> Node {
    let mut settings = Settings {
        log_dir: data.into(),
        queued_max_bytes: QUEUED_BYTES,
        auto_create_topics: true,
        ..Settings::default()
    };
    settings.listeners.iter_mut().for_each(|listener| listener.port = 0);
    Node::start(settings).await.expect("a broker")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_a_flood_and_a_reader_that_never_reads() {
    let data = tempfile::tempdir().expect("a folder");
    let node = start(data.path()).await;
    let address = node.addresses()[0];
    let work = tokio::task::spawn_blocking(move || {
        let mut good = Client::connect(address);
        for topic in ["good", "flood"] {
            good.ask(3, 1, &metadata(topic));
        }
        let value = vec![7; 900_000];
        for _ in 0..20 {
            assert_eq!(good.produce("flood", &value), 0);
        }
        // Twenty readers ask for twenty megabytes each, sixteen times, and read none of it.
        let deaf: Vec<Client> = (0..20)
            .map(|_| {
                let mut client = Client::connect(address);
                (0..16).for_each(|_| client.send(1, 4, &fetch("flood")));
                client
            })
            .collect();
        // Twelve clients have begun a megabyte and say no more: more than all may have on their way together.
        let large = frame(0, 3, &produce("flood", &value));
        let stalled: Vec<Client> = (0..12)
            .map(|_| {
                let mut client = Client::connect(address);
                client.0.write_all(&large[..100_000]).expect("it fits into the sockets' buffers");
                client
            })
            .collect();
        // Four send as fast as they can, without reading an answer until the end.
        let flood = |_| {
            let large = large.clone();
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                client.0.set_write_timeout(Some(Duration::from_secs(1))).expect("a socket has timeouts");
                (0..200).take_while(|_| client.0.write_all(&large).is_ok()).count()
            })
        };
        let floods: Vec<_> = (0..4).map(flood).collect();
        // Whoever keeps to small requests is served all the while.
        for number in 0..200 {
            assert_eq!(good.produce("good", format!("{number}").as_bytes()), 0);
            assert!(good.ask(1, 4, &fetch("good")).len() > 60, "records");
        }
        let sent: Vec<usize> = floods.into_iter().map(|flood| flood.join().expect("no panic")).collect();
        println!("the floods have sent {sent:?} requests");
        assert!(sent.iter().all(|sent| *sent < 200), "they are slowed down: {sent:?}");
        // Those who stalled give up their places with their connections; what was waiting for them goes on.
        drop((stalled, deaf));
        assert_eq!(good.produce("flood", &value), 0);
    });
    work.await.expect("no panic");
    node.stop().await.expect("a clean stop");
}
