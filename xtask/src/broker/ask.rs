//! One connection to a broker, on which typed requests go out and typed answers come in.
//!
//! Owns framing and headers. The messages are `kafka-protocol`'s, its client half. Invariant: nothing is waited for without end.

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take that depends on timeouts of a few seconds.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer that is taken, bytes.
const MOST: usize = 64 << 20;

/// A connection of one client.
pub struct Connection {
    stream: TcpStream,
    client: StrBytes,
    correlation: i32,
}

impl Connection {
    /// Connects to the loopback address, as a client of this id.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn open(port: u16, client: &str) -> Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream, client: text(client), correlation: 0 })
    }

    /// One more connection of the same client.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn another(&self) -> Result<Connection> {
        Connection::open(self.stream.peer_addr()?.port(), &self.client)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When the version cannot say what the request says, or the connection is closed.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<()> {
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client.clone()));
        let mut frame = BytesMut::from(&[0; 4][..]);
        header.encode(&mut frame, R::header_version(version))?;
        request.encode(&mut frame, version)?;
        let len = u32::try_from(frame.len() - 4)?;
        frame[..4].copy_from_slice(&len.to_be_bytes());
        self.stream.write_all(&frame)?;
        Ok(())
    }

    /// Waits for the answer to the last request.
    ///
    /// # Errors
    /// When none comes, the connection is closed, or it is the answer to something else.
    pub fn receive<R: Request>(&mut self, version: i16) -> Result<R::Response> {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len).context("no answer")?;
        let len = u32::from_be_bytes(len) as usize;
        ensure!(len <= MOST, "an answer of {len} bytes");
        let mut frame = vec![0; len];
        self.stream.read_exact(&mut frame).context("half an answer")?;
        let mut frame = Bytes::from(frame);
        let header = ResponseHeader::decode(&mut frame, R::Response::header_version(version))?;
        ensure!(header.correlation_id == self.correlation, "the answer to another request");
        let response = R::Response::decode(&mut frame, version)?;
        ensure!(frame.is_empty(), "{} bytes after the answer", frame.len());
        Ok(response)
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// Those of [`Connection::send`] and [`Connection::receive`].
    pub fn ask<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        self.send(version, request)?;
        self.receive::<R>(version)
    }
}

/// A string of the wire.
pub fn text(from: &str) -> StrBytes {
    StrBytes::from_string(from.to_owned())
}
