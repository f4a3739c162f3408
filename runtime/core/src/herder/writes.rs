//! Writes to `connect-configs`: one on its way, the others behind it.
//!
//! Invariant: they reach the topic in the order in which they were decided.

use alloc::{collections::VecDeque, string::String, vec::Vec};

use super::{Output, WriteId};
use crate::connect_topics::{self, ConfigRecord};

#[derive(Default)]
pub(super) struct Writes {
    /// The first one is on its way.
    queue: VecDeque<Write>,
    next: u64,
}

struct Write {
    id: WriteId,
    connector: String,
    records: Vec<ConfigRecord>,
}

impl Writes {
    /// Puts a write about `connector` in line.
    pub fn push(&mut self, connector: &str, records: Vec<ConfigRecord>, out: &mut VecDeque<Output>) -> WriteId {
        self.next += 1;
        let id = WriteId(self.next);
        self.queue.push_back(Write { id, connector: connector.into(), records });
        if self.queue.len() == 1 {
            self.send(out);
        }
        id
    }

    /// The write on its way is decided: whose it was and what was in it. The next one goes out.
    pub fn done(&mut self, id: WriteId, out: &mut VecDeque<Output>) -> Option<(String, Vec<ConfigRecord>)> {
        self.queue.front().filter(|write| write.id == id)?;
        let write = self.queue.pop_front()?;
        self.send(out);
        Some((write.connector, write.records))
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn send(&self, out: &mut VecDeque<Output>) {
        if let Some(write) = self.queue.front() {
            let records = write.records.iter().map(connect_topics::write_config).collect();
            out.push_back(Output::WriteConfigs { write: write.id, records });
        }
    }
}
