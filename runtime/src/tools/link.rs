//! Connections to brokers, for tools: one request, one answer, nothing else at the same time.
//!
//! Invariant: an answer of a size that no broker sends is an error, and nothing waits for ever.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use bytes::Bytes;
use runtime_cli::world::{NoAnswer, Security};
use rustls::{ClientConnection, StreamOwned};

use super::tls;

/// The longest answer that is taken: as much as Kafka takes of a request.
const MAX_ANSWER: usize = 100 << 20;

/// Bytes by which the buffer of an answer grows before they have come.
const STEP: usize = 1 << 20;

/// How long one address of a host may take to accept.
const CONNECT: Duration = Duration::from_secs(5);

/// The connections of one run of a tool, by address.
#[derive(Default)]
pub(super) struct Links(BTreeMap<String, Link>);

/// One connection.
enum Link {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Link {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Secure(stream) => &stream.sock,
        }
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Secure(stream) => stream.flush(),
        }
    }
}

impl Links {
    /// As [`runtime_cli::world::World::connect`].
    pub(super) fn connect(&mut self, to: &str, security: &Security, timeout_ms: u64) -> Result<bool, NoAnswer> {
        if self.0.contains_key(to) {
            return Ok(false);
        }
        let unreachable = |error: std::io::Error| NoAnswer::Unreachable(reason(&error));
        let timeout = CONNECT.min(Duration::from_millis(timeout_ms.max(1)));
        let mut last = NoAnswer::Unreachable("the name has no address".into());
        for address in to.to_socket_addrs().map_err(unreachable)? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(socket) => {
                    socket.set_nodelay(true).map_err(unreachable)?;
                    let link = match &security.tls {
                        None => Link::Plain(socket),
                        Some(tls) => Link::Secure(Box::new(tls::shake_hands(socket, to, tls, timeout)?)),
                    };
                    self.0.insert(to.to_owned(), link);
                    return Ok(true);
                }
                Err(error) => last = unreachable(error),
            }
        }
        Err(last)
    }

    /// As [`runtime_cli::world::World::exchange`].
    pub(super) fn exchange(&mut self, to: &str, frame: &[u8], timeout_ms: u64) -> Result<Bytes, NoAnswer> {
        let stream = self.0.get_mut(to).ok_or(NoAnswer::Closed)?;
        let answer = exchange(stream, frame, timeout_ms);
        if answer.is_err() {
            self.0.remove(to);
        }
        answer
    }
}

fn exchange(stream: &mut Link, frame: &[u8], timeout_ms: u64) -> Result<Bytes, NoAnswer> {
    let timeout = Some(Duration::from_millis(timeout_ms.max(1)));
    let ended = |error: std::io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => NoAnswer::TimedOut,
        _ => NoAnswer::Closed,
    };
    let socket = stream.socket();
    socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)).map_err(ended)?;
    let len = u32::try_from(frame.len()).map_err(|_| NoAnswer::Unusable("a request of more than 4 GiB".into()))?;
    let mut request = len.to_be_bytes().to_vec();
    request.extend_from_slice(frame);
    stream.write_all(&request).and_then(|()| stream.flush()).map_err(ended)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).map_err(ended)?;
    let len = u32::from_be_bytes(head) as usize;
    if len > MAX_ANSWER {
        return Err(NoAnswer::Unusable(format!("an answer of {len} bytes: is a Kafka broker listening there?")));
    }
    let mut answer = Vec::new();
    while answer.len() < len {
        let from = answer.len();
        answer.resize(len.min(from + STEP), 0);
        stream.read_exact(&mut answer[from..]).map_err(ended)?;
    }
    Ok(answer.into())
}

/// The system's words for a failure, without its number.
pub(super) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
