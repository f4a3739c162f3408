//! Offsets of partitions, asked of their leaders.
//!
//! Owns ListOffsets for tools: one request per leader. Leaves what the offsets are for to the tools.
//! Invariant: a partition that nobody leads is told as an error, not as offset 0.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    BrokerId, ListOffsetsRequest,
    list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
};

use crate::{
    admin::{Admin, To, topic_name},
    failure::Failure,
};

/// A partition of a topic.
pub type Partition = (String, i32);

/// What stands for a time in ListOffsets: the end of the log.
pub const LATEST: i64 = -1;
/// The beginning of the log.
pub const EARLIEST: i64 = -2;

/// The offset of each partition at a time: milliseconds since 1970, or one of Kafka's negative numbers. `None` where no record is that
/// late; an error where the leader says so.
///
/// # Errors
/// Nobody answers in time; a topic that is not there.
pub fn at(
    admin: &mut Admin<'_>,
    partitions: &[Partition],
    timestamp: i64,
) -> Result<BTreeMap<Partition, Result<Option<i64>, Failure>>, Failure> {
    admin.retrying(|admin| {
        let offsets = attempt(admin, partitions, timestamp)?;
        // A leader that has just moved is asked again, with all others.
        match offsets.values().find_map(|offset| offset.as_ref().err().filter(|failure| matches!(failure.code, 5 | 6)))
        {
            Some(failure) => Err(failure.clone()),
            None => Ok(offsets),
        }
    })
}

fn attempt(
    admin: &mut Admin<'_>,
    partitions: &[Partition],
    timestamp: i64,
) -> Result<BTreeMap<Partition, Result<Option<i64>, Failure>>, Failure> {
    let mut topics: Vec<String> = partitions.iter().map(|(topic, _)| topic.clone()).collect();
    topics.sort();
    topics.dedup();
    let leaders = admin.leaders(&topics)?;
    let mut offsets = BTreeMap::new();
    let mut asked: BTreeMap<i32, BTreeMap<&str, Vec<ListOffsetsPartition>>> = BTreeMap::new();
    for partition in partitions {
        let Some(leader) = leaders.get(partition) else {
            offsets.insert(partition.clone(), Err(Failure::kafka(3, None)));
            continue;
        };
        let request = ListOffsetsPartition::default().with_partition_index(partition.1).with_timestamp(timestamp);
        asked.entry(*leader).or_default().entry(&partition.0).or_default().push(request);
    }
    // Later versions are those that know these times: max-timestamp, earliest-local, latest-tiered, earliest-pending-upload.
    let least = match timestamp {
        -3 => 7,
        -4 => 8,
        -5 => 9,
        -6 => 11,
        _ => 1,
    };
    for (leader, topics) in asked {
        let topic = |(name, partitions): (&str, Vec<ListOffsetsPartition>)| {
            ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions)
        };
        let topics = topics.into_iter().map(topic).collect();
        let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics);
        let answer = admin.ask_within(To::Broker(leader), (least, i16::MAX), |_| request)?;
        for topic in answer.topics {
            for partition in topic.partitions {
                let offset = match partition.error_code {
                    0 => Ok(Some(partition.offset).filter(|offset| *offset >= 0)),
                    code => Err(Failure::kafka(code, None)),
                };
                offsets.insert((topic.name.to_string(), partition.partition_index), offset);
            }
        }
    }
    Ok(offsets)
}
