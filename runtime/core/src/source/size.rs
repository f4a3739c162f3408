//! Which records are too large to be sent, by the measure of Kafka's producer.
//!
//! Invariant: a record counts as many bytes as `AbstractRecords.estimateSizeInBytesUpperBound` gives it, so that the same line passes or
//! fails here and in Kafka Connect.

use alloc::{format, vec::Vec};

use crate::{
    data::Fault,
    errors::{Failed, Stage},
    record::Batch,
};

/// Kafka's bound of what a batch of one record takes beside key, value and headers: the batch's head, and the record's.
const OVERHEAD: usize = 61 + 21;
/// Kafka's class at this stage.
const CLASS: &str = "org.apache.kafka.connect.runtime.WorkerSourceTask";

/// `max.request.size`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MostBytes(pub usize);

impl MostBytes {
    /// The records that are larger, whose keys and values are bytes of a topic.
    pub(super) fn too_large(self, records: &Batch) -> Vec<Failed> {
        let whole = OVERHEAD + records.keys.data.len() + records.values.data.len();
        // All of a poll together is mostly less than one record may be.
        if records.headers.is_none() && whole + 2 * VARINT <= self.0 {
            return Vec::new();
        }
        let sizes = (0..records.count).map(|index| (index, size_of(records, index as usize)));
        sizes.filter(|(_, size)| *size > self.0).map(|(index, size)| self.refuse(index, size)).collect()
    }

    fn refuse(self, index: u32, size: usize) -> Failed {
        let fault = Fault::of(
            "org.apache.kafka.common.errors.RecordTooLargeException",
            format!(
                "The message is {size} bytes when serialized which is larger than {}, which is the value of the max.request.size configuration.",
                self.0
            ),
        );
        Failed { index, stage: Stage::KafkaProduce, class: CLASS.into(), fault }
    }
}

/// Most bytes of a length.
const VARINT: usize = 5;

fn size_of(records: &Batch, index: usize) -> usize {
    let field = |bytes: Option<&[u8]>| bytes.map_or(1, |bytes| varint(bytes.len()) + bytes.len());
    let headers = records.headers.iter().flat_map(|all| all.of(index));
    let (mut count, mut heads) = (0, 0);
    for (name, value) in headers {
        count += 1;
        heads += field(Some(name.as_bytes())) + field(value);
    }
    OVERHEAD + field(records.keys.get(index)) + field(records.values.get(index)) + varint(count) + heads
}

/// Bytes of a length, zigzag as in the record format.
fn varint(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    (bits as usize).div_ceil(7).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Columns;

    #[test]
    fn lengths() {
        for (length, bytes) in [(0, 1), (63, 1), (64, 2), (8_191, 2), (8_192, 3), (1_048_575, 3), (1_048_576, 4)] {
            assert_eq!(varint(length), bytes, "{length}");
        }
    }

    /// A record of `value` bytes beside a small one, with at most `most` bytes: whether it is refused.
    fn check(value: usize, most: usize, refused: bool) {
        let mut columns = Columns::default();
        columns.partition("t", -1, 0);
        columns.push(0, 1, None, Some(b"small"), [].into_iter());
        columns.push(0, 1, None, Some(&alloc::vec![b'x'; value]), [].into_iter());
        let too_large = MostBytes(most).too_large(&columns.finish().unwrap());
        assert_eq!(
            too_large.iter().map(|failed| failed.index).collect::<Vec<_>>(),
            if refused { &[1][..] } else { &[] }
        );
        if let Some(failed) = too_large.first() {
            let size = OVERHEAD + 1 + varint(value) + value + 1;
            assert!(failed.fault.message.starts_with(&format!("The message is {size} bytes")), "{failed:?}");
        }
    }

    #[test]
    fn only_larger_records_are_refused() {
        check(100, 186, false);
        check(100, 185, true);
        check(1_048_489, 1_048_576, false);
        check(1_048_490, 1_048_576, true);
    }
}
