//! Produce 3 to 9. Versions 0 to 2 are advertised and refused, so that old librdkafka keeps its codecs (broker-contract 1.5 #4).
//! Version 5 brought the log start offset, 7 zstd, 8 record errors, 9 compact lengths. Here a batch is checked as far as its bytes
//! alone tell: one batch per partition, magic 2, its length, its CRC.

use broker_core::{
    error::Error,
    request::{Batch, Produce, Produced, Request, TopicReply},
};
use broker_store::batch::{self, BadBatch, BatchInfo};
use broker_wire::messages::{
    ProduceRequest, ProduceResponse,
    produce_response::{PartitionProduceResponse, TopicProduceResponse},
};
use bytes::Bytes;

use super::{Shape, Step, text, topic_name};

/// Codec number of zstd in a batch's attributes.
const ZSTD: u8 = 4;

pub fn ask(version: i16, request: ProduceRequest) -> Step {
    let acks = request.acks;
    let judged =
        |records| if matches!(acks, -1..=1) { check(version, records) } else { Err(Error::InvalidRequiredAcks) };
    let topic = |topic: broker_wire::messages::produce_request::TopicProduceData| {
        let partitions = topic.partition_data.into_iter().map(|data| (data.index, judged(data.records))).collect();
        (topic.name.to_string(), partitions)
    };
    let produce = Produce {
        acks,
        transactional_id: request.transactional_id.map(|id| id.to_string()),
        topics: request.topic_data.into_iter().map(topic).collect(),
    };
    Step::Ask(Request::Produce(produce), Shape::Produce { acks })
}

/// Kafka's order of checks, as far as they need nothing but the bytes (broker-contract 2.2).
fn check(version: i16, records: Option<Bytes>) -> Result<Batch, Error> {
    let bytes = records.filter(|bytes| !bytes.is_empty()).ok_or(Error::InvalidRecord)?;
    let info = BatchInfo::parse(&bytes).map_err(|bad| match bad {
        BadBatch::Short { .. } | BadBatch::Magic(0 | 1) | BadBatch::LastOffsetDelta(_) => Error::InvalidRecord,
        _ => Error::CorruptMessage,
    })?;
    if info.codec() > ZSTD || info.codec() == ZSTD && version < 7 {
        return Err(Error::UnsupportedCompressionType);
    }
    let length = info.length as usize;
    if batch::check_crc(&bytes[..length]).is_err() {
        return Err(Error::CorruptMessage);
    }
    // More than one batch, or one that takes its place in the log for itself.
    if length < bytes.len() || info.base_offset != 0 {
        return Err(Error::InvalidRecord);
    }
    Ok(Batch { info, bytes })
}

pub fn answer(topics: Vec<TopicReply<Produced>>) -> ProduceResponse {
    let partition = |produced: Produced| {
        let response = PartitionProduceResponse::default().with_index(produced.partition);
        match produced.outcome {
            Ok(at) => response
                .with_base_offset(at.base_offset)
                .with_log_append_time_ms(at.log_append_time)
                .with_log_start_offset(at.log_start_offset),
            Err((error, message)) => response
                .with_error_code(error.code())
                .with_base_offset(-1)
                .with_log_start_offset(-1)
                .with_error_message(Some(text(&message))),
        }
    };
    let topic = |topic: TopicReply<Produced>| {
        TopicProduceResponse::default()
            .with_name(topic_name(&topic.topic))
            .with_partition_responses(topic.partitions.into_iter().map(partition).collect())
    };
    ProduceResponse::default().with_responses(topics.into_iter().map(topic).collect())
}
