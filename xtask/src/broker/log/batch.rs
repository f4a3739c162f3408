//! A record batch of format 2, written field by field, so that each can be wrong.
//!
//! Invariant: the length and the checksum are right unless something else is asked for; every other field is as it was set.

use bytes::Bytes;
use e2e::wire::crc32c;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// Attributes: compressed with gzip.
const GZIP: i16 = 1;
/// Attributes: the broker's time counts.
pub const LOG_APPEND_TIME: i16 = 8;
/// Attributes: part of a transaction.
pub const TRANSACTIONAL: i16 = 16;
/// Attributes: a marker.
pub const CONTROL: i16 = 32;

/// A record: its timestamp, key and value.
pub type Row<'a> = (i64, Option<&'a str>, Option<&'a str>);

/// A batch that is yet to be written out.
#[derive(Clone)]
pub struct Batch {
    pub base_offset: i64,
    pub leader_epoch: i32,
    pub magic: i8,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: i32,
    /// As they are stored, compressed or not.
    pub records: Vec<u8>,
    /// Added to the right length.
    pub length_off: i32,
    /// Added to the right checksum.
    pub crc_off: u32,
}

impl Batch {
    /// A good batch of these records.
    pub fn of(rows: &[Row<'_>]) -> Batch {
        let first = rows.first().map_or(-1, |row| row.0);
        let mut records = Vec::new();
        for (delta, (timestamp, key, value)) in rows.iter().enumerate() {
            let mut record = vec![0];
            varint(&mut record, timestamp - first);
            varint(&mut record, delta as i64);
            blob(&mut record, *key);
            blob(&mut record, *value);
            varint(&mut record, 0);
            varint(&mut records, record.len() as i64);
            records.extend(record);
        }
        Batch {
            base_offset: 0,
            leader_epoch: -1,
            magic: 2,
            attributes: 0,
            last_offset_delta: rows.len() as i32 - 1,
            base_timestamp: first,
            max_timestamp: rows.iter().map(|row| row.0).max().unwrap_or(-1),
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: rows.len() as i32,
            records,
            length_off: 0,
            crc_off: 0,
        }
    }

    /// The same, compressed.
    pub fn gzip(mut self) -> Batch {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.records).expect("memory takes it");
        self.records = encoder.finish().expect("memory takes it");
        self.attributes |= GZIP;
        self
    }

    /// The same with something changed.
    pub fn but(mut self, change: impl FnOnce(&mut Batch)) -> Batch {
        change(&mut self);
        self
    }

    /// The same by an idempotent producer.
    pub fn by(self, producer: (i64, i16), sequence: i32) -> Batch {
        self.but(|batch| {
            (batch.producer_id, batch.producer_epoch, batch.base_sequence) = (producer.0, producer.1, sequence)
        })
    }

    /// Its bytes.
    pub fn bytes(&self) -> Bytes {
        let mut tail = Vec::new();
        tail.extend(self.attributes.to_be_bytes());
        tail.extend(self.last_offset_delta.to_be_bytes());
        tail.extend(self.base_timestamp.to_be_bytes());
        tail.extend(self.max_timestamp.to_be_bytes());
        tail.extend(self.producer_id.to_be_bytes());
        tail.extend(self.producer_epoch.to_be_bytes());
        tail.extend(self.base_sequence.to_be_bytes());
        tail.extend(self.count.to_be_bytes());
        tail.extend(&self.records);
        let mut out = Vec::new();
        out.extend(self.base_offset.to_be_bytes());
        out.extend((tail.len() as i32 + 9 + self.length_off).to_be_bytes());
        out.extend(self.leader_epoch.to_be_bytes());
        out.extend(self.magic.to_be_bytes());
        out.extend(crc32c(&tail).wrapping_add(self.crc_off).to_be_bytes());
        out.extend(tail);
        out.into()
    }
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn blob(out: &mut Vec<u8>, text: Option<&str>) {
    varint(out, text.map_or(-1, |text| text.len() as i64));
    out.extend(text.unwrap_or_default().as_bytes());
}
