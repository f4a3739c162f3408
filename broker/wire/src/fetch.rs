//! A fetch response whose record bytes are slices of others' buffers, never copied.
//!
//! Owns the layout of FetchResponse 4 to 12 (`FetchResponse.json`), the one message that is encoded by hand. Leaves the
//! choice of the slices to the edge. Tags (diverging epoch, current leader, snapshot) are for replicas: not sent.
//! Invariant: the bytes are those that `kafka-protocol` would write, had the records been joined.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;

use crate::{out::Out, varint};

/// Answers a fetch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchResponse {
    /// Milliseconds the client was throttled.
    pub throttle_time_ms: i32,
    /// From version 7 on.
    pub error_code: i16,
    /// 0: no session. From version 7 on.
    pub session_id: i32,
    /// By topic.
    pub topics: Vec<FetchedTopic>,
}

/// A topic's part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchedTopic {
    /// The topic's name, at most 249 bytes.
    pub topic: StrBytes,
    /// By partition.
    pub partitions: Vec<FetchedPartition>,
}

/// A partition's part.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchedPartition {
    /// Which one.
    pub partition: i32,
    /// 0, or why there are no records.
    pub error_code: i16,
    /// End of what is committed, or -1.
    pub high_watermark: i64,
    /// End of what a `read_committed` reader may see, or -1.
    pub last_stable_offset: i64,
    /// First offset there is, or -1. From version 5 on.
    pub log_start_offset: i64,
    /// For `read_committed`: transactions to leave out. `None` otherwise.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Whole batches, in order. None is sent as empty bytes, not as null: librdkafka takes null for an error.
    pub records: Vec<Bytes>,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Who wrote it.
    pub producer_id: i64,
    /// Its first offset in this partition.
    pub first_offset: i64,
}

/// First version with compact lengths and tags.
const FLEXIBLE: i16 = 12;

impl FetchResponse {
    /// Appends the body; records are spliced.
    ///
    /// # Panics
    /// If a partition's records are longer than 31 bits can say: the caller bounds them by the request.
    pub(crate) fn encode(&self, out: &mut Out, version: i16) {
        let text = out.text();
        text.put_i32(self.throttle_time_ms);
        if version >= 7 {
            text.put_i16(self.error_code);
            text.put_i32(self.session_id);
        }
        put_len(text, version, self.topics.len());
        for topic in &self.topics {
            put_string(out.text(), version, &topic.topic);
            put_len(out.text(), version, topic.partitions.len());
            for partition in &topic.partitions {
                partition.encode(out, version);
            }
            put_no_tags(out.text(), version);
        }
        put_no_tags(out.text(), version);
    }
}

impl FetchedPartition {
    fn encode(&self, out: &mut Out, version: i16) {
        let text = out.text();
        text.put_i32(self.partition);
        text.put_i16(self.error_code);
        text.put_i64(self.high_watermark);
        text.put_i64(self.last_stable_offset);
        if version >= 5 {
            text.put_i64(self.log_start_offset);
        }
        put_aborted(text, version, self.aborted_transactions.as_deref());
        if version >= 11 {
            text.put_i32(-1); // preferred read replica: there is none
        }
        put_len(text, version, self.records.iter().map(Bytes::len).sum());
        for records in &self.records {
            out.splice(records.clone());
        }
        put_no_tags(out.text(), version);
    }
}

fn put_aborted(text: &mut BytesMut, version: i16, aborted: Option<&[AbortedTransaction]>) {
    let Some(aborted) = aborted else { return put_null(text, version) };
    put_len(text, version, aborted.len());
    for transaction in aborted {
        text.put_i64(transaction.producer_id);
        text.put_i64(transaction.first_offset);
        put_no_tags(text, version);
    }
}

fn put_len(text: &mut BytesMut, version: i16, len: usize) {
    let len = i32::try_from(len).expect("lengths are bounded by the request") as u32;
    if version >= FLEXIBLE { varint::put_u32(text, len + 1) } else { text.put_u32(len) }
}

fn put_null(text: &mut BytesMut, version: i16) {
    if version >= FLEXIBLE { text.put_u8(0) } else { text.put_i32(-1) }
}

fn put_string(text: &mut BytesMut, version: i16, string: &str) {
    if version >= FLEXIBLE {
        put_len(text, version, string.len());
    } else {
        text.put_i16(i16::try_from(string.len()).expect("topic names are short"));
    }
    text.put_slice(string.as_bytes());
}

fn put_no_tags(text: &mut BytesMut, version: i16) {
    if version >= FLEXIBLE {
        text.put_u8(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::{
        messages::{FetchResponse as CrateResponse, fetch_response as crate_response},
        protocol::Encodable,
    };
    use proptest::prelude::*;

    fn partition() -> impl Strategy<Value = FetchedPartition> {
        let aborted = (any::<i64>(), any::<i64>())
            .prop_map(|(producer_id, first_offset)| AbortedTransaction { producer_id, first_offset });
        let records = prop_oneof![0usize..20, 1000usize..1100, 20_000usize..20_010].prop_map(|len| vec![7; len].into());
        let numbers = (any::<i32>(), any::<i16>(), any::<[i64; 3]>());
        (numbers, prop::option::of(prop::collection::vec(aborted, 0..3)), prop::collection::vec(records, 0..4))
            .prop_map(
                |(
                    (partition, error_code, [high_watermark, last_stable_offset, log_start_offset]),
                    aborted,
                    records,
                )| {
                    FetchedPartition {
                        partition,
                        error_code,
                        high_watermark,
                        last_stable_offset,
                        log_start_offset,
                        aborted_transactions: aborted,
                        records,
                    }
                },
            )
    }

    fn response() -> impl Strategy<Value = FetchResponse> {
        let topic = ("[a-z]{1,200}", prop::collection::vec(partition(), 0..4))
            .prop_map(|(topic, partitions)| FetchedTopic { topic: StrBytes::from_string(topic), partitions });
        (any::<(i32, i16, i32)>(), prop::collection::vec(topic, 0..4)).prop_map(
            |((throttle_time_ms, error_code, session_id), topics)| FetchResponse {
                throttle_time_ms,
                error_code,
                session_id,
                topics,
            },
        )
    }

    /// The same response in the crate's words, records joined; fields that `version` lacks at their defaults.
    fn crate_response(ours: &FetchResponse, version: i16) -> CrateResponse {
        let aborted = |aborted: &AbortedTransaction| {
            crate_response::AbortedTransaction::default()
                .with_producer_id(aborted.producer_id.into())
                .with_first_offset(aborted.first_offset)
        };
        let partition = |ours: &FetchedPartition| {
            crate_response::PartitionData::default()
                .with_partition_index(ours.partition)
                .with_error_code(ours.error_code)
                .with_high_watermark(ours.high_watermark)
                .with_last_stable_offset(ours.last_stable_offset)
                .with_log_start_offset(if version >= 5 { ours.log_start_offset } else { -1 })
                .with_aborted_transactions(
                    ours.aborted_transactions.as_ref().map(|all| all.iter().map(aborted).collect()),
                )
                .with_records(Some(ours.records.concat().into()))
        };
        let topic = |ours: &FetchedTopic| {
            crate_response::FetchableTopicResponse::default()
                .with_topic(ours.topic.clone().into())
                .with_partitions(ours.partitions.iter().map(partition).collect())
        };
        CrateResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(if version >= 7 { ours.error_code } else { 0 })
            .with_session_id(if version >= 7 { ours.session_id } else { 0 })
            .with_responses(ours.topics.iter().map(topic).collect())
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_the_crate(response in response(), version in 4i16..=12) {
            let mut out = Out::new();
            response.encode(&mut out, version);
            let mut expected = BytesMut::new();
            crate_response(&response, version).encode(&mut expected, version).unwrap();
            prop_assert!(out.into_bytes() == expected, "version {version}");
        }
    }

    #[test]
    fn records_are_not_copied() {
        let records = Bytes::from(vec![1; 5000]);
        let partition = FetchedPartition {
            partition: 0,
            error_code: 0,
            high_watermark: 1,
            last_stable_offset: 1,
            log_start_offset: 0,
            aborted_transactions: None,
            records: vec![records.clone(), records.clone()],
        };
        let topic = FetchedTopic { topic: StrBytes::from_static_str("t"), partitions: vec![partition] };
        let mut out = Out::new();
        FetchResponse { topics: vec![topic], ..FetchResponse::default() }.encode(&mut out, 12);
        let mut slices = [std::io::IoSlice::new(&[]); 8];
        let filled = bytes::Buf::chunks_vectored(&out, &mut slices);
        let at_records = |slice: &&std::io::IoSlice<'_>| slice.as_ptr() == records.as_ptr();
        assert_eq!((filled, slices[..filled].iter().filter(at_records).count()), (4, 2));
    }
}
