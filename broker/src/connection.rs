//! One TCP connection: frames in, requests to the core in their order, responses out in the same order.
//!
//! Owns the limits of a connection (requests in flight, idle time, a reader that never reads). Leaves bytes to `broker_wire`, meaning
//! to `api`. Invariant: responses leave in the order of their requests, whatever order the core answers in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use broker_core::request::{ConnId, Reply};
use broker_wire::{FrameReader, Out, RequestHeader, Response, decode, encode, request::Reaction};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    api::{self, Shape, Step},
    handle::Handle,
};

/// Requests of one connection that may be unanswered; beyond it no more are read.
const IN_FLIGHT: usize = 128;

/// A client that takes nothing for this long is cut off.
const STALLED: Duration = Duration::from_secs(60);

/// What there is to know about the other end, and what it is told about us.
pub(crate) struct Peer {
    pub address: SocketAddr,
    pub node_id: i32,
    pub cluster_id: Arc<str>,
    pub log_dir: Arc<str>,
    pub host: String,
    pub port: i32,
    pub max_request_bytes: usize,
    pub max_idle: Duration,
}

/// What the writer sends next, in order.
enum Due {
    Whole(Bytes),
    Now(RequestHeader, Response),
    Later(RequestHeader, Shape, oneshot::Receiver<Reply>),
}

/// Serves a connection until either side ends it.
pub(crate) async fn serve(stream: TcpStream, peer: Peer, handle: Handle) {
    let peer = Arc::new(peer);
    let conn = handle.connect();
    let (from, to) = stream.into_split();
    let (due, due_in) = mpsc::channel(IN_FLIGHT);
    let mut writer = tokio::spawn(write(to, due_in, peer.clone(), handle.clone()));
    let ended = tokio::select! {
        ended = read(from, &due, &peer, &handle, conn) => ended,
        // The writer ends first only if the client is gone or an answer cannot be made.
        ended = &mut writer => ended.unwrap_or_else(|panic| Err(format!("the connection's writer failed: {panic}"))),
    };
    drop(due);
    handle.disconnect(conn).await;
    match ended {
        Ok(()) => tracing::debug!("{} closed its connection", peer.address),
        Err(why) => tracing::info!("connection of {} closed: {why}", peer.address),
    }
}

async fn read(
    mut from: OwnedReadHalf,
    due: &mpsc::Sender<Due>,
    peer: &Peer,
    handle: &Handle,
    conn: ConnId,
) -> Result<(), String> {
    let mut frames = FrameReader::new(peer.max_request_bytes);
    loop {
        while let Some(frame) = frames.next_frame().map_err(|error| error.to_string())? {
            let next = take(frame, peer, handle, conn).await?;
            if due.send(next).await.is_err() {
                return Ok(());
            }
        }
        match timeout(peer.max_idle, from.read_buf(&mut frames.room())).await {
            Ok(Ok(0)) if frames.pending() > 0 => return Err("it ended in the middle of a request".into()),
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => {
                return Err(format!("it was idle for {} ms (connections.max.idle.ms)", peer.max_idle.as_millis()));
            }
        }
    }
}

/// Sends one request to the core, or finds its answer at once.
async fn take(frame: Bytes, peer: &Peer, handle: &Handle, conn: ConnId) -> Result<Due, String> {
    let (header, request) = match decode(frame) {
        Ok(decoded) => decoded,
        Err(error) => {
            return match error.reaction() {
                Reaction::Answer(frame) => Ok(Due::Whole(frame)),
                Reaction::Close => Err(error.to_string()),
            };
        }
    };
    match api::step(peer, &header, request) {
        Step::Answer(response) => Ok(Due::Now(header, response)),
        Step::Ask(request, shape) => {
            let reply = handle.send(conn, request).await.map_err(|gone| gone.to_string())?;
            Ok(Due::Later(header, shape, reply))
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut due: mpsc::Receiver<Due>,
    peer: Arc<Peer>,
    handle: Handle,
) -> Result<(), String> {
    let mut out = Out::new();
    while let Some(mut next) = due.recv().await {
        loop {
            put(&mut out, next, &peer, &handle).await?;
            match due.try_recv() {
                Ok(another) => next = another,
                Err(_) => break,
            }
        }
        flush(&mut to, &mut out).await?;
    }
    Ok(())
}

async fn put(out: &mut Out, due: Due, peer: &Peer, handle: &Handle) -> Result<(), String> {
    let (header, response) = match due {
        Due::Whole(frame) => {
            out.splice(frame);
            return Ok(());
        }
        Due::Now(header, response) => (header, response),
        Due::Later(header, shape, reply) => {
            let reply = reply.await.map_err(|_| "the broker is stopping".to_string())?;
            if let (Shape::Produce { acks: 0 }, Reply::Produce(topics)) = (&shape, &reply)
                && topics.iter().flat_map(|topic| &topic.partitions).any(|partition| partition.outcome.is_err())
            {
                // There is no other way to tell a client that wants no answer (as Kafka does).
                return Err("a produce request with acks=0 was refused".into());
            }
            match api::answer(peer, handle, header.version, shape, reply).await {
                Some(response) => (header, response),
                None => return Ok(()),
            }
        }
    };
    encode(out, &header, &response).map_err(|error| error.to_string())
}

async fn flush(to: &mut OwnedWriteHalf, out: &mut Out) -> Result<(), String> {
    while !out.is_empty() {
        match timeout(STALLED, to.write_buf(out)).await {
            Ok(Ok(0)) => return Err("it takes no more bytes".into()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("it has taken nothing for {} s", STALLED.as_secs())),
        }
    }
    out.release();
    Ok(())
}
