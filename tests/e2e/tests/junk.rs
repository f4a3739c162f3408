//! Junk at the broker's port: the process lives, answers the next client, and its memory stays where it was.

use e2e::random::Random;
use e2e::wire::{Wire, batch};
use e2e::{Connectd, Worker};
use std::time::Duration;

fn resident_kb(connectd: &Connectd) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", connectd.running.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has resident memory");
    line.split_whitespace().next().and_then(|kb| kb.parse().ok()).expect("a number")
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as i32).to_be_bytes()[..], body].concat()
}

fn request(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(key.to_be_bytes());
    out.extend(version.to_be_bytes());
    out.extend(1i32.to_be_bytes());
    out.extend(1i16.to_be_bytes());
    out.push(b'x');
    out.extend(body);
    frame(&out)
}

/// Throws each of these at a port of its own connection, and checks that the broker still does its work.
fn survives(name: &str, junk: Vec<Vec<u8>>) {
    let worker = Worker::new(name);
    let mut connectd = worker.start();
    let open = || Wire::connect(worker.kafka_port).expect("the port is open");
    let mut good = open();
    good.touch("good").unwrap();
    good.produce("good", 0, &[b"before"]).unwrap();
    let before = resident_kb(&connectd);
    for bytes in &junk {
        open().throw(bytes, Duration::from_millis(300)).unwrap();
        assert!(
            connectd.running.ended().is_none(),
            "{:02x?} ended it:\n{}",
            &bytes[..bytes.len().min(64)],
            connectd.running.log()
        );
    }
    let grown = resident_kb(&connectd).saturating_sub(before);
    good.produce("good", 0, &[b"after"]).expect("a connection that was there before still works");
    let read: Vec<Vec<u8>> =
        open().read_all("good", 0).unwrap().into_iter().filter_map(|record| record.value).collect();
    assert_eq!(read, [b"before".to_vec(), b"after".to_vec()]);
    assert!(connectd.rest.is_up());
    assert!(grown < 32 << 10, "{grown} KiB more resident memory");
    assert!(!connectd.running.log().contains("panicked"), "{}", connectd.running.log());
}

#[test]
fn frames_with_impossible_lengths() {
    let lengths = [-1, i32::MIN, 0, 1, 3, 7, i32::MAX, 1 << 30, 101 << 20];
    let mut junk: Vec<Vec<u8>> = lengths.map(|len: i32| [&len.to_be_bytes()[..], &[0; 16]].concat()).into();
    junk.push(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec());
    junk.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    junk.push(Vec::new());
    junk.push(vec![0]);
    survives("lengths", junk);
}

#[test]
fn arrays_and_strings_longer_than_their_frame() {
    let mut junk = Vec::new();
    for key in 0..=92i16 {
        for version in 0..=18i16 {
            for start in
                [&[0x7f, 0xff, 0xff, 0xff][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0, 0xff, 0xff, 0xff, 0xff, 0x0f]]
            {
                junk.push(request(key, version, &[start, &[0x7f; 24]].concat()));
            }
        }
    }
    let one_connection_for_many = junk.chunks(64).flat_map(|some| some.iter().step_by(7).cloned()).collect::<Vec<_>>();
    survives("arrays", one_connection_for_many);
}

#[test]
fn batches_that_lie() {
    let good = batch(&[b"one", b"two"]);
    let mut bad = vec![Vec::new(), good[..20].to_vec(), good[..good.len() - 1].to_vec()];
    for at in [8, 9, 10, 11, 16, 17, 22, 23, 26, 57, 60, 61, 62, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 0x7f;
        bad.push(changed);
    }
    let produce = |records: &[u8]| {
        let mut body = vec![0xff, 0xff, 0xff, 0xff, 0, 0, 0x27, 0x10, 0, 0, 0, 1, 0, 3];
        body.extend(b"bad");
        body.extend([0, 0, 0, 1, 0, 0, 0, 0]);
        body.extend((records.len() as i32).to_be_bytes());
        body.extend(records);
        request(0, 3, &body)
    };
    survives("batches", bad.iter().map(|records| produce(records)).collect());
}

#[test]
fn random_bytes() {
    let mut random = Random::new(11);
    let mut junk = Vec::new();
    for _ in 0..300 {
        let len = random.below(200) as usize;
        let noise = random.bytes(len);
        let (key, version) = (random.below(70) as i16, random.below(14) as i16);
        junk.push(match random.below(3) {
            0 => noise,
            1 => frame(&noise),
            _ => request(key, version, &noise),
        });
    }
    survives("random", junk);
}
