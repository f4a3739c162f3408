//! The world of a tool that runs in a terminal.
//!
//! Invariant: a reader that has gone away (`| head`) ends nothing and is no error.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use runtime_cli::world::{Call, NoAnswer, Security, Stream, World};

use super::{http, link::Links, progress::Progress};

/// Standard streams, files and sockets of this process.
#[derive(Default)]
pub struct Terminal {
    links: Links,
    gone: bool,
    progress: Option<Progress>,
}

impl Terminal {
    /// One without connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was being waited for is there.
    pub fn waited(&mut self) {
        self.progress = None;
    }
}

impl World for Terminal {
    fn out(&mut self, text: &str) {
        self.waited();
        let mut stdout = io::stdout().lock();
        if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            self.gone = true;
        }
    }

    fn err(&mut self, text: &str) {
        self.waited();
        // There is nobody left to tell.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    fn is_gone(&self) -> bool {
        self.gone
    }

    fn exchange(&mut self, to: &str, frame: &[u8], timeout_ms: u64) -> Result<Bytes, NoAnswer> {
        self.links.exchange(to, frame, timeout_ms)
    }

    fn connect(&mut self, to: &str, security: &Security, timeout_ms: u64) -> Result<bool, NoAnswer> {
        self.links.connect(to, security, timeout_ms)
    }

    fn call(&mut self, call: Call<'_>, timeout_ms: u64) -> Result<(u16, Vec<u8>), NoAnswer> {
        http::call(call, Duration::from_millis(timeout_ms))
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn takes_colour(&self, stream: Stream) -> bool {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let is_terminal = match stream {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        };
        !is_set("NO_COLOR") && (is_terminal || is_set("CLICOLOR_FORCE"))
    }

    fn waiting(&mut self, for_what: &str) {
        // The old line goes before the new one comes.
        self.waited();
        self.progress = io::stderr().is_terminal().then(|| Progress::new(for_what.to_owned()));
    }

    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(path, bytes)).map_err(|error| error.to_string())
    }

    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep_ms(&mut self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }

    fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        bytes
    }

    fn asked(&mut self, question: &str) -> Option<String> {
        self.err(question);
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(1..) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
            Ok(0) | Err(_) => None,
        }
    }
}
