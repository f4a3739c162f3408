//! Appends that wait for the disk.
//!
//! When producers are faster than the disk, their requests wait here, in the order they came, until there is room again: the
//! client's next request waits with them, and that slows it down. Only what has waited too long is turned away. Owns the queue. Leaves
//! how much may be on its way per connection and in all to the edge, and everything but appends of records passes by.
//! Invariant: while anything is held, nothing that could be held overtakes it.

use alloc::collections::VecDeque;

use crate::{
    Broker,
    limits::{HELD_MS, UNWRITTEN_MOST_BYTES},
    request::{AtomicAppend, ConnId, Produce, Reply, RequestId},
    time::{Now, Wall},
};

#[derive(Default)]
pub(crate) struct Held(VecDeque<Waiting>);

struct Waiting {
    conn: ConnId,
    id: RequestId,
    append: Append,
    deadline: Now,
}

/// What can be held.
pub(crate) enum Append {
    Produce(Produce),
    Atomic(AtomicAppend),
}

impl Held {
    pub fn disconnected(&mut self, conn: ConnId) {
        self.0.retain(|waiting| waiting.conn != conn);
    }

    pub fn poll_timeout(&self) -> Option<Now> {
        self.0.front().map(|waiting| waiting.deadline)
    }
}

impl Broker {
    /// Appends now, or when there is room for it.
    pub(crate) fn append_or_hold(&mut self, now: Now, wall: Wall, conn: ConnId, id: RequestId, append: Append) {
        if self.held.0.is_empty() && !self.disk_is_behind() {
            return self.append(wall, conn, id, append);
        }
        self.held.0.push_back(Waiting { conn, id, append, deadline: now.plus(HELD_MS) });
    }

    /// Lets in what there is room for.
    pub(crate) fn release_held(&mut self, wall: Wall) {
        while self.pipeline.has_room()
            && !self.disk_is_behind()
            && let Some(Waiting { conn, id, append, .. }) = self.held.0.pop_front()
        {
            self.append(wall, conn, id, append);
        }
    }

    /// What has waited too long is judged as things are.
    pub(crate) fn expire_held(&mut self, now: Now) {
        while self.held.poll_timeout().is_some_and(|deadline| deadline <= now)
            && let Some(Waiting { conn, id, append, .. }) = self.held.0.pop_front()
        {
            self.append(self.clock.1, conn, id, append);
        }
    }

    fn append(&mut self, wall: Wall, conn: ConnId, id: RequestId, append: Append) {
        let reply = match append {
            Append::Produce(produce) => self.produce(wall, produce),
            Append::Atomic(append) => Reply::AtomicAppend(self.atomic_append(wall, append)),
        };
        self.pipeline.reply_when_durable(conn, id, reply);
    }

    /// The journal is filling, or memory is with bytes that no segment has yet.
    fn disk_is_behind(&self) -> bool {
        self.journal_is_filling() || self.keeper.unwritten() > UNWRITTEN_MOST_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Input, Output, Room, group::GroupSettings, offsets::OffsetSettings, request::Request, settings::Settings,
    };
    use alloc::{string::ToString, vec::Vec};
    use broker_store::{
        buffer::Pool,
        recover::{Identity, Recovered},
    };

    fn broker() -> Broker {
        let settings = Settings {
            cluster_id: "c".to_string(),
            node_id: 1,
            num_partitions: 1,
            auto_create_topics: false,
            delete_topics: true,
            topic_defaults: Default::default(),
            described: Vec::new(),
            retention_check_ms: 300_000,
            cleaner: Default::default(),
            decompress: |_, _, _| Err("nothing is compressed here".to_string()),
            groups: GroupSettings::default(),
            offsets: OffsetSettings::default(),
            transactions: Default::default(),
            max_request_bytes: 1 << 20,
            fetch_sessions: 0,
            entropy: 7,
        };
        let recovered = Recovered {
            identity: Identity { cluster_id: "c".to_string(), node_id: 1, directory_id: "d".to_string() },
            is_new: true,
            checkpoint: None,
            items: Vec::new(),
            last_seq: 0,
            salt: 1,
            pool: Pool::new(),
            journal_bytes: 0,
            journal_capacity: 1000,
            torn: None,
            missing: Vec::new(),
            taken_over: Vec::new(),
        };
        Broker::recover(settings, Now(0), recovered).expect("nothing is wrong with an empty folder")
    }

    fn room(used: u64) -> Input {
        Input::Room(Room { used, capacity: 1000 })
    }

    fn produce(id: u64) -> Input {
        let produce = Produce { acks: -1, transactional_id: None, topics: Vec::new() };
        Input::Request { conn: ConnId(1), id: RequestId(id), request: Request::Produce(produce) }
    }

    /// The requests that are answered, in order.
    fn answered(broker: &mut Broker, now: u64) -> Vec<u64> {
        let outputs = core::iter::from_fn(|| broker.poll_output(Now(now)));
        outputs.filter_map(|output| if let Output::Reply { id, .. } = output { Some(id.0) } else { None }).collect()
    }

    #[test]
    fn producers_wait_in_order_while_the_journal_fills_and_go_on_when_there_is_room() {
        let mut broker = broker();
        for input in [produce(1), room(751), produce(2), produce(3)] {
            broker.handle(Now(1), Wall(1), input);
        }
        assert_eq!(answered(&mut broker, 1), [1]);
        broker.handle(Now(2), Wall(2), room(750));
        broker.handle(Now(2), Wall(2), produce(4));
        assert_eq!(answered(&mut broker, 2), [2, 3, 4]);
    }

    #[test]
    fn who_has_waited_too_long_is_answered_and_who_is_gone_is_forgotten() {
        let mut broker = broker();
        broker.handle(Now(1), Wall(1), room(1000));
        broker.handle(Now(1), Wall(1), produce(1));
        broker.handle_timeout(Now(HELD_MS));
        assert_eq!(answered(&mut broker, HELD_MS), []);
        broker.handle_timeout(Now(1 + HELD_MS));
        assert_eq!(answered(&mut broker, 1 + HELD_MS), [1]);
        broker.handle(Now(2 + HELD_MS), Wall(1), produce(2));
        broker.handle(Now(2 + HELD_MS), Wall(1), Input::Disconnected(ConnId(1)));
        broker.handle(Now(3 + HELD_MS), Wall(1), room(0));
        assert_eq!(answered(&mut broker, 3 + HELD_MS), []);
    }
}
