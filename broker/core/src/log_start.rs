//! Where logs start: DeleteRecords, and starts that are decided and not durable yet.
//!
//! Owns the record that moves a start. Leaves why retention moves one to `retention`, and the segments that leave with it to
//! `broker_store::log`. Invariant: a log's own start, which readers see, moves only when the record is durable.

use alloc::{collections::VecDeque, string::String, vec::Vec};
use broker_store::entry::PartitionId;

use crate::{
    Broker,
    error::Error,
    pipeline::Seq,
    record::Record,
    request::{Reply, TopicReply},
    retention::policy,
};

/// DeleteRecords' word for the high watermark (`DeleteRecordsRequest.HIGH_WATERMARK`).
const HIGH_WATERMARK: i64 = -1;

/// Starts by the entry that moves them.
#[derive(Default)]
pub(crate) struct LogStarts(VecDeque<(Seq, PartitionId, i64)>);

impl Broker {
    pub(crate) fn delete_records(&mut self, topics: Vec<(String, Vec<(i32, i64)>)>) -> Reply {
        let mut reply = Vec::with_capacity(topics.len());
        for (topic, partitions) in topics {
            let one = |(partition, offset)| (partition, self.delete_records_of(&topic, partition, offset));
            let partitions = partitions.into_iter().map(one).collect();
            reply.push(TopicReply { topic, partitions });
        }
        Reply::DeleteRecords(reply)
    }

    /// The first offset that can be read afterwards. Checks and errors are those of `ReplicaManager` and
    /// `Partition.deleteRecordsOnLeader`.
    fn delete_records_of(&mut self, name: &str, partition: i32, offset: i64) -> Result<i64, Error> {
        let topic = self.topics.get(name).ok_or(Error::UnknownTopicOrPartition)?;
        if topic.internal() {
            return Err(Error::InvalidTopicException);
        }
        let deletes = policy(topic, &self.defaults).delete;
        let id = self.partition_id(name, partition).ok_or(Error::UnknownTopicOrPartition)?;
        if !deletes {
            return Err(Error::PolicyViolation);
        }
        let end = self.partitions[&id].high_watermark();
        let offset = if offset == HIGH_WATERMARK { end } else { offset };
        if !(0..=end).contains(&offset) {
            return Err(Error::OffsetOutOfRange);
        }
        self.move_log_start(id, offset);
        Ok(self.partitions[&id].start_offset)
    }

    /// Decides that a log starts at `offset`, which is durable, if it does not start later already.
    pub(crate) fn move_log_start(&mut self, id: PartitionId, offset: i64) {
        if offset > self.partitions[&id].start_offset {
            self.append_record(&Record::LogStart { partition: id, offset });
        }
    }

    pub(crate) fn replay_log_start(&mut self, record: &Record) {
        if let Record::LogStart { partition: id, offset } = record
            && let Some(partition) = self.partitions.get_mut(id)
        {
            partition.start_offset = partition.start_offset.max(*offset);
            self.log_starts.0.push_back((self.pipeline.position(), *id, *offset));
        }
    }

    /// Moves the starts that are durable with entry `durable`.
    pub(crate) fn move_log_starts(&mut self, durable: Seq) {
        while let Some((_, id, offset)) = self.log_starts.0.pop_front_if(|(seq, ..)| *seq <= durable) {
            // Its topic may be deleted by now.
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.log.set_start(offset);
                partition.stable.forget_before(offset);
                self.keeper.segment_left();
            }
        }
    }
}
