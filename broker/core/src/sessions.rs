//! Fetch sessions (KIP-227): a client that reads many partitions names only what has changed, and hears only of what has news.
//!
//! Owns the sessions: their epochs, their partitions in the order of the next answer, what each was told last, and which session goes
//! when there is no room. Leaves the reading to `fetch`. A session is a client's convenience: nothing of it outlives a restart.
//! Invariant: at most `slots` sessions and [`SESSION_PARTITIONS`] partitions in all of them.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    error::Error,
    limits::{SESSION_EVICTION_MS, SESSION_PARTITIONS},
    request::{FetchPartition, Fetched, SessionFetch, TopicReply},
    time::Now,
};

type Topics = Vec<(String, Vec<FetchPartition>)>;

/// All sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: usize,
    sessions: BTreeMap<i32, Session>,
    partitions: usize,
}

#[derive(Debug)]
struct Session {
    /// What the next request must say.
    epoch: i32,
    made: Now,
    used: Now,
    places: BTreeMap<(String, i32), u64>,
    order: BTreeMap<u64, Cached>,
    next_place: u64,
}

/// A partition as the client asked for it, and what it was told.
#[derive(Debug)]
struct Cached {
    topic: String,
    wanted: FetchPartition,
    high_watermark: i64,
    log_start_offset: i64,
}

/// A fetch in a session, or in none (id 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InSession {
    pub id: i32,
    /// Only what has news is answered.
    pub incremental: bool,
}

/// No session, or the last fetch of one.
const FINAL: i32 = -1;
/// The first fetch of a session.
const INITIAL: i32 = 0;

impl Sessions {
    pub fn new(slots: usize) -> Self {
        Self { slots, sessions: BTreeMap::new(), partitions: 0 }
    }

    /// What to read for a request, and in which session. `random` makes the id of a new one.
    /// Errors: `FetchSessionIdNotFound`, `InvalidFetchSessionEpoch`.
    pub fn begin(
        &mut self,
        now: Now,
        asked: SessionFetch,
        random: impl FnMut() -> u64,
    ) -> Result<(InSession, Topics), Error> {
        if matches!(asked.epoch, FINAL | INITIAL) {
            self.remove(asked.session);
            let id = if asked.epoch == INITIAL { self.open(now, &asked.fetch.topics, random) } else { 0 };
            return Ok((InSession { id, incremental: false }, asked.fetch.topics));
        }
        let session = self.sessions.get_mut(&asked.session).ok_or(Error::FetchSessionIdNotFound)?;
        if session.epoch != asked.epoch {
            return Err(Error::InvalidFetchSessionEpoch);
        }
        let before = session.order.len();
        session.used = now;
        session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        session.set(asked.fetch.topics);
        session.forget(&asked.forgotten);
        self.partitions = self.partitions + session.order.len() - before;
        if session.order.is_empty() {
            self.remove(asked.session);
            return Ok((InSession::default(), Topics::new()));
        }
        let topics = session.topics();
        if self.partitions > SESSION_PARTITIONS {
            // The client starts over with a full fetch, and gets no session if there is no room then.
            self.remove(asked.session);
            return Err(Error::FetchSessionIdNotFound);
        }
        Ok((InSession { id: asked.session, incremental: true }, topics))
    }

    /// The part of an answer that a session's client must be sent; it is taken note of.
    pub fn finish(&mut self, of: InSession, answer: Vec<TopicReply<Fetched>>) -> Vec<TopicReply<Fetched>> {
        let Some(session) = self.sessions.get_mut(&of.id) else { return answer };
        let mut told: Vec<TopicReply<Fetched>> = Vec::new();
        for TopicReply { topic, partitions } in answer {
            let news = partitions.into_iter().filter(|fetched| session.tell(&topic, fetched) || !of.incremental);
            let partitions: Vec<Fetched> = news.collect();
            if !partitions.is_empty() {
                told.push(TopicReply { topic, partitions });
            }
        }
        told
    }

    /// A new session, if there is something to remember and room for it; else 0.
    fn open(&mut self, now: Now, topics: &Topics, mut random: impl FnMut() -> u64) -> i32 {
        let size = topics.iter().map(|(_, partitions)| partitions.len()).sum::<usize>();
        if size == 0 || self.slots == 0 || (self.sessions.len() >= self.slots && !self.evict(now, size)) {
            return 0;
        }
        if self.partitions + size > SESSION_PARTITIONS {
            return 0;
        }
        let id = loop {
            let id = (random() >> 33) as i32;
            if id > 0 && !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let (places, order) = (BTreeMap::new(), BTreeMap::new());
        let mut session = Session { epoch: 1, made: now, used: now, places, order, next_place: 0 };
        session.set(topics.clone());
        self.partitions += session.order.len();
        self.sessions.insert(id, session);
        id
    }

    /// Kafka's rule: whichever was not used for two minutes goes, or a smaller one that is older than that.
    fn evict(&mut self, now: Now, size: usize) -> bool {
        let old = |since: Now| now.0.saturating_sub(since.0) > SESSION_EVICTION_MS;
        let unused = self.sessions.iter().min_by_key(|(_, session)| session.used).filter(|(_, s)| old(s.used));
        let smaller = || {
            let aged = self.sessions.iter().filter(|(_, session)| old(session.made));
            aged.min_by_key(|(_, session)| session.order.len()).filter(|(_, session)| session.order.len() < size)
        };
        match unused.or_else(smaller).map(|(id, _)| *id) {
            Some(id) => {
                self.remove(id);
                true
            }
            None => false,
        }
    }

    fn remove(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.partitions -= session.order.len();
        }
    }
}

impl Session {
    fn set(&mut self, topics: Topics) {
        for (topic, partitions) in topics {
            for wanted in partitions {
                let place = self.places.get(&(topic.clone(), wanted.partition));
                if let Some(cached) = place.and_then(|place| self.order.get_mut(place)) {
                    cached.wanted = wanted;
                    continue;
                }
                let cached = Cached { topic: topic.clone(), wanted, high_watermark: -1, log_start_offset: -1 };
                self.add(cached);
            }
        }
    }

    fn add(&mut self, cached: Cached) {
        self.places.insert((cached.topic.clone(), cached.wanted.partition), self.next_place);
        self.order.insert(self.next_place, cached);
        self.next_place += 1;
    }

    fn forget(&mut self, forgotten: &[(String, Vec<i32>)]) {
        for (topic, partitions) in forgotten {
            for partition in partitions {
                if let Some(place) = self.places.remove(&(topic.clone(), *partition)) {
                    self.order.remove(&place);
                }
            }
        }
    }

    /// All partitions in order; neighbours of one topic together.
    fn topics(&self) -> Topics {
        let mut topics: Topics = Vec::new();
        for cached in self.order.values() {
            match topics.last_mut() {
                Some((topic, partitions)) if *topic == cached.topic => partitions.push(cached.wanted),
                _ => topics.push((cached.topic.clone(), Vec::from([cached.wanted]))),
            }
        }
        topics
    }

    /// Takes note of what is answered for a partition; true if it is news. One that has records goes to the end of the order, so that
    /// the others get their turn.
    fn tell(&mut self, topic: &str, fetched: &Fetched) -> bool {
        let Some(place) = self.places.get(&(topic.to_string(), fetched.partition)).copied() else { return true };
        let cached = self.order.get_mut(&place).expect("places and order agree");
        let ends = (fetched.high_watermark, fetched.log_start_offset);
        let news = fetched.error.is_some()
            || !fetched.records.is_empty()
            || ends != (cached.high_watermark, cached.log_start_offset);
        (cached.high_watermark, cached.log_start_offset) = ends;
        if fetched.error.is_some() {
            // The end of an error is news again.
            cached.high_watermark = -1;
        } else if !fetched.records.is_empty() {
            let cached = self.order.remove(&place).expect("it was there above");
            self.add(cached);
        }
        news
    }
}

#[cfg(test)]
mod tests;
