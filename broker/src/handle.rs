//! The one way into the broker from inside the process: TCP connections and the embedded runtime alike.
//!
//! Owns the queue to the core loop. Invariant: every request gets one reply, or learns that the broker is gone.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use broker_core::request::{ConnId, Reply, Request};
use broker_store::{log::Read, segment::ReadError};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::read::Reader;

/// What the core loop is sent.
pub(crate) enum Command {
    Request { conn: ConnId, request: Request, reply: oneshot::Sender<Reply> },
    Disconnected(ConnId),
    Stop,
}

/// Requests that may wait for the core loop's turn; senders wait beyond it.
pub(crate) const QUEUE: usize = 4096;

/// The broker has stopped, or is stopping; what it was asked has not been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the broker has stopped")
    }
}

impl std::error::Error for Gone {}

/// A way to ask the broker; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) reader: Reader,
    pub(crate) next_conn: Arc<AtomicU64>,
}

impl Handle {
    /// A new caller. What it holds in the broker (group memberships in process, waiting fetches) ends with [`Handle::disconnect`].
    pub fn connect(&self) -> ConnId {
        ConnId(self.next_conn.fetch_add(1, Ordering::Relaxed))
    }

    /// Asks, and waits for the reply.
    pub async fn request(&self, conn: ConnId, request: Request) -> Result<Reply, Gone> {
        self.send(conn, request).await?.await.map_err(|_| Gone)
    }

    /// Asks; the reply comes through the receiver. Requests of one caller are handled in the order of these calls.
    pub async fn send(&self, conn: ConnId, request: Request) -> Result<oneshot::Receiver<Reply>, Gone> {
        let (reply, receiver) = oneshot::channel();
        self.commands.send(Command::Request { conn, request, reply }).await.map_err(|_| Gone)?;
        Ok(receiver)
    }

    /// Ends a caller.
    pub async fn disconnect(&self, conn: ConnId) {
        // A broker that is gone has forgotten the caller anyway.
        let _ = self.commands.send(Command::Disconnected(conn)).await;
    }

    /// The record bytes that a fetch answered: those in memory as they are, those in a segment read and checked.
    pub async fn read(&self, read: Read) -> Result<Vec<Bytes>, ReadError> {
        self.reader.read(read).await
    }
}
