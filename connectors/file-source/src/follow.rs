//! Which bytes of which file come next: growth, rotation, truncation, an editor's save.
//!
//! Owns the open file, the position in it, and the look at what its name means now. A file that took our file's place goes on
//! at our position if it begins with what we have read (an editor saved); otherwise it starts over, after a second in which an
//! editor may finish and a writer may let go of the old file. The same holds for a file that lost what we have read.
//! Invariant: `buffer[at..]` begins at `position`, and `buffer[..at]` ends with the bytes before it.

use crate::lines;
use crate::mark::{Fit, Mark, Print, WINDOW};
use connect_sdk::host::files::{Identity, Reader};
use connect_sdk::host::{clock_ms, log, source_offset};
use connect_sdk::{Error, Poll, Records, Scalar, ScalarMap, map};
use std::collections::VecDeque;

/// Bytes of one read.
const CHUNK: usize = 256 << 10;
/// From one look to the next where nothing tells of changes.
const LOOK_MS: u32 = 60_000;
/// The same while it is not clear what became of the file.
const LOOK_SOON_MS: u32 = 100;
/// How long an editor may take to save, and a writer to let go of a file that was renamed.
const GRACE_MS: u64 = 1000;
/// Successors that are held open at once.
const MAX_NEXT: usize = 16;

pub struct Follow {
    path: String,
    longest: usize,
    open: Option<Open>,
    /// Files that have taken the place of ours, in order.
    next: VecDeque<Next>,
    /// The last complaint about opening, so that each is made once.
    complaint: String,
}

struct Open {
    reader: Reader,
    identity: Identity,
    position: u64,
    head: Vec<u8>,
    buffer: Vec<u8>,
    at: usize,
    /// Since when it lacks what we have read, in milliseconds.
    lost_ms: Option<u64>,
}

struct Next {
    reader: Reader,
    identity: Identity,
    seen_ms: u64,
}

enum Fill {
    More,
    End,
    /// The file does not have what we have read of it.
    Lost,
}

impl Follow {
    pub fn new(path: &str, longest: usize) -> Self {
        Self { path: path.to_owned(), longest, open: None, next: VecDeque::new(), complaint: String::new() }
    }

    pub fn poll(&mut self, partition: &ScalarMap, out: &mut Records) -> Result<Poll, Error> {
        if self.open.is_none() {
            self.open = self.first(partition)?;
        }
        let Some(open) = &mut self.open else { return Ok(Poll::Idle(LOOK_MS)) };
        let filled = loop {
            open.take_lines(self.longest, out)?;
            if out.is_full() {
                break Fill::More;
            }
            match open.fill(self.longest)? {
                Fill::More => open.lost_ms = None,
                other => break other,
            }
        };
        if !out.is_empty() {
            return open.checkpoint(partition, out);
        }
        match filled {
            Fill::More => Ok(Poll::Ready),
            Fill::Lost => Ok(self.lost()),
            Fill::End => self.at_end(partition, out),
        }
    }

    /// Opens the file for the first time, where the committed offset says.
    fn first(&mut self, partition: &ScalarMap) -> Result<Option<Open>, Error> {
        let Some((reader, identity)) = self.try_open() else { return Ok(None) };
        let offset = source_offset(partition).and_then(|offset| position_of(&offset)).filter(|position| *position > 0);
        let Some(position) = offset else { return Ok(Some(Open::at_start(reader, identity))) };
        let mark = match Mark::load().filter(|mark| mark.position == position) {
            Some(mark) => mark,
            // Somebody has set the offset, or it comes from Kafka: what is there now is what was read.
            None => {
                let length = position.min(WINDOW as u64);
                let head = Print::of(&reader.read_at(0, length as u32)?);
                let tail = Print::of(&reader.read_at(position - length, length as u32)?);
                let whole = head.length as u64 == length && tail.length as u64 == length;
                let Identity { device, inode } = identity;
                let short = Print { length: length as usize, hash: 0 };
                Mark { device, inode, position, head, tail: if whole { tail } else { short } }
            }
        };
        Ok(Some(match mark.fit(&reader)? {
            Fit::Same { head, tail } => Open::going_on(reader, identity, position, head, tail),
            Fit::Other => {
                let why = if mark.is_of(identity) { "was truncated or overwritten" } else { "is another one" };
                log::warn(&format!(
                    "{} {why} since {position} bytes of it were read; it is read from its start",
                    self.path
                ));
                Open::at_start(reader, identity)
            }
        }))
    }

    /// Opens what the path names now; says once what stands in the way.
    fn try_open(&mut self) -> Option<(Reader, Identity)> {
        let opened = Reader::open("file").and_then(|reader| match reader {
            Some(reader) => reader.stat().map(|stat| Some((reader, stat.identity))),
            None => Ok(None),
        });
        let complaint = match opened {
            Ok(Some(opened)) => {
                self.complaint.clear();
                return Some(opened);
            }
            Ok(None) => format!(
                "Couldn't find file {} for FileStreamSourceTask, sleeping to wait for it to be created",
                self.path
            ),
            Err(error) => format!("{}; trying again until it works", error.message),
        };
        if complaint != self.complaint {
            log::warn(&complaint);
            self.complaint = complaint;
        }
        None
    }

    /// Everything of the open file was read: has another one taken its place?
    fn at_end(&mut self, partition: &ScalarMap, out: &mut Records) -> Result<Poll, Error> {
        let Some(open) = &mut self.open else { return Ok(Poll::Ready) };
        open.lost_ms = None;
        let newest = self.next.back().map_or(open.identity, |next| next.identity);
        // While ours can be read, an error of its name can wait.
        let named = open.reader.at_path().unwrap_or(None);
        if named.is_some_and(|named| !same(named, newest) && !same(named, open.identity))
            && self.next.len() < MAX_NEXT
            && let Some((reader, identity)) = self.try_open()
        {
            self.next.push_back(Next { reader, identity, seen_ms: clock_ms() });
        }
        let (Some(open), Some(next)) = (&mut self.open, self.next.front()) else { return Ok(Poll::Idle(LOOK_MS)) };
        if let Fit::Same { head, tail } = open.mark().fit(&next.reader)? {
            let Some(next) = self.next.pop_front() else { return Ok(Poll::Ready) };
            log::debug(&format!("{} was saved anew and goes on at {}", self.path, open.position));
            *open = Open::going_on(next.reader, next.identity, open.position, head, tail);
            return Ok(Poll::Ready);
        }
        if clock_ms() < next.seen_ms + GRACE_MS {
            return Ok(Poll::Idle(LOOK_SOON_MS));
        }
        log::info(&format!("{} is another file now; it is read from its start", self.path));
        // A last line without an end gets none any more.
        let rest = &open.buffer[open.at..];
        let (rest, unended) = (rest.strip_suffix(b"\r").unwrap_or(rest), !rest.is_empty());
        if unended {
            lines::push(rest, out);
        }
        let Some(next) = self.next.pop_front() else { return Ok(Poll::Ready) };
        *open = Open::at_start(next.reader, next.identity);
        if unended { open.checkpoint(partition, out) } else { Ok(Poll::Ready) }
    }

    /// The file lacks what we have read of it. Whoever is writing it anew may not be done.
    fn lost(&mut self) -> Poll {
        let Some(open) = &mut self.open else { return Poll::Ready };
        let since = *open.lost_ms.get_or_insert_with(clock_ms);
        if clock_ms() < since + GRACE_MS {
            return Poll::Idle(LOOK_SOON_MS);
        }
        log::warn(&format!("{} was truncated or overwritten; it is read from its start", self.path));
        open.restart();
        Poll::Ready
    }
}

impl Open {
    fn at_start(reader: Reader, identity: Identity) -> Self {
        Self::going_on(reader, identity, 0, Vec::new(), Vec::new())
    }

    fn going_on(reader: Reader, identity: Identity, position: u64, head: Vec<u8>, tail: Vec<u8>) -> Self {
        Self { reader, identity, position, head, at: tail.len(), buffer: tail, lost_ms: None }
    }

    fn restart(&mut self) {
        (self.position, self.at, self.lost_ms) = (0, 0, None);
        self.head.clear();
        self.buffer.clear();
    }

    fn take_lines(&mut self, longest: usize, out: &mut Records) -> Result<(), Error> {
        let taken = lines::push_lines(&self.buffer[self.at..], longest, out).map_err(|mut error| {
            error.message = format!("At byte {}: {}", self.position, error.message);
            error
        })?;
        let missing = WINDOW.saturating_sub(self.head.len()).min(taken);
        self.head.extend_from_slice(&self.buffer[self.at..self.at + missing]);
        self.at += taken;
        self.position += taken as u64;
        Ok(())
    }

    /// Reads on, together with the bytes before the position, which must be those we have read.
    fn fill(&mut self, longest: usize) -> Result<Fill, Error> {
        let have = self.buffer.len() - self.at;
        let tail = self.tail();
        // A line without an end is read again, twice as far; so no bytes need to be moved.
        let want = CHUNK.max((2 * have).min(longest + 2));
        let bytes = self.reader.read_at(self.position - tail.len() as u64, (tail.len() + want) as u32)?;
        if !bytes.starts_with(tail) {
            return Ok(Fill::Lost);
        }
        let (at, grown) = (tail.len(), bytes.len() > tail.len() + have);
        self.buffer = bytes;
        self.at = at;
        Ok(if grown { Fill::More } else { Fill::End })
    }

    fn tail(&self) -> &[u8] {
        &self.buffer[self.at.saturating_sub(WINDOW)..self.at]
    }

    fn mark(&self) -> Mark {
        let Identity { device, inode } = self.identity;
        Mark { device, inode, position: self.position, head: Print::of(&self.head), tail: Print::of(self.tail()) }
    }

    fn checkpoint(&self, partition: &ScalarMap, out: &mut Records) -> Result<Poll, Error> {
        self.mark().store()?;
        out.checkpoint(partition, map("position", Scalar::Int(self.position as i64)));
        Ok(Poll::Ready)
    }
}

fn position_of(offset: &ScalarMap) -> Option<u64> {
    match offset.iter().find(|(name, _)| name == "position")? {
        (_, Scalar::Int(position)) => u64::try_from(*position).ok(),
        _ => None,
    }
}

fn same(a: Identity, b: Identity) -> bool {
    (a.device, a.inode) == (b.device, b.inode)
}
