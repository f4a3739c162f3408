//! Readers of committed records, as Kafka's clients are: they drop what an answer's list of aborted transactions says.
//!
//! Owns that filter (`CompletedFetch` of Kafka's consumer), and a client that reads a topic's partitions from their start for ever.

use std::collections::BTreeSet;

use broker_core::request::{Fetched, Reply, Request, RequestId};
use broker_store::batch::{self, BatchInfo};

use super::{
    Client, Port,
    fetch::{self, Brought},
    topic::Topic,
    unexpected,
};
use crate::{
    broken,
    check::{Checked, Checks, log::Partition},
};

/// What a fetch of committed records brought: how far the reader is now.
pub fn take_in(
    checks: &mut Checks,
    partition: &Partition,
    fetched: &Fetched,
    bytes: &[u8],
    offset: i64,
) -> Result<i64, String> {
    let mut waiting = fetched.aborted.clone();
    waiting.sort_by_key(|(_, first_offset)| core::cmp::Reverse(*first_offset));
    let mut aborted = BTreeSet::new();
    let (mut next, mut rest) = (offset, bytes);
    while let Ok(info) = BatchInfo::parse(rest) {
        let (one, after) = rest.split_at(info.length as usize);
        rest = after;
        next = info.last_offset() + 1;
        if info.base_offset >= fetched.last_stable_offset {
            broken!(
                "{partition:?}: {} is above the last stable offset {}",
                info.base_offset,
                fetched.last_stable_offset
            );
        }
        while let Some((producer_id, _)) = waiting.pop_if(|(_, first)| *first <= info.last_offset()) {
            aborted.insert(producer_id);
        }
        if info.is_control() {
            if !is_commit(one) {
                aborted.remove(&info.producer_id);
            }
        } else if !(info.is_transactional() && aborted.contains(&info.producer_id)) {
            for (record, at) in batch::records(one).zip(info.base_offset..) {
                let record = record.map_err(|bad| format!("a record cannot be read: {bad}"))?;
                checks.transactions.sees(partition, at, &String::from_utf8_lossy(record.value.unwrap_or_default()))?;
            }
        }
    }
    Ok(next)
}

fn is_commit(marker: &[u8]) -> bool {
    let key = batch::records(marker).next().and_then(Result::ok).and_then(|record| record.key);
    key == Some(&[0, 0, 0, 1])
}

/// A reader.
#[derive(Debug)]
pub struct Committed {
    topic: Topic,
    /// Next offset of each partition.
    next: Vec<i64>,
    asked: Option<(RequestId, i32)>,
    left: u32,
}

impl Committed {
    /// One that asks so often.
    pub fn new(topic: &str, left: u32) -> Self {
        Self { topic: Topic::new(topic), next: Vec::new(), asked: None, left }
    }
}

impl Client for Committed {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        let Some(partitions) = self.topic.partitions(port) else { return Ok(()) };
        if self.asked.is_some() || self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        self.next.resize(partitions as usize, 0);
        let partition = port.random.below(partitions as u64) as i32;
        let max_bytes = *port.random.pick(&[1, 300, 5_000, 1_000_000]);
        let wait = *port.random.pick(&[0, 5, 500]);
        let named = (self.topic.name.clone(), partition);
        let request = fetch::request(&named, self.next[partition as usize], wait, max_bytes);
        self.asked = Some((port.send(committed(request)), partition));
        Ok(())
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.topic.answered(port, id, &reply)? {
            return Ok(());
        }
        let Some((_, partition)) = self.asked.take_if(|(asked, _)| *asked == id) else {
            return unexpected("a reader of committed records", &reply);
        };
        let named = (self.topic.name.clone(), partition);
        let next = &mut self.next[partition as usize];
        let fetched = fetch::only(reply)?;
        let pieces = port.read(&fetched.records);
        match fetch::check(port.checks, &named, *next, &fetched, pieces)? {
            Brought::Batches(_, bytes) => {
                *next = take_in(port.checks, &named, &fetched, &bytes, *next)?;
                Ok(())
            }
            other => broken!("{named:?} at {next}, which was served: {other:?}"),
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
        self.left = self.left.min(3);
    }
}

/// The same fetch, of committed records.
pub fn committed(request: Request) -> Request {
    match request {
        Request::Fetch(fetch) => Request::Fetch(broker_core::request::Fetch { read_committed: true, ..fetch }),
        other => other,
    }
}
