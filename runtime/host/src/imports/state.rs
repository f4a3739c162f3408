//! A task's small durable state.
//!
//! Owns what the guest sees: what was committed, with its own changes over it. Leaves keeping it to the runtime, which takes
//! the changes. Invariant: no more than [`MAX_KEYS`] keys and [`MAX_BYTES`] bytes.

use crate::bindings::connect::connector::state::Host;
use crate::bindings::connect::connector::types::{Error, ErrorClass};
use crate::imports::refusal;
use crate::store::TaskData;

const MAX_KEYS: usize = 64;
const MAX_BYTES: usize = 256 << 10;

impl Host for TaskData {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.env.state.get(&key).cloned())
    }

    fn put(&mut self, key: String, value: Option<Vec<u8>>) -> wasmtime::Result<Result<(), Error>> {
        if let Some(value) = &value {
            let others = self.env.state.iter().filter(|(other, _)| **other != key);
            let (keys, bytes) =
                others.fold((0, 0), |(keys, bytes), (key, value)| (keys + 1, bytes + key.len() + value.len()));
            if keys >= MAX_KEYS || bytes + key.len() + value.len() > MAX_BYTES {
                let message = format!("A task keeps at most {MAX_KEYS} keys and {MAX_BYTES} bytes of state.");
                return Ok(Err(refusal(ErrorClass::Fatal, "state.full", message)));
            }
        }
        self.allowance.take(key.len() + value.as_ref().map_or(0, Vec::len))?;
        match &value {
            Some(value) => self.env.state.insert(key.clone(), value.clone()),
            None => self.env.state.remove(&key),
        };
        // A key that came and went leaves its removal behind, but no more than the guest can name within its call's bytes.
        if self.state_changes.len() >= 2 * MAX_KEYS && !self.state_changes.contains_key(&key) {
            return Err(wasmtime::format_err!("more than {} keys of state changed in one call", 2 * MAX_KEYS));
        }
        self.state_changes.insert(key, value);
        Ok(Ok(()))
    }
}
