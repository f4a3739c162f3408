//! What a connection costs that has said something once and is quiet now.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use broker::{Node, settings::Settings};

const CONNECTIONS: usize = 3_000;

/// Goal: 4 KiB (reliability G7).
const MOST_BYTES: usize = 6 << 10;

/// ApiVersions, version 0.
const REQUEST: &[u8] = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\0\0";

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

fn ask(stream: &mut TcpStream) {
    stream.write_all(REQUEST).expect("it is sent");
    let mut len = [0; 4];
    stream.read_exact(&mut len).expect("an answer");
    let mut answer = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut answer).expect("all of it");
    assert_eq!(answer[..6], [0, 0, 0, 7, 0, 0], "its correlation id, and no error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_costs_little() {
    let data = tempfile::tempdir().expect("a folder");
    let mut settings = Settings { log_dir: data.path().into(), ..Settings::default() };
    settings.listeners.iter_mut().for_each(|listener| listener.port = 0);
    let node = Node::start(settings).await.expect("a broker");
    let address = node.addresses()[0];
    let connect = move |count: usize| {
        let one = |_| {
            let mut stream = TcpStream::connect(address).expect("a connection");
            ask(&mut stream);
            stream
        };
        (0..count).map(one).collect::<Vec<_>>()
    };
    // What is needed once is there before anything is measured.
    let mut first = tokio::task::spawn_blocking(move || connect(100)).await.expect("no panic");
    let before = resident();
    let mut idle = tokio::task::spawn_blocking(move || connect(CONNECTIONS)).await.expect("no panic");
    // Buffers are given back after five seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let each = resident().saturating_sub(before) / CONNECTIONS;
    println!("{each} bytes for each of {CONNECTIONS} idle connections");
    assert!(each <= MOST_BYTES, "{each} bytes for each");
    let streams = tokio::task::spawn_blocking(move || {
        first.iter_mut().chain(&mut idle).for_each(ask);
        (first, idle)
    });
    drop(streams.await.expect("no panic"));
    node.stop().await.expect("a clean stop");
}
