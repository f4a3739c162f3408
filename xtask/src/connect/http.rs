//! One request over a connection of its own, its target sent as it is written: what a client library would mend must reach the worker.
//!
//! Invariant: no answer is waited for longer than [`PATIENCE`], and none is read beyond [`MOST`] bytes.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than a worker of Kafka's takes for anything but its own timeouts.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes.
const MOST: u64 = 16 << 20;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Without Host, Connection and Content-Length.
    pub headers: Vec<(String, String)>,
    /// Empty: none is sent.
    pub body: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// Sends it to a port of 127.0.0.1.
    ///
    /// # Errors
    /// When what comes back is no HTTP, or nothing comes.
    pub fn send(&self, port: u16) -> Result<Response> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n", self.method, self.target);
        self.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        if !self.body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        // A worker that refuses by the head alone may close before it has the body; its answer counts.
        let _ = stream.write_all(self.body.as_bytes());
        let mut bytes = Vec::new();
        if let Err(error) = stream.take(MOST).read_to_end(&mut bytes)
            && bytes.is_empty()
        {
            bail!("{} {}: {error}", self.method, self.target);
        }
        parse(&bytes).with_context(|| format!("{} {}", self.method, self.target))
    }
}

fn parse(bytes: &[u8]) -> Result<Response> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").context("no end of the headers")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunk(body)? } else { body.to_vec() };
    Ok(Response { status: status.context("no status")?, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn unchunk(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|two| two == b"\r\n").context("a chunk without a length")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..line])?.trim(), 16)?;
        let chunk = bytes.get(line + 2..line + 2 + length).context("a chunk is cut off")?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(chunk);
        bytes = bytes.get(line + 4 + length..).context("a chunk without an end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let response = parse(bytes).unwrap();
        assert_eq!((response.status, response.body.as_str()), (200, "abcd"));
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
