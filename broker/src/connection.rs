//! One TCP connection: frames in, requests to the core in their order, responses out in the same order.
//!
//! Owns the limits of a connection (requests in flight, idle time, a reader that never reads). Leaves bytes to `broker_wire`, meaning
//! to `api`. Invariant: responses leave in the order of their requests, whatever order the core answers in.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use broker_core::request::{ConnId, Reply};
use broker_wire::{FrameReader, Out, RequestHeader, Response, decode, encode, request::Reaction};
use bytes::Bytes;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    api::{self, Shape, Step},
    handle::Handle,
};

/// Requests of one connection that may be unanswered; beyond it no more are read.
const IN_FLIGHT: usize = 128;

/// Bytes of unanswered requests of one connection; beyond it no more are read. One larger request may be alone.
const IN_FLIGHT_BYTES: usize = 32 << 20;

/// Requests up to this size do not wait for those of others: heartbeats go on beside a flood of produce.
const SMALL_BYTES: usize = 16 << 10;

/// Answers are sent when so many bytes of them are ready, so that a client that does not read costs no more.
const ANSWER_BYTES: usize = 1 << 20;

/// While a large request arrives, others may wait for its places: it has this long, and a second more for each of so many bytes that
/// have come.
const SLOWEST_START: Duration = Duration::from_secs(30);
const SLOWEST_BYTES_PER_SECOND: usize = 16 << 10;

/// A connection that has been quiet for so long gives its buffers back.
const QUIET: Duration = Duration::from_secs(5);

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
    /// Bytes of unanswered requests of all connections (`queued.max.request.bytes`).
    pub queued: Arc<BytesLimit>,
}

/// What the writer sends next, in order. Boxed in its queue, which has room for many of them from the first on.
enum Due {
    Whole(Bytes),
    Now(RequestHeader, Response),
    Later(RequestHeader, Shape, oneshot::Receiver<Reply>, Taken),
}

/// The places that a request's bytes take until it is answered; of a large one from when it begins to arrive.
#[expect(dead_code, reason = "held for its end")]
struct Taken(OwnedSemaphorePermit, OwnedSemaphorePermit);

/// A large request on its way in: its places, and since when it has them.
struct Coming {
    taken: Taken,
    since: Instant,
}

impl Coming {
    /// Until when more of it has to come, so many bytes of it being there.
    fn deadline(&self, arrived: usize) -> Instant {
        self.since + SLOWEST_START + Duration::from_secs((arrived / SLOWEST_BYTES_PER_SECOND) as u64)
    }
}

/// Bytes that may be on their way at once; who wants more waits.
pub(crate) struct BytesLimit {
    places: Arc<Semaphore>,
    most: u32,
}

impl BytesLimit {
    /// At most so many bytes, or one request that is larger.
    pub fn new(most: usize) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Self { places: Arc::new(Semaphore::new(most as usize)), most }
    }

    async fn take(&self, bytes: usize) -> OwnedSemaphorePermit {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.most);
        self.places.clone().acquire_many_owned(bytes).await.expect("the semaphore is never closed")
    }
}

/// Serves a connection until either side ends it. What it needs only while a request is on its way is boxed: an idle connection is to
/// be small.
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
    from: OwnedReadHalf,
    due: &mpsc::Sender<Box<Due>>,
    peer: &Peer,
    handle: &Handle,
    conn: ConnId,
) -> Result<(), String> {
    let mut frames = FrameReader::new(peer.max_request_bytes);
    let in_flight = BytesLimit::new(IN_FLIGHT_BYTES);
    let mut coming: Option<Coming> = None;
    loop {
        while let Some(frame) = frames.next_frame().map_err(|error| error.to_string())? {
            let taken = match coming.take() {
                Some(coming) => coming.taken,
                None => places(&in_flight, peer, frame.len()).await,
            };
            let next = Box::pin(take(frame, peer, handle, conn, taken)).await?;
            if due.send(Box::new(next)).await.is_err() {
                return Ok(());
            }
        }
        // A frame that is not whole is memory too. Whoever holds places for one may not do so for ever.
        if coming.is_none()
            && frames.pending() > SMALL_BYTES
            && let Some(len) = frames.coming().map_err(|error| error.to_string())?
        {
            let taken = places(&in_flight, peer, len).await;
            coming = Some(Coming { taken, since: Instant::now() });
        }
        if let Some(coming) = &coming {
            match timeout_at(coming.deadline(frames.pending()), from.readable()).await {
                Ok(ready) => ready.map_err(|error| error.to_string())?,
                Err(_) => {
                    return Err(format!(
                        "it sent a request more slowly than {SLOWEST_BYTES_PER_SECOND} bytes a second"
                    ));
                }
            }
        } else if !readable(&from, &mut frames, peer.max_idle).await? {
            return Err(format!("it was idle for {} ms (connections.max.idle.ms)", peer.max_idle.as_millis()));
        }
        match from.try_read_buf(&mut frames.room()) {
            Ok(0) if frames.pending() > 0 => return Err("it ended in the middle of a request".into()),
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Takes places for a request of so many bytes.
async fn places(in_flight: &BytesLimit, peer: &Peer, bytes: usize) -> Taken {
    let shared = if bytes > SMALL_BYTES { bytes } else { 0 };
    Taken(in_flight.take(bytes).await, peer.queued.take(shared).await)
}

/// Waits until there is something to read; false if there is nothing for too long. Room for it is made only then.
async fn readable(from: &OwnedReadHalf, frames: &mut FrameReader, max_idle: Duration) -> Result<bool, String> {
    let quiet = QUIET.min(max_idle);
    let soon = timeout(quiet, from.readable()).await;
    let ready = match soon {
        Ok(ready) => ready,
        Err(_) => {
            frames.release();
            match timeout(max_idle - quiet, from.readable()).await {
                Ok(ready) => ready,
                Err(_) => return Ok(false),
            }
        }
    };
    ready.map(|()| true).map_err(|error| error.to_string())
}

/// Sends one request to the core, or finds its answer at once.
async fn take(frame: Bytes, peer: &Peer, handle: &Handle, conn: ConnId, taken: Taken) -> Result<Due, String> {
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
            Ok(Due::Later(header, shape, reply, taken))
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut due: mpsc::Receiver<Box<Due>>,
    peer: Arc<Peer>,
    handle: Handle,
) -> Result<(), String> {
    let mut out = Out::new();
    while let Some(mut next) = due.recv().await {
        loop {
            Box::pin(put(&mut out, *next, &peer, &handle)).await?;
            if out.len() >= ANSWER_BYTES {
                flush(&mut to, &mut out).await?;
            }
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
        Due::Later(header, shape, reply, _taken) => {
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
