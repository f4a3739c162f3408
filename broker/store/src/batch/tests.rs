use alloc::{format, string::String, vec, vec::Vec};
use proptest::prelude::*;

use super::*;

/// Three records as Kafka's rules spell them, put together by hand: plain, null key with headers, empty key with null value.
fn golden() -> Vec<u8> {
    let hex = String::from(concat!(
        "000000000000000000000122ffffffff02bc69ee08000000000002",
        "0000018bcfe568000000018cf9eb5a000000000000000fa000030000000700000003",
        "18000000026b0a68656c6c6f00",
        "ae0300c701020190037777777777777777",
    )) + &"77".repeat(192)
        + "0402680231026e01140080c8afa02504000100";
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn built() -> Vec<u8> {
    let mut builder = Builder::new().producer(4000, 3, 7);
    builder.push(1_700_000_000_000, Some(b"k"), Some(b"hello"), &[]);
    builder.push(1_699_999_999_900, None, Some(&[b'w'; 200]), &[("h", Some(b"1")), ("n", None)]);
    builder.push(1_705_000_000_000, Some(b""), None, &[]);
    builder.finish()
}

#[test]
fn the_builder_writes_kafkas_bytes() {
    assert_eq!(built(), golden());
}

#[test]
fn a_header_reads_back() {
    let info = check_crc(&golden()).unwrap();
    let expected = BatchInfo {
        base_offset: 0,
        length: 302,
        leader_epoch: -1,
        crc: 0xbc69_ee08,
        attributes: 0,
        last_offset_delta: 2,
        base_timestamp: 1_700_000_000_000,
        max_timestamp: 1_705_000_000_000,
        producer_id: 4000,
        producer_epoch: 3,
        base_sequence: 7,
        count: 3,
    };
    assert_eq!(info, expected);
    assert_eq!(info.last_offset(), 2);
}

#[test]
fn attributes_are_read_bit_by_bit() {
    let check = |attributes, expected| {
        let info = BatchInfo { attributes, ..check_crc(&golden()).unwrap() };
        assert_eq!((info.codec(), info.log_append_time(), info.is_transactional(), info.is_control()), expected);
    };
    check(0, (0, false, false, false));
    check(4, (4, false, false, false));
    check(8, (0, true, false, false));
    check(0x10 | 2, (2, false, true, false));
    check(0x30, (0, false, true, true));
}

#[test]
fn records_read_back() {
    let bytes = golden();
    let records: Vec<_> = records(&bytes).map(Result::unwrap).collect();
    let seen: Vec<_> = records.iter().map(|r| (r.offset_delta, r.timestamp, r.key, r.value.map(<[u8]>::len))).collect();
    let expected = vec![
        (0, 1_700_000_000_000, Some(&b"k"[..]), Some(5)),
        (1, 1_699_999_999_900, None, Some(200)),
        (2, 1_705_000_000_000, Some(&b""[..]), None),
    ];
    assert_eq!(seen, expected);
    let headers: Vec<_> = records[1].headers.collect();
    assert_eq!(headers, [Header { key: "h", value: Some(b"1") }, Header { key: "n", value: None }]);
}

#[test]
fn stamping_leaves_the_sum_valid() {
    let mut bytes = golden();
    stamp(&mut bytes, 1 << 40, 5);
    let info = check_crc(&bytes).unwrap();
    assert_eq!((info.base_offset, info.last_offset(), info.leader_epoch), (1 << 40, (1 << 40) + 2, 5));
}

#[test]
fn log_append_time_is_every_records_time() {
    let mut bytes = golden();
    let info = set_log_append_time(&mut bytes, 1_800_000_000_000);
    assert_eq!(check_crc(&bytes), Ok(info));
    assert!(info.log_append_time());
    assert!(records(&bytes).all(|record| record.unwrap().timestamp == 1_800_000_000_000));
}

#[test]
fn compressed_records_come_under_the_same_header() {
    let bytes = golden();
    let compressed = with_compressed(bytes.first_chunk().unwrap(), 3, b"lz4 bytes");
    let expected = BatchInfo { length: 70, attributes: 3, ..check_crc(&bytes).unwrap() };
    let info = check_crc(&compressed).unwrap();
    assert_eq!(BatchInfo { crc: expected.crc, ..info }, expected);
    assert_eq!(compressed[HEADER_BYTES..], *b"lz4 bytes");
}

#[test]
fn what_is_not_a_batch_is_refused() {
    let check = |change: &dyn Fn(&mut Vec<u8>), expected: &str| {
        let mut bytes = golden();
        change(&mut bytes);
        let why = check_crc(&bytes).unwrap_err();
        assert!(format!("{why}").contains(expected), "{why}");
    };
    check(&|b| b.truncate(60), "ends after 60");
    check(&|b| b.truncate(301), "of 302 bytes ends after 301");
    check(&|b| b[16] = 1, "format 1 is not supported");
    check(&|b| b[8] = 0x80, "cannot have length");
    check(&|b| b[8..12].copy_from_slice(&48i32.to_be_bytes()), "cannot have length 48");
    check(&|b| b[23] = 0xff, "last offset delta");
    check(&|b| b[300] ^= 1, "is corrupt");
    check(&|b| b[43] ^= 1, "is corrupt");
}

#[test]
fn compressed_records_are_not_read() {
    let mut bytes = golden();
    bytes[22] = 4;
    assert_eq!(records(&bytes).collect::<Vec<_>>(), [Err(BadBatch::Compressed(4))]);
}

type Wrote = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn any_record() -> impl Strategy<Value = Wrote> {
    let blob = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..100));
    (any::<i64>(), blob(), blob(), proptest::collection::vec((".{0,8}", blob()), 0..4))
}

proptest! {
    #[test]
    fn what_is_built_is_read(wrote in proptest::collection::vec(any_record(), 1..20)) {
        let mut builder = Builder::new();
        for (timestamp, key, value, headers) in &wrote {
            let headers: Vec<_> = headers.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
            builder.push(*timestamp, key.as_deref(), value.as_deref(), &headers);
        }
        let len = builder.len();
        let bytes = builder.finish();
        prop_assert_eq!(bytes.len(), len);
        check_crc(&bytes).unwrap();
        let read: Vec<Wrote> = records(&bytes)
            .map(Result::unwrap)
            .map(|r| {
                let headers = r.headers.map(|h| (String::from(h.key), h.value.map(Vec::from))).collect();
                (r.timestamp, r.key.map(Vec::from), r.value.map(Vec::from), headers)
            })
            .collect();
        prop_assert_eq!(read, wrote);
    }

    #[test]
    fn no_bytes_make_the_reader_fail_other_than_by_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), count in any::<i32>()) {
        let mut batch = golden();
        batch.truncate(HEADER_BYTES);
        put(&mut batch, 57, &count.to_be_bytes());
        batch.append(&mut bytes);
        let length = batch.len() as i32 - 12;
        put(&mut batch, 8, &length.to_be_bytes());
        let read = records(&batch).map(|r| r.map(|r| r.headers.count())).take(1000).collect::<Vec<_>>();
        prop_assert!(read.iter().rev().skip(1).all(Result::is_ok), "an error is the last thing read");
    }
}
