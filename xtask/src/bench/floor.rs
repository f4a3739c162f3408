//! The floor under a durable produce: a bare program that receives the same bytes, writes them direct and synced over blocks that
//! exist, writes them a second time direct, and answers. And under a fetch: it reads as many bytes direct and sends them. It checks
//! nothing and knows no topic.
//!
//! Invariant: an answer to a produce is sent when the first of the two writes is on the disk.

use anyhow::{Context, Result};
use e2e::wire::Frame;
use rustix::fs::OFlags;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// `cargo xtask bench floor`: what `bench broker` starts.
#[derive(clap::Args)]
pub struct Args {
    port: u16,
    dir: PathBuf,
}

const JOURNAL_BYTES: u64 = 512 << 20;
const BLOCK: usize = 4096;
const LARGEST: usize = 4 << 20;

/// Where in a frame the place to read from stands: behind the header that [`Frame`] makes.
const PLACE: usize = 13;
const FETCH: [u8; 2] = [0, 1];

/// A request for a piece of [`PIECE`] bytes of all that was written, the first being 0.
pub fn read_frame(piece: u64) -> Frame {
    Frame::new(1, 0, 0, &piece.to_be_bytes())
}

/// Bytes of an answer to [`read_frame`].
pub const PIECE: usize = 1 << 20;

/// The command line that starts it.
pub fn command(port: u16, dir: &Path) -> [OsString; 4] {
    ["bench".into(), "floor".into(), port.to_string().into(), dir.into()]
}

/// Serves until it is killed.
pub fn run(args: Args) -> Result<()> {
    let journal = Arc::new(Mutex::new(Journal::new(&args.dir)?));
    let listener = TcpListener::bind(("127.0.0.1", args.port))?;
    for stream in listener.incoming() {
        let (stream, journal) = (stream?, journal.clone());
        std::thread::spawn(move || serve(stream, &journal));
    }
    Ok(())
}

fn serve(mut stream: TcpStream, journal: &Mutex<Journal>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut memory = vec![0; LARGEST + BLOCK];
    let skip = memory.as_ptr().align_offset(BLOCK);
    loop {
        let mut head = [0; 4];
        stream.read_exact(&mut head)?;
        let len = u32::from_be_bytes(head) as usize;
        let frame = memory.get_mut(skip..skip + len).context("a larger request than this program takes")?;
        stream.read_exact(frame)?;
        let correlation: [u8; 4] = frame[4..8].try_into()?;
        if frame[..2] == FETCH {
            let piece = u64::from_be_bytes(frame[PLACE..PLACE + 8].try_into()?);
            let to = &mut memory[skip..skip + PIECE];
            journal.lock().expect("nobody panics with it").segment.read_exact_at(to, piece * PIECE as u64)?;
            stream.write_all(&[&(PIECE as u32 + 4).to_be_bytes()[..], &correlation].concat())?;
            stream.write_all(&memory[skip..skip + PIECE])?;
            continue;
        }
        let blocks = len.next_multiple_of(BLOCK);
        journal.lock().expect("nobody panics with it").write(&memory[skip..skip + blocks])?;
        // A Produce reply of no topics.
        stream.write_all(&[&12u32.to_be_bytes()[..], &correlation, &[0; 8]].concat())?;
    }
}

struct Journal {
    journal: File,
    segment: File,
    at: u64,
    end: u64,
}

impl Journal {
    fn new(dir: &Path) -> Result<Journal> {
        let path = dir.join("floor-journal");
        let mut plain = File::create(&path)?;
        let zeros = vec![0; 1 << 20];
        (0..JOURNAL_BYTES >> 20).try_for_each(|_| plain.write_all(&zeros))?;
        plain.sync_all()?;
        let direct = |path: &Path, flags: OFlags| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(flags.bits() as i32)
                .open(path)
        };
        let journal = direct(&path, OFlags::DIRECT | OFlags::DSYNC)?;
        let segment = direct(&dir.join("floor-segment"), OFlags::DIRECT)?;
        Ok(Journal { journal, segment, at: 0, end: 0 })
    }

    fn write(&mut self, blocks: &[u8]) -> Result<()> {
        if self.at + blocks.len() as u64 > JOURNAL_BYTES {
            self.at = 0;
        }
        self.journal.write_all_at(blocks, self.at)?;
        self.segment.write_all_at(blocks, self.end)?;
        self.at += blocks.len() as u64;
        self.end += blocks.len() as u64;
        Ok(())
    }
}
