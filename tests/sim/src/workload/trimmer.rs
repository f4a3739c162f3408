//! Somebody who deletes records: moves the start of a partition to anywhere below its end.
//!
//! Owns nothing but what he has asked. A deletion that was not answered may have happened.

use broker_core::{
    error::Error,
    request::{Reply, Request, RequestId},
};

use super::{Client, Port, topic::Topic, unexpected};
use crate::{
    broken,
    check::{Checked, log::Partition},
};

/// DeleteRecords' word for the high watermark.
const HIGH_WATERMARK: i64 = -1;

/// The client.
#[derive(Debug)]
pub struct Trimmer {
    topic: Topic,
    asked: Option<(RequestId, Partition)>,
    /// Deletions he will still ask for.
    left: u32,
}

impl Trimmer {
    /// One who asks for so many deletions.
    pub fn new(topic: &str, left: u32) -> Self {
        Self { topic: Topic::new(topic), asked: None, left }
    }
}

impl Client for Trimmer {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        let Some(partitions) = self.topic.partitions(port) else { return Ok(()) };
        // Most of the time he does nothing: otherwise nobody would find a record.
        if self.asked.is_some() || self.left == 0 || port.random.percent(80) {
            return Ok(());
        }
        self.left -= 1;
        let partition = (self.topic.name.clone(), port.random.below(partitions as u64) as i32);
        let end = port.checks.log.end(&partition);
        let offset = if port.random.percent(10) { HIGH_WATERMARK } else { port.random.below(end as u64 + 2) as i64 };
        port.checks.log.may_start(&partition, if offset == HIGH_WATERMARK { i64::MAX } else { offset });
        let id = port.send(Request::DeleteRecords(vec![(partition.0.clone(), vec![(partition.1, offset)])]));
        self.asked = Some((id, partition));
        Ok(())
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.topic.answered(port, id, &reply)? {
            return Ok(());
        }
        let Some((_, partition)) = self.asked.take_if(|(asked, _)| *asked == id) else {
            return unexpected("the trimmer", &reply);
        };
        let Reply::DeleteRecords(mut topics) = reply else { return unexpected("the trimmer", &reply) };
        match topics.pop().and_then(|mut topic| topic.partitions.pop()) {
            Some((_, Ok(start))) => port.checks.log.starts(&partition, start),
            Some((_, Err(Error::OffsetOutOfRange | Error::PolicyViolation))) => Ok(()),
            other => broken!("records of {partition:?} cannot be deleted: {other:?}"),
        }
    }

    fn cut_off(&mut self) {
        self.topic.cut_off();
        self.asked = None;
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.asked.is_none() && self.topic.is_quiet()
    }

    fn wind_up(&mut self) {
        self.left = 0;
    }
}
