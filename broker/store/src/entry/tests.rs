use alloc::{vec, vec::Vec};
use proptest::prelude::*;

use super::*;
use crate::batch::{Builder, check_crc};

const P: PartitionId = PartitionId { topic: [7; 16], partition: 3 };
const SALT: u64 = 0x5a17;

fn batch(value: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.push(1000, None, Some(value), &[]);
    builder.finish()
}

fn push(builder: &mut EntryBuilder, offset: i64, bytes: &[u8]) {
    builder.push_batch(P, &BatchInfo::parse(bytes).unwrap(), offset, 0, 0, bytes);
}

fn on_disk(entry: &Entry) -> Vec<u8> {
    entry.parts().concat()
}

fn read(bytes: Vec<u8>, salt: u64) -> Option<Vec<Item>> {
    let header = EntryHeader::parse(&bytes, salt)?;
    header.items(&Bytes::from(bytes), salt)
}

#[test]
fn the_layout_is_as_drawn() {
    let mut builder = EntryBuilder::new(&Pool::new());
    builder.push_record(b"abc");
    let bytes = on_disk(&builder.finish(5, SALT));
    assert_eq!(bytes.len(), BLOCK);
    assert_eq!(&bytes[..24], b"CNDE\0\x10\0\0\x05\0\0\0\0\0\0\0\x01\0\0\0\x43\0\0\0");
    assert_eq!(&bytes[64..75], b"abc\x02\0\0\0\x03\0\0\0");
    assert!(bytes[75..].iter().all(|byte| *byte == 0));
    // Summed by another program: CRC-64/NVME with the salt as its register.
    assert_eq!(bytes[24..32], BODY_SUM.to_le_bytes());
    assert_eq!(bytes[56..64], HEADER_SUM.to_le_bytes());
}

const BODY_SUM: u64 = 0x00ba_4ab3_2c6a_ddb2;
const HEADER_SUM: u64 = 0x14b3_fe3c_66d8_458f;

#[test]
fn batches_are_stamped_and_share_the_entrys_memory() {
    let mut builder = EntryBuilder::new(&Pool::new());
    push(&mut builder, 41, &batch(b"x"));
    let entry = builder.finish(1, SALT);
    let (partition, info, bytes) = entry.batches().next().unwrap();
    assert_eq!((partition, info.base_offset, info.leader_epoch), (P, 41, 0));
    assert_eq!(check_crc(&bytes), Ok(info));
    let part = entry.parts()[0].as_ptr_range();
    assert!(part.contains(&bytes.as_ptr()));
}

#[test]
fn a_large_batch_lies_as_in_its_file() {
    let bytes = batch(&vec![b'x'; LARGE_BATCH_BYTES]);
    for position in [0, 1, 63, 64, 65, 4095, 4096, 1_000_000] {
        let mut builder = EntryBuilder::new(&Pool::new());
        push(&mut builder, 0, &batch(b"small"));
        for offset in 1..20 {
            builder.push_batch(P, &BatchInfo::parse(&bytes).unwrap(), offset, 0, position, &bytes);
        }
        let entry = builder.finish(1, SALT);
        for (_, _, large) in entry.batches().skip(1) {
            assert_eq!(large.as_ptr().addr() % BLOCK, position as usize % BLOCK);
        }
        assert_eq!(read(on_disk(&entry), SALT).unwrap(), entry.items());
    }
}

#[test]
fn an_empty_entry_is_one_block() {
    let entry = EntryBuilder::new(&Pool::new()).finish(9, SALT);
    assert!(entry.is_empty());
    assert_eq!(entry.len(), BLOCK);
    assert_eq!(read(on_disk(&entry), SALT), Some(vec![]));
}

#[test]
fn used_memory_leaves_no_trace_in_the_padding() {
    let pool = Pool::new();
    let mut dirty = pool.take(BLOCK);
    dirty.fill(0xff);
    drop(dirty);
    let bytes = on_disk(&EntryBuilder::new(&pool).finish(1, SALT));
    assert!(bytes[64..].iter().all(|byte| *byte == 0));
}

#[test]
fn without_its_salt_nothing_is_an_entry() {
    let mut builder = EntryBuilder::new(&Pool::new());
    builder.push_record(b"abc");
    let bytes = on_disk(&builder.finish(5, SALT));
    assert_eq!(EntryHeader::parse(&bytes, SALT + 1), None);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let mut builder = EntryBuilder::new(&Pool::new());
    push(&mut builder, 0, &batch(b"hello"));
    let bytes = on_disk(&builder.finish(5, SALT));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read(flipped, SALT), None, "bit {bit}");
    }
}

#[test]
#[should_panic(expected = "cannot take")]
fn an_entry_is_bounded() {
    let mut builder = EntryBuilder::new(&Pool::new());
    assert!(!builder.has_room(1, ENTRY_MOST_BYTES));
    builder.push_record(&vec![0; ENTRY_MOST_BYTES]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_pushed_is_read(sizes in proptest::collection::vec((any::<bool>(), prop_oneof![0usize..300, 0usize..300_000]), 0..40)) {
        let mut builder = EntryBuilder::new(&Pool::new());
        for (index, (is_batch, size)) in sizes.iter().enumerate() {
            let bytes = vec![index as u8; *size];
            if *is_batch { push(&mut builder, index as i64, &batch(&bytes)) } else { builder.push_record(&bytes) }
        }
        let told = builder.len();
        let entry = builder.finish(77, SALT);
        prop_assert!(entry.parts().iter().all(|part| part.len().is_multiple_of(BLOCK) && (part.as_ptr() as usize).is_multiple_of(BLOCK)));
        prop_assert!(entry.len() <= told + told / 8 + 4 * BLOCK, "{told} bytes became {}", entry.len());
        let bytes = on_disk(&entry);
        prop_assert_eq!(bytes.len(), entry.len());
        let items = read(bytes, SALT).unwrap();
        prop_assert_eq!(&items[..], entry.items());
        for (item, (is_batch, size)) in items.iter().zip(&sizes) {
            match item {
                Item::Batch { info, bytes, .. } => {
                    prop_assert!(*is_batch);
                    prop_assert_eq!(check_crc(bytes), Ok(*info));
                }
                Item::Record(bytes) => prop_assert!(!is_batch && bytes.len() == *size),
            }
        }
    }
}
