//! Catch-up reads: record bytes that are no longer in memory, read from segments off the core loop.
//!
//! Invariant: what is returned has been checked against the batches' own CRCs by the store; damage is an error, never bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use broker_store::{
    entry::PartitionId,
    log::{Read, SegmentRead, Want},
    segment::{Place, ReadError, SegmentReader},
};
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::disk::RealDisk;

/// Reads from disk that may run at once; each occupies a thread.
const AT_ONCE: usize = 8;

/// Readers whose places are remembered: those that read last.
const PLACES: usize = 256;

/// Reads segments; cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    segments: Arc<SegmentReader<RealDisk>>,
    places: Arc<Places>,
    turns: Arc<Semaphore>,
}

impl Reader {
    pub fn new(segments: SegmentReader<RealDisk>) -> Self {
        Self { segments: Arc::new(segments), places: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The pieces of a read, in order.
    pub async fn read(&self, read: Read) -> Result<Vec<Bytes>, ReadError> {
        let Some(file) = read.file else {
            return Ok(read.memory);
        };
        let _turn = self.turns.acquire().await.expect("the semaphore is never closed");
        let (segments, places) = (self.segments.clone(), self.places.clone());
        let from_file = tokio::task::spawn_blocking(move || {
            let (bytes, next) = segments.read_on(&file, places.take(&file))?;
            places.put(&file, next);
            Ok::<_, ReadError>(bytes)
        });
        let mut pieces = vec![from_file.await.expect("reading does not panic")?];
        pieces.extend(read.memory);
        Ok(pieces)
    }
}

/// Where readers have stopped, for when they come back: who reads a log from its start looks into its index once per segment.
#[derive(Default)]
struct Places(Mutex<VecDeque<(PartitionId, i64, Place)>>);

impl Places {
    fn take(&self, read: &SegmentRead) -> Option<Place> {
        let wanted = |(partition, segment, place): &(PartitionId, i64, Place)| {
            (*partition, *segment, Want::Offset(place.offset)) == (read.dir.partition, read.base_offset, read.want)
        };
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = places.iter().position(wanted)?;
        places.remove(at).map(|(_, _, place)| place)
    }

    fn put(&self, read: &SegmentRead, place: Option<Place>) {
        let Some(place) = place else { return };
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.truncate(PLACES - 1);
        places.push_front((read.dir.partition, read.base_offset, place));
    }
}
