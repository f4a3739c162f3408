//! Prints what a produce request costs before the core sees it: `cargo bench -p broker-wire --bench requests`.

use std::{hint::black_box, time::Instant};

use broker_wire::{ApiKey, FrameReader, decode, guard, request::schema};
use bytes::{BufMut, Bytes};

const ROUNDS: usize = 1_000_000;

fn main() {
    let body = produce_body();
    let mut frame = vec![0, 0, 0, 7, 0, 0, 0, 7, 0, 7];
    frame.extend(b"rdkafka");
    frame.extend(&body);

    let schema = schema(ApiKey::Produce).expect("produce has a row");
    time("guard", || guard::check(schema, 7, black_box(&body)).expect("a valid body"));
    let whole = Bytes::from(frame.clone());
    time("header, guard and decoder", || drop(black_box(decode(whole.clone()).expect("a valid frame"))));

    let mut stream = (frame.len() as u32).to_be_bytes().to_vec();
    stream.extend(&frame);
    let mut reader = FrameReader::new(1 << 20);
    time("the same with framing and a copy of 16 KiB", || {
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let mut room = reader.room();
            let (now, later) = rest.split_at(rest.len().min(room.remaining_mut()));
            room.put_slice(now);
            rest = later;
        }
        let frame = reader.next_frame().expect("a valid length").expect("a whole frame");
        drop(black_box(decode(frame).expect("a valid frame")));
    });
}

/// Version 7, acks=all, one topic, one partition, 16 KiB of records.
fn produce_body() -> Vec<u8> {
    let mut body = vec![255, 255, 255, 255, 0, 0, 117, 48, 0, 0, 0, 1, 0, 12];
    body.extend(b"connect-test");
    body.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 64, 0]);
    body.resize(body.len() + (16 << 10), b'r');
    body
}

fn time(what: &str, mut round: impl FnMut()) {
    let start = Instant::now();
    (0..ROUNDS).for_each(|_| round());
    println!("{what}: {:.0} ns", start.elapsed().as_secs_f64() * 1e9 / ROUNDS as f64);
}
