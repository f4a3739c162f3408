//! Fetch: what can be read now, and who waits for more.
//!
//! Owns the parked fetches and when they are answered (enough bytes, an error, or their time is up). Leaves record bytes to the log
//! and the edge. Invariant: only bytes below the high watermark are answered, and to readers of committed records only those below the
//! last stable offset.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use broker_store::{entry::PartitionId, log::Read};

use crate::{
    Broker,
    error::Error,
    limits::{FETCH_MOST_BYTES, PARKED_PER_CONNECTION},
    partition::LEADER_EPOCH,
    request::{
        ConnId, Fetch, FetchPartition, Fetched, ListOffsets, Listed, ListedOffset, Reply, RequestId, SessionFetch,
        SessionFetched, TopicReply,
    },
    sessions::InSession,
    time::Now,
};

/// Fetches that wait for records.
#[derive(Default)]
pub(crate) struct Parked {
    next: u64,
    fetches: BTreeMap<u64, Waiting>,
    by_deadline: BTreeSet<(Now, u64)>,
    by_partition: BTreeMap<PartitionId, BTreeSet<u64>>,
    by_conn: BTreeMap<ConnId, BTreeSet<u64>>,
}

struct Waiting {
    conn: ConnId,
    id: RequestId,
    fetch: Fetch,
    session: Option<InSession>,
    deadline: Now,
    partitions: Vec<PartitionId>,
}

impl Parked {
    fn park(&mut self, waiting: Waiting) {
        let number = self.next;
        self.next += 1;
        self.by_deadline.insert((waiting.deadline, number));
        self.by_conn.entry(waiting.conn).or_default().insert(number);
        for partition in &waiting.partitions {
            self.by_partition.entry(*partition).or_default().insert(number);
        }
        self.fetches.insert(number, waiting);
    }

    fn unpark(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.fetches.remove(&number)?;
        self.by_deadline.remove(&(waiting.deadline, number));
        remove_from(&mut self.by_conn, waiting.conn, number);
        waiting.partitions.iter().for_each(|partition| remove_from(&mut self.by_partition, *partition, number));
        Some(waiting)
    }

    fn of_connection(&self, conn: ConnId) -> usize {
        self.by_conn.get(&conn).map_or(0, BTreeSet::len)
    }

    /// The first deadline.
    pub fn poll_timeout(&self) -> Option<Now> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Forgets what a connection waited for.
    pub fn disconnected(&mut self, conn: ConnId) {
        for number in self.by_conn.remove(&conn).unwrap_or_default() {
            self.unpark(number);
        }
    }
}

fn remove_from<K: Ord>(map: &mut BTreeMap<K, BTreeSet<u64>>, key: K, number: u64) {
    if let Some(set) = map.get_mut(&key) {
        set.remove(&number);
        if set.is_empty() {
            map.remove(&key);
        }
    }
}

impl Broker {
    /// Answers a fetch, or parks it until there is enough to answer.
    pub(crate) fn fetch(&mut self, now: Now, conn: ConnId, id: RequestId, fetch: Fetch) {
        self.fetch_in(now, conn, id, fetch, None);
    }

    /// The same in a session, which says what is read and what of it is answered.
    pub(crate) fn session_fetch(&mut self, now: Now, conn: ConnId, id: RequestId, asked: SessionFetch) {
        let Fetch { max_wait_ms, min_bytes, max_bytes, read_committed, .. } = asked.fetch;
        let entropy = &mut self.entropy;
        match self.sessions.begin(now, asked, || entropy.next()) {
            Ok((session, topics)) => {
                let fetch = Fetch { max_wait_ms, min_bytes, max_bytes, read_committed, topics };
                self.fetch_in(now, conn, id, fetch, Some(session));
            }
            Err(error) => self.reply_now(conn, id, Reply::FetchSession(Err(error))),
        }
    }

    fn fetch_in(&mut self, now: Now, conn: ConnId, id: RequestId, fetch: Fetch, session: Option<InSession>) {
        let answer = self.read(&fetch);
        let may_wait = fetch.max_wait_ms > 0
            && !fetch.topics.is_empty()
            && self.parked.of_connection(conn) < PARKED_PER_CONNECTION;
        if answer.ready(&fetch) || !may_wait {
            return self.fetched(conn, id, session, answer);
        }
        let partitions = fetch
            .topics
            .iter()
            .flat_map(|(topic, partitions)| partitions.iter().filter_map(|p| self.partition_id(topic, p.partition)));
        let partitions = partitions.collect();
        let deadline = now.plus(u64::from(fetch.max_wait_ms));
        self.parked.park(Waiting { conn, id, fetch, session, deadline, partitions });
    }

    /// Answers the fetches that wait for `partition`, where there is enough now.
    pub(crate) fn wake(&mut self, partition: PartitionId) {
        let Some(numbers) = self.parked.by_partition.get(&partition) else {
            return;
        };
        for number in numbers.iter().copied().collect::<Vec<_>>() {
            let answer = self.read(&self.parked.fetches[&number].fetch);
            if answer.ready(&self.parked.fetches[&number].fetch) {
                self.answer(number, answer);
            }
        }
    }

    /// Answers the fetches whose time is up, with what there is.
    pub(crate) fn expire_fetches(&mut self, now: Now) {
        while let Some((deadline, number)) = self.parked.by_deadline.first().copied() {
            if deadline > now {
                return;
            }
            let answer = self.read(&self.parked.fetches[&number].fetch);
            self.answer(number, answer);
        }
    }

    fn answer(&mut self, number: u64, answer: Answer) {
        let waiting = self.parked.unpark(number).expect("a parked fetch");
        self.fetched(waiting.conn, waiting.id, waiting.session, answer);
    }

    fn fetched(&mut self, conn: ConnId, id: RequestId, session: Option<InSession>, answer: Answer) {
        let reply = match session {
            None => Reply::Fetch(answer.topics),
            Some(session) => {
                let topics = self.sessions.finish(session, answer.topics);
                Reply::FetchSession(Ok(SessionFetched { session: session.id, topics }))
            }
        };
        self.reply_now(conn, id, reply);
    }

    fn read(&self, fetch: &Fetch) -> Answer {
        let mut left = fetch.max_bytes.min(FETCH_MOST_BYTES);
        let mut answer = Answer::default();
        for (topic, partitions) in &fetch.topics {
            let mut fetched = Vec::with_capacity(partitions.len());
            for wanted in partitions {
                let part = self.read_partition(topic, wanted, left, answer.bytes == 0, fetch.read_committed);
                let bytes = part.records.len() as u64;
                left = left.saturating_sub(u32::try_from(bytes).unwrap_or(u32::MAX));
                answer.bytes += bytes;
                answer.failed |= part.error.is_some();
                fetched.push(part);
            }
            answer.topics.push(TopicReply { topic: topic.clone(), partitions: fetched });
        }
        answer
    }

    /// The first batch of an answer is whole however large it is (KIP-74): `first` says that this may be it.
    fn read_partition(
        &self,
        topic: &str,
        wanted: &FetchPartition,
        left: u32,
        first: bool,
        read_committed: bool,
    ) -> Fetched {
        let refuse = |error, high_watermark, log_start_offset| Fetched {
            partition: wanted.partition,
            error: Some(error),
            high_watermark,
            last_stable_offset: -1,
            log_start_offset,
            aborted: Vec::new(),
            records: Read::default(),
        };
        let Some(partition) = self.partition(topic, wanted.partition) else {
            return refuse(Error::UnknownTopicOrPartition, -1, -1);
        };
        let (end, start) = (partition.high_watermark(), partition.log.start_offset());
        if let Err(error) = check_epoch(wanted.current_leader_epoch) {
            return refuse(error, end, start);
        }
        if wanted.offset < start || wanted.offset > end {
            return refuse(Error::OffsetOutOfRange, end, start);
        }
        let most = wanted.max_bytes.min(left) as usize;
        let stable = partition.last_stable_offset();
        let upto = if read_committed { stable } else { end };
        let records =
            if most == 0 && !first { Read::default() } else { partition.log.read(wanted.offset, upto, most, first) };
        let aborted = if read_committed && !records.is_empty() {
            partition.stable.aborted(wanted.offset, records.end().unwrap_or(upto).min(upto))
        } else {
            Vec::new()
        };
        Fetched {
            partition: wanted.partition,
            error: None,
            high_watermark: end,
            last_stable_offset: stable,
            log_start_offset: start,
            aborted: aborted.iter().map(|aborted| (aborted.producer_id, aborted.first_offset)).collect(),
            records,
        }
    }

    pub(crate) fn list_offsets(&self, request: &ListOffsets) -> Reply {
        let topic = |(topic, partitions): &(String, Vec<(i32, i32, i64)>)| TopicReply {
            topic: topic.clone(),
            partitions: partitions
                .iter()
                .map(|&(partition, epoch, timestamp)| Listed {
                    partition,
                    outcome: self.list_offset(topic, partition, epoch, timestamp, request.read_committed),
                })
                .collect(),
        };
        Reply::ListOffsets(request.topics.iter().map(topic).collect())
    }

    fn list_offset(
        &self,
        topic: &str,
        partition: i32,
        epoch: i32,
        timestamp: i64,
        read_committed: bool,
    ) -> Result<ListedOffset, Error> {
        let partition = self.partition(topic, partition).ok_or(Error::UnknownTopicOrPartition)?;
        check_epoch(epoch)?;
        let end = if read_committed { partition.last_stable_offset() } else { partition.high_watermark() };
        let at = |offset| Ok(ListedOffset::At { timestamp: -1, offset, leader_epoch: LEADER_EPOCH });
        let find = |timestamp| match partition.log.find_timestamp(timestamp) {
            Some(records) => Ok(ListedOffset::In {
                timestamp,
                records,
                start: partition.log.start_offset(),
                end,
                leader_epoch: LEADER_EPOCH,
            }),
            None => Ok(ListedOffset::At { timestamp: -1, offset: -1, leader_epoch: -1 }),
        };
        match timestamp {
            -1 => at(end),
            -2 | -4 => at(partition.log.start_offset()),
            -3 => find(partition.log.max_timestamp()),
            // The end of what is in tiered storage, of which there is none.
            -5 => Ok(ListedOffset::At { timestamp: -1, offset: -1, leader_epoch: -1 }),
            ..0 => Err(Error::UnsupportedVersion),
            _ => find(timestamp),
        }
    }
}

pub(crate) fn check_epoch(epoch: i32) -> Result<(), Error> {
    match epoch {
        -1 | LEADER_EPOCH => Ok(()),
        ..LEADER_EPOCH => Err(Error::FencedLeaderEpoch),
        _ => Err(Error::UnknownLeaderEpoch),
    }
}

#[derive(Default)]
struct Answer {
    topics: Vec<TopicReply<Fetched>>,
    bytes: u64,
    failed: bool,
}

impl Answer {
    fn ready(&self, fetch: &Fetch) -> bool {
        self.failed || self.bytes >= u64::from(fetch.min_bytes)
    }
}
