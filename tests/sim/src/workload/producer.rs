//! Producers: plain ones, and idempotent ones that send again until they know.
//!
//! Owns what was sent and not yet answered. An idempotent producer keeps five batches per partition on their way and, after a broken
//! connection or a refusal, sends all of them again in order (KIP-98). A plain one never sends anything twice.

use std::collections::VecDeque;

use broker_core::{
    error::Error,
    request::{Batch, InitProducerId, Produce, Reply, Request, RequestId},
};
use broker_store::batch::{BatchInfo, Builder};
use bytes::Bytes;

use super::{Client, Port, topic::Topic, unexpected};
use crate::{
    broken,
    check::{Checked, log::Partition, table},
};

/// Most batches of one partition from the oldest unanswered one on: what a broker remembers (KIP-98).
const IN_FLIGHT: usize = 5;

/// A producer.
#[derive(Debug)]
pub struct Producer {
    name: usize,
    topic: Topic,
    identity: Identity,
    /// Per partition.
    lanes: Vec<Lane>,
    /// Batches it will still make.
    left: u32,
    made: u32,
    /// Bytes of a value, about.
    longest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    Plain,
    Wanted,
    Asked(RequestId),
    Known(i64, i16),
}

#[derive(Debug, Default)]
struct Lane {
    sequence: i32,
    sent: VecDeque<Sent>,
    /// One was refused: all that are here go again, once the last answer is in.
    again: bool,
}

impl Lane {
    fn forget_answered(&mut self) {
        while self.sent.pop_front_if(|sent| sent.done).is_some() {}
    }
}

#[derive(Debug)]
struct Sent {
    info: BatchInfo,
    bytes: Bytes,
    request: Option<RequestId>,
    /// What the check of compacted topics knows it by.
    known_as: table::Sent,
    done: bool,
}

impl Producer {
    /// A producer to `topic` that will make so many batches, of values of about `longest` bytes at most.
    pub fn new(name: usize, topic: &str, idempotent: bool, batches: u32, longest: u64) -> Self {
        let identity = if idempotent { Identity::Wanted } else { Identity::Plain };
        Self { name, topic: Topic::new(topic), identity, lanes: Vec::new(), left: batches, made: 0, longest }
    }

    fn batch(&mut self, port: &mut Port<'_>, lane: usize) -> Result<Sent, String> {
        let records = port.random.between(1, 4);
        let mut builder = Builder::new();
        if let Identity::Known(id, epoch) = self.identity {
            builder = builder.producer(id, epoch, self.lanes[lane].sequence);
        }
        let long = port.random.below(self.longest + 1) as usize;
        for record in 0..records {
            let value = format!("{}-{}-{record}{}", self.name, self.made, "x".repeat(long));
            // Few keys, and some are deleted: where the topic is compacted, most records go.
            let key = [self.name as u8, port.random.below(3) as u8];
            let value = Some(value.as_bytes()).filter(|_| !port.random.percent(10));
            builder.push(port.wall, Some(&key), value, &[]);
        }
        self.made += 1;
        let bytes = Bytes::from(builder.finish());
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        self.lanes[lane].sequence += records as i32;
        let known_as = port.checks.tables.sends(&(self.topic.name.clone(), lane as i32), &bytes)?;
        Ok(Sent { info, bytes, request: None, known_as, done: false })
    }

    fn send(&mut self, port: &mut Port<'_>, lane: usize, at: usize) {
        let sent = &self.lanes[lane].sent[at];
        let batch = Batch { info: sent.info, bytes: sent.bytes.clone() };
        let topics = vec![(self.topic.name.clone(), vec![(lane as i32, Ok(batch))])];
        let acks = if port.random.percent(50) { -1 } else { 1 };
        let id = port.send(Request::Produce(Produce { acks, transactional_id: None, topics }));
        self.lanes[lane].sent[at].request = Some(id);
    }

    fn answer(&mut self, port: &mut Port<'_>, lane: usize, at: usize, reply: Reply) -> Checked {
        let Reply::Produce(mut topics) = reply else { return unexpected("a producer", &reply) };
        let outcome = topics.pop().and_then(|mut topic| topic.partitions.pop()).map(|partition| partition.outcome);
        let partition: Partition = (self.topic.name.clone(), lane as i32);
        let idempotent = self.identity != Identity::Plain;
        match outcome {
            Some(Ok(produced)) => {
                let sent = &mut self.lanes[lane].sent[at];
                (sent.done, sent.request) = (true, None);
                port.trace.step(port.now, "acknowledged", &[lane as u64, produced.base_offset as u64]);
                let info = BatchInfo { base_offset: produced.base_offset, ..sent.info };
                port.checks.log.acknowledged(&partition, produced.base_offset, &sent.bytes)?;
                port.checks.tables.acknowledged(&partition, sent.known_as, produced.base_offset, &sent.bytes)?;
                self.lanes[lane].forget_answered();
                port.checks.producers.seen(&partition, &info)
            }
            Some(Err((Error::OutOfOrderSequenceNumber, _))) if at == 0 => {
                broken!("producer {} of {partition:?}: its next batch is out of order", self.name)
            }
            // Later ones are refused because this one was: all of them go again, in order.
            Some(Err((Error::KafkaStorageError | Error::OutOfOrderSequenceNumber, _))) if idempotent => {
                self.lanes[lane].again = true;
                self.lanes[lane].sent[at].request = None;
                Ok(())
            }
            Some(Err((Error::KafkaStorageError, _))) => {
                self.lanes[lane].sent.remove(at);
                self.lanes[lane].forget_answered();
                Ok(())
            }
            other => broken!("producer {} of {partition:?} was answered {other:?}", self.name),
        }
    }
}

impl Client for Producer {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        let Some(partitions) = self.topic.partitions(port) else { return Ok(()) };
        self.lanes.resize_with(partitions as usize, Lane::default);
        match self.identity {
            Identity::Wanted => {
                let init = InitProducerId { transactional_id: None, timeout_ms: 0, current: (-1, -1) };
                self.identity = Identity::Asked(port.send(Request::InitProducerId(init)));
                return Ok(());
            }
            Identity::Asked(_) => return Ok(()),
            Identity::Plain | Identity::Known(..) => {}
        }
        let lane = port.random.below(partitions as u64) as usize;
        if let Some(at) = self.lanes[lane].sent.iter().position(|sent| sent.request.is_none() && !sent.done) {
            let waits = self.lanes[lane].sent.iter().any(|sent| sent.request.is_some());
            if !(self.lanes[lane].again && waits) {
                self.lanes[lane].again = false;
                self.send(port, lane, at);
            }
        } else if self.left > 0 && self.lanes[lane].sent.len() < IN_FLIGHT {
            self.left -= 1;
            let sent = self.batch(port, lane)?;
            self.lanes[lane].sent.push_back(sent);
            let last = self.lanes[lane].sent.len() - 1;
            self.send(port, lane, last);
        }
        Ok(())
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.topic.answered(port, id, &reply)? {
            return Ok(());
        }
        if self.identity == Identity::Asked(id) {
            let Reply::InitProducerId(Ok((id, epoch))) = reply else { return unexpected("a producer", &reply) };
            self.identity = Identity::Known(id, epoch);
            return port.checks.producers.given(id);
        }
        let find = |lane: &Lane| lane.sent.iter().position(|sent| sent.request == Some(id));
        match self.lanes.iter().enumerate().find_map(|(lane, sent)| Some((lane, find(sent)?))) {
            Some((lane, at)) => self.answer(port, lane, at, reply),
            None => unexpected("a producer", &reply),
        }
    }

    fn cut_off(&mut self) {
        self.topic.cut_off();
        if let Identity::Asked(_) = self.identity {
            self.identity = Identity::Wanted;
        }
        for lane in &mut self.lanes {
            if self.identity == Identity::Plain {
                lane.sent.clear();
            }
            lane.sent.iter_mut().for_each(|sent| sent.request = None);
            lane.again = !lane.sent.is_empty();
        }
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.lanes.iter().all(|lane| lane.sent.is_empty()) && self.topic.is_quiet()
    }

    fn wind_up(&mut self) {
        self.left = 0;
    }
}
