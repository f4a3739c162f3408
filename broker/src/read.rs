//! Catch-up reads: record bytes that are no longer in memory, read from segments off the core loop.
//!
//! Invariant: what is returned has been checked against the batches' own CRCs by the store; damage is an error, never bytes.

use std::sync::Arc;

use broker_store::{
    log::Read,
    segment::{ReadError, SegmentReader},
};
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::disk::RealDisk;

/// Reads from disk that may run at once; each occupies a thread.
const AT_ONCE: usize = 8;

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
        let mut pieces = vec![from_file.await.expect("reading does not panic")?];
        pieces.extend(read.memory);
        Ok(pieces)
    }
}
