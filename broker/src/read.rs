//! Catch-up reads: record bytes that are no longer in memory, read from segments off the core loop.
//!
//! Invariant: what is returned has been checked against the batches' own CRCs by the store; damage is an error, never bytes.

use std::sync::Arc;

use broker_store::{disk::DiskError, log::Read, segment::SegmentReader};
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::disk::RealDisk;

/// Reads from disk that may run at once; each occupies a thread.
const AT_ONCE: usize = 8;

/// Why record bytes could not be read.
#[derive(Clone, Debug)]
pub struct ReadError(pub DiskError);

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "records cannot be read: {}", self.0)
    }
}

impl std::error::Error for ReadError {}

/// Reads segments; cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    segments: Arc<SegmentReader<RealDisk>>,
    turns: Arc<Semaphore>,
}

impl Reader {
    pub fn new(segments: SegmentReader<RealDisk>) -> Self {
        Self { segments: Arc::new(segments), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The pieces of a read, in order.
    pub async fn read(&self, read: Read) -> Result<Vec<Bytes>, ReadError> {
        let Some(file) = read.file else {
            return Ok(read.memory);
        };
        let _turn = self.turns.acquire().await.expect("the semaphore is never closed");
        let segments = self.segments.clone();
        let from_file = tokio::task::spawn_blocking(move || segments.read(&file));
        let mut pieces = vec![from_file.await.expect("reading does not panic").map_err(ReadError)?];
        pieces.extend(read.memory);
        Ok(pieces)
    }
}
