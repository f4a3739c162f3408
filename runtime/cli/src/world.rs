//! What a tool may ask of whoever runs it.
//!
//! Owns the seam between a tool and the world: two streams of text, a link to brokers, files, a clock. Leaves doing it to the binary
//! (sockets and a terminal), and to the simulation (a simulated cluster and a terminal in the page).
//! Invariant: everything that a tool learns or changes goes through here.

use bytes::Bytes;
pub use runtime_core::worker_config::tls::Pem;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nobody is there: the reason, such as `connection refused`.
    Unreachable(String),
    /// The connection ended before the answer.
    Closed,
    /// No answer within the time that was given.
    TimedOut,
    /// The settings of the connection cannot be used: why, and what to do.
    Unusable(String),
}

/// How to secure connections; made from `security.protocol` and its kin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// TLS, unless connections are plain.
    pub tls: Option<Tls>,
}

/// What a TLS connection is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of those who may sign a broker's; the system's without it.
    pub trusted: Option<Pem>,
    /// Our own chain of certificates, and its key.
    pub own: Option<(Pem, Pem)>,
    /// Whoever has a good certificate is the broker, whatever name stands in it (`ssl.endpoint.identification.algorithm=`).
    pub any_name: bool,
}

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Out,
    /// Talk.
    Err,
}

/// A request to a worker's REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Such as `GET`.
    pub method: &'static str,
    /// With scheme, host and path.
    pub url: &'a str,
    /// JSON; none for a request without a body.
    pub body: Option<&'a str>,
    /// The header of this name.
    pub authorization: Option<&'a str>,
    /// Whom to trust where the scheme is https, and what to show.
    pub tls: &'a Tls,
}

/// The world of one tool.
pub trait World {
    /// Prints on stdout. A reader that has gone away (`| head`) is no error; see [`World::is_gone`].
    fn out(&mut self, text: &str);

    /// Prints on stderr.
    fn err(&mut self, text: &str);

    /// Nobody reads stdout any more: what takes long may end.
    fn is_gone(&self) -> bool;

    /// Sends a request (header and body, without the length in front) to `host:port` and gives the answer, within `timeout_ms`.
    fn exchange(&mut self, to: &str, frame: &[u8], timeout_ms: u64) -> Result<Bytes, NoAnswer>;

    /// Connects to `host:port` unless that was done. True if the connection is new.
    fn connect(&mut self, to: &str, security: &Security, timeout_ms: u64) -> Result<bool, NoAnswer>;

    /// Asks a worker's REST API; the status and the body of the answer.
    fn call(&mut self, call: Call<'_>, timeout_ms: u64) -> Result<(u16, Vec<u8>), NoAnswer>;

    /// A variable of the environment, if it is set and not empty.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    /// Whether colours may go there: it is a terminal, and its user has nothing against them.
    fn takes_colour(&self, stream: Stream) -> bool;

    /// Shows what is being waited for until the next call of anything else that prints, on a terminal and if it takes long.
    fn waiting(&mut self, _for_what: &str) {}

    /// A whole file. The error is the system's.
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String>;

    /// Whether there is a file or folder.
    fn exists(&self, path: &str) -> bool;

    /// Writes a whole file and the folders above it. The error is the system's.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), String>;

    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Waits.
    fn sleep_ms(&mut self, ms: u64);

    /// Sixteen bytes that nobody can guess.
    fn random(&mut self) -> [u8; 16];

    /// A question on the terminal; the answer without its line's end, `None` if there is nobody to answer.
    fn asked(&mut self, question: &str) -> Option<String>;
}

/// A world where nobody answers and nothing is there, for tests: it keeps what was printed.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Silent {
    /// What stands on stdout.
    pub out: String,
    /// What stands on stderr.
    pub err: String,
}

#[cfg(test)]
impl World for Silent {
    fn out(&mut self, text: &str) {
        self.out += text;
    }

    fn err(&mut self, text: &str) {
        self.err += text;
    }

    fn is_gone(&self) -> bool {
        false
    }

    fn exchange(&mut self, _: &str, _: &[u8], _: u64) -> Result<Bytes, NoAnswer> {
        Err(NoAnswer::Closed)
    }

    fn connect(&mut self, _: &str, _: &Security, _: u64) -> Result<bool, NoAnswer> {
        Err(NoAnswer::Unreachable("nobody is there".into()))
    }

    fn call(&mut self, _: Call<'_>, _: u64) -> Result<(u16, Vec<u8>), NoAnswer> {
        Err(NoAnswer::Unreachable("nobody is there".into()))
    }

    fn takes_colour(&self, _: Stream) -> bool {
        false
    }

    fn read(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Err("no such file".into())
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn write(&mut self, _: &str, _: &[u8]) -> Result<(), String> {
        Err("read-only".into())
    }

    fn now_ms(&self) -> i64 {
        0
    }

    fn sleep_ms(&mut self, _: u64) {}

    fn random(&mut self) -> [u8; 16] {
        [7; 16]
    }

    fn asked(&mut self, _: &str) -> Option<String> {
        None
    }
}
