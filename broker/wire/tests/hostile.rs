//! Damaged frames: decoding never panics, never disagrees with the guard, and takes bounded memory.
//!
//! `CONNECTD_FUZZ_FRAMES` sets the number of frames (100,000 without it), `CONNECTD_FUZZ_SEED` where to begin.

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use broker_wire::{DecodeError, apis::APIS, decode};
use bytes::Bytes;
use common::Rng;

/// Counts what is allocated, and the most of it at once since it was asked last.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Decodes, and checks the most memory that it took beside the frame.
fn check(frame: Vec<u8>, what: &str) -> bool {
    let len = frame.len();
    let frame = Bytes::from(frame);
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = decode(frame);
    let taken = PEAK.load(Relaxed) - before;
    assert!(taken <= 8 * len + (1 << 20), "{what}: {taken} bytes of memory for a frame of {len}");
    assert!(!matches!(result, Err(DecodeError::Decoder { .. })), "{what}: {result:?}");
    result.is_ok()
}

/// Damages a frame in one of the ways that bugs and attackers have.
fn damage(frame: &mut Vec<u8>, rng: &mut Rng) {
    // The key and version stay, or most frames would end there.
    let at = 4 + rng.below(frame.len() - 4);
    let byte = frame[at];
    let nudged = [byte.wrapping_add(1), byte.wrapping_sub(1), 0xff, 0x7f][rng.below(4)];
    match rng.below(6) {
        0 => frame[at] ^= 1 << rng.below(8),
        1 => frame[at] = nudged,
        2 => frame.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xff),
        3 => frame.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f]).for_each(drop),
        4 => frame.truncate(at.max(8)),
        _ => {
            let again = frame[at..].to_vec();
            frame.extend(again);
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text} is no number")))
}

// One test in this file: the allocator counts for the whole process.
#[test]
fn damaged_frames() {
    bombs();
    let first = number("CONNECTD_FUZZ_SEED", 0);
    let frames = number("CONNECTD_FUZZ_FRAMES", 100_000);
    let mut accepted = 0;
    for seed in first..first + frames {
        let rng = &mut Rng(seed);
        let row = APIS[rng.below(APIS.len())];
        let version = row.served + rng.below((row.max - row.served + 1) as usize) as i16;
        let mut frame = common::frame(row.key, version, rng);
        for _ in 0..1 + rng.below(3) {
            damage(&mut frame, rng);
        }
        accepted += u64::from(check(frame, &format!("CONNECTD_FUZZ_SEED={seed} ({} {version})", row.name)));
    }
    assert!(
        accepted > frames / 20,
        "only {accepted} of {frames} were decoded: the damage is too great to test decoders"
    );
    assert!(accepted < frames * 19 / 20, "{accepted} of {frames} were decoded: the damage is too small");
}

/// Frames made to take as much memory as the guard lets pass.
fn bombs() {
    for row in APIS {
        for version in row.served..=row.max {
            for len in [100, 10_000, 3 << 20] {
                for byte in [0, 1, 2] {
                    let mut rng = Rng(len as u64 + u64::from(byte));
                    let mut frame = common::frame(row.key, version, &mut rng);
                    let keep = frame.len().min(14 + rng.below(40));
                    frame.truncate(keep);
                    frame.extend([0xc0, 0x84, 0x3d]); // a million, as a varint
                    frame.extend(std::iter::repeat_n(byte, len));
                    check(frame, &format!("{} {version}: {len} times {byte}", row.name));
                }
            }
        }
    }
    tags_by_the_thousand();
}

/// ApiVersions with many empty unknown tags: the dearest thing in memory per byte.
fn tags_by_the_thousand() {
    let tags = |count: u32| {
        let mut frame = vec![0, 18, 0, 3, 0, 0, 0, 7, 255, 255, 0, 2, b'x', 2, b'1'];
        frame.extend([(count & 0x7f) as u8 | 0x80, (count >> 7 & 0x7f) as u8 | 0x80, (count >> 14) as u8]);
        for tag in 0..count {
            frame.extend([(tag & 0x7f) as u8 | 0x80, (tag >> 7 & 0x7f) as u8 | 0x80, (tag >> 14) as u8, 0]);
        }
        frame
    };
    assert!(check(tags(5000), "5,000 tags"));
    assert!(!check(tags(200_000), "200,000 tags"));
}
