//! Prints how fast record batches are built and read: `cargo bench -p broker-wire`.

use std::{hint::black_box, time::Instant};

use broker_wire::{builder::BatchBuilder, codec::Codec, records::RecordReader};

const RECORDS: usize = 10_000;
const ROUNDS: usize = 300;

fn main() {
    for codec in Codec::ALL {
        let rounds = if codec == Codec::None { ROUNDS } else { ROUNDS / 30 };
        let mut builder = BatchBuilder::new(codec);
        time(&format!("build, {}", codec.name()), rounds, || {
            black_box(batch(&mut builder));
        });
        let bytes = batch(&mut builder);
        let mut reader = RecordReader::default();
        time(&format!("read, {}", codec.name()), rounds, || {
            let mut sum = 0;
            let add = |record: broker_wire::records::Record<'_>| sum += record.value.map_or(0, <[u8]>::len);
            reader.for_each(&bytes, add).expect("what was built is read");
            assert_eq!(black_box(sum), RECORDS * 100);
        });
    }
}

fn batch(builder: &mut BatchBuilder) -> bytes::Bytes {
    let mut value =
        *b"a line of one hundred bytes, which is what the pipeline's benchmark reads and writes, and a number: 0000";
    for at in 0..RECORDS {
        value[99..103].copy_from_slice(&(at as u32).to_be_bytes());
        builder.append(1_700_000_000_000 + at as i64, None, Some(&value[..100]), &[]);
    }
    builder.finish(None).expect("all codecs are built in").expect("there are records")
}

fn time(what: &str, rounds: usize, mut round: impl FnMut()) {
    round();
    let start = Instant::now();
    (0..rounds).for_each(|_| round());
    let rate = (RECORDS * rounds) as f64 / start.elapsed().as_secs_f64();
    println!("{what}: {:.1} M records/s of 100 bytes", rate / 1e6);
}
