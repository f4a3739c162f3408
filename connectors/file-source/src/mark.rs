//! How a file is known again: its device and inode, and hashes of what was read.
//!
//! A name says nothing, an inode number is used again, and a whole file is too long to hash at each start. So the task's state
//! keeps the hash of the first 1 KiB that were read and of the last 1 KiB before the position. The first tells files apart;
//! the second says that the bytes from which we go on follow what we have sent, which catches a file that was truncated and
//! grew again, or whose copies share a heading. What an editor changed in between without moving it is of no consequence.
//! Invariant: checking costs two small reads, however long the file is.

use connect_sdk::Error;
use connect_sdk::host::files::{Identity, Reader};
use connect_sdk::host::state;

/// Bytes at the beginning and before the position that are compared.
pub const WINDOW: usize = 1 << 10;

const KEY: &str = "file";

/// Which bytes of which file were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub device: u64,
    pub inode: u64,
    /// Bytes that were read.
    pub position: u64,
    pub head: Print,
    pub tail: Print,
}

/// Length and hash of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    pub length: usize,
    pub hash: u64,
}

/// What a file has in common with what was read.
pub enum Fit {
    /// It begins with what was read; these are its first bytes and those before the position.
    Same { head: Vec<u8>, tail: Vec<u8> },
    /// It does not, or is shorter.
    Other,
}

impl Print {
    pub fn of(bytes: &[u8]) -> Self {
        // FNV-1a: against accidents, not against enemies.
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { length: bytes.len(), hash }
    }
}

impl Mark {
    /// The mark that was committed last, if there is one that can be read.
    pub fn load() -> Option<Self> {
        Self::parse(std::str::from_utf8(&state::get(KEY)?).ok()?)
    }

    /// Puts it into the state, to be committed with the records of this poll.
    pub fn store(&self) -> Result<(), Error> {
        state::put(KEY, self.print().as_bytes())
    }

    pub fn is_of(&self, identity: Identity) -> bool {
        (self.device, self.inode) == (identity.device, identity.inode)
    }

    /// Compares what `reader` has where this mark was made.
    pub fn fit(&self, reader: &Reader) -> Result<Fit, Error> {
        let head = reader.read_at(0, self.head.length as u32)?;
        let tail = reader.read_at(self.position - self.tail.length as u64, self.tail.length as u32)?;
        let same = Print::of(&head) == self.head && Print::of(&tail) == self.tail;
        Ok(if same { Fit::Same { head, tail } } else { Fit::Other })
    }

    fn print(&self) -> String {
        let Self { device, inode, position, head, tail } = self;
        format!("1 {device} {inode} {position} {} {:x} {} {:x}", head.length, head.hash, tail.length, tail.hash)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut number = |radix| u64::from_str_radix(words.next()?, radix).ok();
        if number(10)? != 1 {
            return None;
        }
        let (device, inode, position) = (number(10)?, number(10)?, number(10)?);
        let mut print = || Some(Print { length: number(10)? as usize, hash: number(16)? });
        let mark = Self { device, inode, position, head: print()?, tail: print()? };
        let longest = position.min(WINDOW as u64) as usize;
        (mark.head.length <= longest && mark.tail.length <= longest).then_some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_can_be_read_again() {
        let mark =
            Mark { device: 1, inode: u64::MAX, position: 7, head: Print::of(b"line 1\n"), tail: Print::of(b"1\n") };
        assert_eq!(Mark::parse(&mark.print()), Some(mark));
    }

    #[test]
    fn nonsense_is_no_mark() {
        for text in ["", "1", "2 1 1 7 7 0 2 0", "1 1 1 7 8 0 2 0", "1 1 1 7 7 0 x 0"] {
            assert_eq!(Mark::parse(text), None, "{text:?}");
        }
    }
}
