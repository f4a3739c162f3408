//! Source offsets as records of `connect-offsets`, on their way there and back.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use bytes::Bytes;

use crate::{
    batches::{self, Batches},
    exchange::SourceBatch,
    offsets,
    scalar::ScalarMap,
};

/// What the table of `connect-offsets` says about one connector: source partitions and offsets. Records of others are not
/// looked into; a damaged one of this connector is an error, never a start from nothing.
pub fn of_connector(connector: &str, table: &[(Bytes, Bytes)]) -> Result<Vec<(ScalarMap, ScalarMap)>, String> {
    let mut committed = Vec::new();
    for (key, value) in table {
        let Ok((name, partition)) = offsets::read_key(key) else { continue };
        if name == connector {
            committed.extend(offsets::read_value(value)?.map(|offset| (partition, offset)));
        }
    }
    Ok(committed)
}

/// The last checkpoint of each source partition: all records of a poll become durable at once, and the earlier ones with it.
pub(super) fn last_of_each(batch: &SourceBatch) -> Result<Vec<(ScalarMap, ScalarMap)>, String> {
    let mut last = BTreeMap::new();
    for checkpoint in &batch.checkpoints {
        last.insert(checkpoint.partition, &checkpoint.offset);
    }
    let named = last.into_iter().map(|(index, offset)| {
        let partition = batch.partitions.get(index as usize);
        let partition = partition
            .ok_or_else(|| format!("a checkpoint names source partition {index}, which the batch does not have"))?;
        offsets::check(partition)?;
        offsets::check(offset)?;
        Ok((partition.clone(), offset.to_vec()))
    });
    named.collect()
}

/// The records that say so, each in its partition of the topic, which has `count` of them.
pub(super) fn batches(
    topic: &str,
    count: i32,
    connector: &str,
    all: &BTreeMap<ScalarMap, ScalarMap>,
    wall: i64,
) -> Batches {
    let record = |(partition, offset): (&ScalarMap, &ScalarMap)| {
        (offsets::key(connector, partition), Some(offsets::value(offset)))
    };
    batches::keyed(topic, count, all.iter().map(record), wall)
}
