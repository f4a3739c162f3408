//! Memory that is used again: on a virtual machine, memory touched for the first time costs thirty times a copy (`disk.md`).
//!
//! Owns block-aligned buffers in sizes of powers of two, and their return: a buffer that became [`Bytes`] comes back when the last
//! slice of it is dropped, on whatever thread. Leaves it to others what is in them.
//! Invariant: a buffer is always initialised, and never in two hands; how many are kept unused is bounded.

use alloc::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    sync::Arc,
    vec::Vec,
};
use bytes::Bytes;
use core::{
    ops::{Deref, DerefMut},
    ptr::NonNull,
};
use crossbeam_queue::ArrayQueue;

use crate::disk::BLOCK;

/// The largest buffer.
pub const LARGEST: usize = BLOCK << (CLASSES - 1);

/// 4 KiB, 8 KiB, ... 64 MiB.
const CLASSES: usize = 15;

/// Unused bytes kept per size; of sizes above half of it none are kept.
const KEPT_BYTES: usize = 8 << 20;

/// Buffers to take from and to give back to; clones share them.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Vec<ArrayQueue<Memory>>>);

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Pool {
    /// Without any buffers yet.
    pub fn new() -> Self {
        let kept = |class| match KEPT_BYTES / (BLOCK << class) {
            0 | 1 => 0,
            many => many,
        };
        // A queue cannot have room for nothing; `give` keeps none of those sizes.
        Self(Arc::new((0..CLASSES).map(|class| ArrayQueue::new(kept(class).max(1))).collect()))
    }

    /// A buffer of at least `len` bytes, whatever is in it.
    ///
    /// # Panics
    /// If `len` is above [`LARGEST`]: whoever asks has bounded it.
    pub fn take(&self, len: usize) -> Buffer {
        let class = class_of(len);
        let memory = self.0[class].pop().unwrap_or_else(|| Memory::new(BLOCK << class));
        Buffer { memory: Some(memory), pool: self.clone() }
    }

    /// Makes `count` buffers of `len` bytes and touches them, so that the first entries need not.
    pub fn warm(&self, len: usize, count: usize) {
        let mut buffers: Vec<Buffer> = (0..count).map(|_| self.take(len)).collect();
        buffers.iter_mut().for_each(|buffer| buffer.fill(0));
    }

    fn give(&self, memory: Memory) {
        if memory.len <= KEPT_BYTES / 2 {
            // A full queue gives it back, and it is freed.
            let _ = self.0[class_of(memory.len)].push(memory);
        }
    }
}

fn class_of(len: usize) -> usize {
    assert!(len <= LARGEST, "a buffer of {len} bytes was asked for");
    len.div_ceil(BLOCK).next_power_of_two().trailing_zeros() as usize
}

/// A buffer in one hand.
#[derive(Debug)]
pub struct Buffer {
    memory: Option<Memory>,
    pool: Pool,
}

impl Buffer {
    /// Shares it, read only; it comes back to the pool with the last slice.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.as_ref().expect("held until it is dropped").bytes()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.memory.as_mut().expect("held until it is dropped").bytes_mut()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.pool.give(memory);
        }
    }
}

/// An allocation that starts at a multiple of [`BLOCK`].
#[derive(Debug)]
struct Memory {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: it is an allocation of plain bytes with one owner, as a `Vec<u8>` is.
unsafe impl Send for Memory {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: the layout's size is at least BLOCK.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, len }
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, BLOCK).expect("a size class is a small multiple of the block")
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes were allocated, zeroed, and are owned by self.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and self is borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout, and dropped once.
        unsafe { dealloc(self.start.as_ptr(), Self::layout(self.len)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_aligned_and_large_enough() {
        let pool = Pool::new();
        for (asked, expected) in
            [(0, 4096), (1, 4096), (4096, 4096), (4097, 8192), (1 << 20, 1 << 20), ((1 << 20) + 1, 2 << 20)]
        {
            let buffer = pool.take(asked);
            assert_eq!((buffer.len(), buffer.as_ptr() as usize % BLOCK), (expected, 0), "asked for {asked}");
        }
    }

    #[test]
    fn it_comes_back_with_its_last_slice() {
        let pool = Pool::new();
        let mut buffer = pool.take(5000);
        buffer[4999] = 7;
        let address = buffer.as_ptr();
        let whole = buffer.freeze();
        let slice = whole.slice(4000..5000);
        drop(whole);
        assert_ne!(pool.take(5000).as_ptr(), address, "the slice still needs it");
        assert_eq!(slice[999], 7);
        drop(slice);
        let again = [pool.take(8192), pool.take(8192)];
        assert!(again.iter().any(|buffer| buffer.as_ptr() == address));
    }

    #[test]
    fn large_ones_are_not_kept() {
        let pool = Pool::new();
        drop(pool.take(LARGEST));
        assert!(pool.0[CLASSES - 1].is_empty());
    }
}
