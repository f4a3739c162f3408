//! FileStreamSink: the values of records as lines of a file, or of the standard output.
//!
//! Owns the file's end: each commit keeps the file's identity and length together with the offsets, and a start cuts the same
//! file back to that length, so that a line is neither lost nor written twice. Leaves the text of values to the runtime, which
//! converts what is not text. Invariant: offsets are returned only after their lines are on the disk.

use connect_sdk::host::files::{Appender, Identity, Stat};
use connect_sdk::host::{clock_ms, log, sink, state, stdio};
use connect_sdk::{
    About, Batch, Config, Definition, Error, Format, Importance, Key, Kind, Put, SinkConnector, TpOffset, export_sink,
};

const CLASS: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
/// Where the state keeps identity and length.
const KEY: &str = "file";
/// From one look at the path to the next.
const LOOK_MS: u64 = 500;

struct FileSink {
    output: Option<Output>,
    /// Lines on their way; kept for its room.
    lines: Vec<u8>,
}

struct Output {
    path: String,
    file: Appender,
    identity: Identity,
    size: u64,
    /// There are lines that were not synced.
    dirty: bool,
    next_look_ms: u64,
}

impl SinkConnector for FileSink {
    fn about() -> About {
        About::new("file-sink", env!("CARGO_PKG_VERSION"), CLASS)
            .text("File sink", "Appends the value of each record to a text file, one line each.")
            .formats(&[Format::Text, Format::Raw])
            .appends_to_file("file", "the file that gets the lines")
            .writes_stdout("where the lines go if no file is named")
    }

    fn definition() -> Definition {
        let doc = "Destination filename. If not specified, the standard output will be used";
        Definition::new([Key::new("file", Kind::Text, Importance::High, doc)])
    }

    fn start(config: &Config) -> Result<Self, Error> {
        let output = match config.text("file").filter(|path| !path.is_empty()) {
            Some(path) => Some(Output::open(path)?),
            None => None,
        };
        Ok(Self { output, lines: Vec::new() })
    }

    fn put(&mut self, batch: &Batch) -> Result<Put, Error> {
        self.lines.clear();
        self.lines.reserve(batch.value_bytes() + batch.len());
        for value in batch.values() {
            self.lines.extend_from_slice(value.unwrap_or(b"null"));
            self.lines.push(b'\n');
        }
        match &mut self.output {
            Some(output) => output.append(&self.lines)?,
            None => stdio::write(&self.lines)?,
        }
        Ok(Put::new())
    }

    fn pre_commit(&mut self, current: Vec<TpOffset>) -> Result<Vec<TpOffset>, Error> {
        if let Some(output) = &mut self.output {
            // Fatal, whatever it is: after a retriable one the runtime puts again what is in the file already, while a restart
            // cuts it off first.
            output.commit().map_err(|error| Error::fatal(&error.code, error.message))?;
        }
        Ok(current)
    }
}

impl Output {
    /// Opens the file and brings it back to the length that was committed.
    fn open(path: &str) -> Result<Self, Error> {
        let failed = |error: Error| {
            let why = format!("Couldn't find or create file '{path}' for FileStreamSinkTask: {}", error.message);
            Error::fatal(&error.code, why)
        };
        let file = Appender::open("file").map_err(failed)?;
        let Stat { identity, size } = file.stat()?;
        let committed = state::get(KEY).and_then(|bytes| parse(&bytes));
        let mut this = Self { path: path.to_owned(), file, identity, size, dirty: false, next_look_ms: 0 };
        match committed {
            Some((device, inode, length)) if (device, inode) == (identity.device, identity.inode) => {
                this.cut(length)?
            }
            // Before the first line, so that a crash after it knows where the lines began.
            _ => {
                this.keep()?;
                sink::request_commit();
            }
        }
        Ok(this)
    }

    /// Takes back lines whose offsets were not committed: they come again.
    fn cut(&mut self, committed: u64) -> Result<(), Error> {
        if self.size < committed {
            log::warn(&format!("{} is shorter than when it was committed; lines are missing in it", self.path));
            self.keep()?;
            sink::request_commit();
        }
        if let Some(aside) = self.file.cut(committed)? {
            let bytes = self.size - committed;
            log::info(&format!(
                "{}: {bytes} bytes that were not committed are in {aside} now and come again",
                self.path
            ));
            self.size = committed;
        }
        Ok(())
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), Error> {
        self.size = self.file.append(lines)?;
        self.dirty = true;
        let now = clock_ms();
        if now >= self.next_look_ms {
            self.next_look_ms = now + LOOK_MS;
            if self.was_moved()? {
                sink::request_commit();
            }
        }
        Ok(())
    }

    /// Syncs what was appended, and changes to a new file if ours was renamed or removed: only here, where nothing is open
    /// between the two.
    fn commit(&mut self) -> Result<(), Error> {
        if self.dirty {
            self.file.sync()?;
            self.keep()?;
            self.dirty = false;
        }
        if self.was_moved()? {
            log::info(&format!("{} was moved away; a new one is begun", self.path));
            self.file = Appender::open("file")?;
            (self.identity, self.size) = self.file.stat().map(|stat| (stat.identity, stat.size))?;
            self.keep()?;
        }
        Ok(())
    }

    fn was_moved(&self) -> Result<bool, Error> {
        let named = self.file.at_path()?;
        Ok(named.is_none_or(|named| (named.device, named.inode) != (self.identity.device, self.identity.inode)))
    }

    fn keep(&self) -> Result<(), Error> {
        state::put(KEY, format!("1 {} {} {}", self.identity.device, self.identity.inode, self.size).as_bytes())
    }
}

/// Device, inode and length.
fn parse(state: &[u8]) -> Option<(u64, u64, u64)> {
    let mut words = std::str::from_utf8(state).ok()?.split(' ').map(|word| word.parse().ok());
    match (words.next()??, words.next()??, words.next()??, words.next()??) {
        (1, device, inode, length) => Some((device, inode, length)),
        _ => None,
    }
}

export_sink!(FileSink);

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn state() {
        assert_eq!(parse(b"1 2 3 4"), Some((2, 3, 4)));
        for nonsense in [&b""[..], b"2 2 3 4", b"1 2 3", b"1 2 3 x", b"\xff"] {
            assert_eq!(parse(nonsense), None);
        }
    }
}
