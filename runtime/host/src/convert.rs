//! WIT values <-> those of `runtime-core`.
//!
//! Owns the change of types. Invariant: a column's bytes are moved or lent, never copied or read.

use crate::bindings::connect::connector::types as wit;
use crate::bindings::connect::connector::types::{ScalarParam, ScalarResult};
use crate::bindings::exports::connect::connector::source_task as wit_source;
use runtime_core::exchange::{
    Ack, Checkpoint, ConnectorError, EosSupport, ErrorClass, Polled, SourceBatch, TopicPartition, TpOffset, TxnMark,
};
use runtime_core::record::{Batch, Blobs, Format, Headers};
use runtime_core::scalar::{Scalar, ScalarMap};

/// Bytes of an error that go into a status and the log: it is for people to read.
const MOST_MESSAGE: usize = 8 << 10;
const MOST_CODE: usize = 256;
const MOST_ATTRS: usize = 16;

/// An error of the connector's, its texts cut to a length that a person reads and a record of the status topic holds.
pub(crate) fn error(error: wit::Error) -> ConnectorError {
    ConnectorError {
        class: match error.class {
            wit::ErrorClass::Retriable => ErrorClass::Retriable,
            wit::ErrorClass::Fatal => ErrorClass::Fatal,
            wit::ErrorClass::BadConfig => ErrorClass::BadConfig,
            wit::ErrorClass::BadData => ErrorClass::BadData,
        },
        code: cut(error.code, MOST_CODE),
        message: cut(error.message, MOST_MESSAGE),
        retry_after_ms: error.retry_after_ms,
        attrs: error.attrs.into_iter().take(MOST_ATTRS).map(|(k, v)| (cut(k, MOST_CODE), cut(v, MOST_CODE))).collect(),
    }
}

fn cut(text: String, most: usize) -> String {
    match text.len() > most {
        true => format!("{}...", &text[..text.floor_char_boundary(most)]),
        false => text,
    }
}

pub(crate) fn format(format: wit::Format) -> Format {
    match format {
        wit::Format::Raw => Format::Raw,
        wit::Format::Text => Format::Text,
        wit::Format::Json => Format::Json,
        wit::Format::Cbor => Format::Cbor,
        wit::Format::AvroRegistry => Format::AvroRegistry,
        wit::Format::ProtobufRegistry => Format::ProtobufRegistry,
    }
}

fn format_param(format: Format) -> wit::Format {
    match format {
        Format::Raw => wit::Format::Raw,
        Format::Text => wit::Format::Text,
        Format::Json => wit::Format::Json,
        Format::Cbor => wit::Format::Cbor,
        Format::AvroRegistry => wit::Format::AvroRegistry,
        Format::ProtobufRegistry => wit::Format::ProtobufRegistry,
    }
}

/// A configuration, lent.
pub(crate) fn config(config: &[(String, String)]) -> Vec<(&str, &str)> {
    config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

pub(crate) fn scalar_map(map: wit::ScalarMapResult) -> ScalarMap {
    let scalar = |value| match value {
        ScalarResult::Null => Scalar::Null,
        ScalarResult::Bool(value) => Scalar::Bool(value),
        ScalarResult::Int(value) => Scalar::Int(value),
        ScalarResult::Float(value) => Scalar::Float(value),
        ScalarResult::Text(value) => Scalar::Text(value),
        ScalarResult::Bytes(value) => Scalar::Bytes(value),
    };
    map.into_iter().map(|(name, value)| (name, scalar(value))).collect()
}

/// As the result of an import.
pub(crate) fn scalar_map_result(map: &ScalarMap) -> wit::ScalarMapResult {
    let scalar = |value: &Scalar| match value {
        Scalar::Null => ScalarResult::Null,
        Scalar::Bool(value) => ScalarResult::Bool(*value),
        Scalar::Int(value) => ScalarResult::Int(*value),
        Scalar::Float(value) => ScalarResult::Float(*value),
        Scalar::Text(value) => ScalarResult::Text(value.clone()),
        Scalar::Bytes(value) => ScalarResult::Bytes(value.clone()),
    };
    map.iter().map(|(name, value)| (name.clone(), scalar(value))).collect()
}

/// As an argument, lent.
pub(crate) fn scalar_map_param(map: &ScalarMap) -> Vec<(&str, ScalarParam<'_>)> {
    fn scalar(value: &Scalar) -> ScalarParam<'_> {
        match value {
            Scalar::Null => ScalarParam::Null,
            Scalar::Bool(value) => ScalarParam::Bool(*value),
            Scalar::Int(value) => ScalarParam::Int(*value),
            Scalar::Float(value) => ScalarParam::Float(*value),
            Scalar::Text(value) => ScalarParam::Text(value),
            Scalar::Bytes(value) => ScalarParam::Bytes(value),
        }
    }
    map.iter().map(|(name, value)| (name.as_str(), scalar(value))).collect()
}

pub(crate) fn topic_partition(tp: wit::TopicPartitionResult) -> TopicPartition {
    TopicPartition { topic: tp.topic, partition: tp.partition }
}

pub(crate) fn topic_partition_result(tp: &TopicPartition) -> wit::TopicPartitionResult {
    wit::TopicPartitionResult { topic: tp.topic.clone(), partition: tp.partition }
}

pub(crate) fn topic_partition_param(tp: &TopicPartition) -> wit::TopicPartitionParam<'_> {
    wit::TopicPartitionParam { topic: &tp.topic, partition: tp.partition }
}

pub(crate) fn tp_offset(offset: wit::TpOffsetResult) -> TpOffset {
    TpOffset { tp: topic_partition(offset.tp), offset: offset.offset }
}

pub(crate) fn tp_offset_param(offset: &TpOffset) -> wit::TpOffsetParam<'_> {
    wit::TpOffsetParam { tp: topic_partition_param(&offset.tp), offset: offset.offset }
}

pub(crate) fn eos_support(support: wit_source::EosSupport) -> EosSupport {
    match support {
        wit_source::EosSupport::Unsupported => EosSupport::Unsupported,
        wit_source::EosSupport::AtLeastOnce => EosSupport::AtLeastOnce,
        wit_source::EosSupport::ExactlyOnce => EosSupport::ExactlyOnce,
    }
}

pub(crate) fn ack(ack: &Ack) -> wit_source::Ack<'_> {
    wit_source::Ack { seq: ack.seq, delivered: ack.delivered, filtered: ack.filtered, failed: &ack.failed }
}

pub(crate) fn polled(polled: wit_source::Polled) -> Polled {
    match polled {
        wit_source::Polled::Records(batch) => Polled::Records(source_batch(batch)),
        wit_source::Polled::Idle(ms) => Polled::Idle(ms),
        wit_source::Polled::Finished => Polled::Finished,
    }
}

fn source_batch(source: wit_source::SourceBatch) -> SourceBatch {
    let checkpoint = |mark: wit_source::Checkpoint| Checkpoint {
        after: mark.after,
        partition: mark.partition,
        offset: scalar_map(mark.offset),
    };
    let txn = |mark: wit_source::TxnMark| TxnMark {
        after: mark.after,
        commit: matches!(mark.action, wit_source::TxnAction::Commit),
    };
    SourceBatch {
        records: batch(source.records),
        partitions: source.partitions.into_iter().map(scalar_map).collect(),
        checkpoints: source.checkpoints.into_iter().map(checkpoint).collect(),
        txn: source.txn.into_iter().map(txn).collect(),
    }
}

fn batch(batch: wit::BatchResult) -> Batch {
    Batch {
        count: batch.count,
        topics: batch.topics,
        topic_ix: batch.topic_ix,
        partitions: batch.partitions,
        offsets: batch.offsets,
        timestamps: batch.timestamps,
        key_format: format(batch.key_format),
        value_format: format(batch.value_format),
        keys: blobs(batch.keys),
        values: blobs(batch.values),
        headers: batch.headers.map(|headers| Headers {
            names: headers.names,
            record_ends: headers.record_ends,
            name_ix: headers.name_ix,
            values: blobs(headers.values),
        }),
        key_schemas: batch.key_schemas,
        value_schemas: batch.value_schemas,
    }
}

fn blobs(blobs: wit::BlobsResult) -> Blobs {
    Blobs { ends: blobs.ends, nulls: blobs.nulls, data: blobs.data }
}

/// Names that a batch lends as `&[&str]`; [`batch_param`] borrows them.
pub(crate) struct Names<'a> {
    topics: Vec<&'a str>,
    headers: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(batch: &'a Batch) -> Self {
        let headers = batch.headers.as_ref().map(|headers| headers.names.as_slice()).unwrap_or_default();
        Self {
            topics: batch.topics.iter().map(String::as_str).collect(),
            headers: headers.iter().map(String::as_str).collect(),
        }
    }
}

/// A batch, lent.
pub(crate) fn batch_param<'a>(batch: &'a Batch, names: &'a Names<'a>) -> wit::BatchParam<'a> {
    wit::BatchParam {
        count: batch.count,
        topics: &names.topics,
        topic_ix: &batch.topic_ix,
        partitions: &batch.partitions,
        offsets: &batch.offsets,
        timestamps: &batch.timestamps,
        key_format: format_param(batch.key_format),
        value_format: format_param(batch.value_format),
        keys: blobs_param(&batch.keys),
        values: blobs_param(&batch.values),
        headers: batch.headers.as_ref().map(|headers| wit::HeaderColsParam {
            names: &names.headers,
            record_ends: &headers.record_ends,
            name_ix: &headers.name_ix,
            values: blobs_param(&headers.values),
        }),
        key_schemas: &batch.key_schemas,
        value_schemas: &batch.value_schemas,
    }
}

fn blobs_param(blobs: &Blobs) -> wit::BlobsParam<'_> {
    wit::BlobsParam { ends: &blobs.ends, nulls: &blobs.nulls, data: &blobs.data }
}
