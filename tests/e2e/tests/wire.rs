//! The five requests of the kit's own client, from the first byte of a request to the last byte of a reply.
//!
//! `E2E_KAFKA_PORT` names the port of another broker: the client can be held against Kafka's own so.

use e2e::wire::Wire;
use e2e::{Connectd, Worker};

fn broker(name: &str) -> (u16, Option<(Connectd, Worker)>) {
    if let Some(port) = std::env::var("E2E_KAFKA_PORT").ok().and_then(|port| port.parse().ok()) {
        return (port, None);
    }
    let worker = Worker::new(name);
    let connectd = worker.start();
    (worker.kafka_port, Some((connectd, worker)))
}

fn open(port: u16, topic: &str) -> Wire {
    let mut wire = Wire::connect(port).unwrap();
    e2e::until("the topic to be there", e2e::wait::PATIENCE, || wire.touch(topic).ok().filter(|code| *code == 0));
    wire
}

#[test]
fn what_is_produced_is_fetched() {
    let (port, _running) = broker("wire");
    let topic = format!("wire-{}", std::process::id());
    let mut wire = open(port, &topic);
    assert!(wire.topics().unwrap().contains(&(topic.clone(), 1)));
    assert_eq!(wire.produce(&topic, 0, &[b"one", b"two"]).unwrap(), 0);
    assert_eq!(wire.produce(&topic, 0, &[b"three"]).unwrap(), 2);
    assert_eq!(wire.end_offset(&topic, 0).unwrap(), 3);
    let read = wire.read_all(&topic, 0).unwrap();
    let values: Vec<(i64, &[u8])> =
        read.iter().map(|record| (record.offset, record.value.as_deref().unwrap())).collect();
    assert_eq!(values, [(0, &b"one"[..]), (1, b"two"), (2, b"three")]);
    assert_eq!(wire.fetch(&topic, 0, 1).unwrap()[0].value.as_deref(), Some(&b"two"[..]), "from inside a batch");
    assert_eq!(wire.fetch(&topic, 0, 3).unwrap(), []);
    assert!(
        wire.fetch(&topic, 0, 4).unwrap_err().to_string().contains("code 1"),
        "beyond the end: OFFSET_OUT_OF_RANGE"
    );
}

#[test]
fn every_offered_api_is_one_that_clients_of_this_age_need() {
    let (port, _running) = broker("wire-apis");
    let apis = Wire::connect(port).unwrap().api_versions().unwrap();
    let offers = |key: i16, version: i16| {
        apis.iter().any(|&(k, oldest, newest)| k == key && (oldest..=newest).contains(&version))
    };
    for (key, version) in [
        (0, 3),
        (0, 9),
        (1, 4),
        (1, 12),
        (2, 1),
        (3, 4),
        (8, 2),
        (9, 1),
        (10, 0),
        (11, 0),
        (18, 0),
        (18, 3),
        (19, 2),
        (20, 1),
        (22, 0),
    ] {
        assert!(offers(key, version), "API {key} version {version} is not offered: {apis:?}");
    }
}

#[test]
fn two_connections_see_each_others_records() {
    let (port, _running) = broker("wire-two");
    let topic = format!("wire-two-{}", std::process::id());
    let (mut writer, mut reader) = (open(port, &topic), open(port, &topic));
    for round in 0..50i64 {
        assert_eq!(writer.produce(&topic, 0, &[round.to_string().as_bytes()]).unwrap(), round);
        let records = reader.fetch(&topic, 0, round).unwrap();
        assert_eq!(records.len(), 1, "an acknowledged record is there for all at once");
        assert_eq!(records[0].value.as_deref(), Some(round.to_string().as_bytes()));
    }
}
