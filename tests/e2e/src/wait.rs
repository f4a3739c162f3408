//! Waiting for a condition, and ports nobody uses.
//!
//! Invariant: a limit is only how long we are patient before we call it a failure, never a thing that is measured.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a test is patient with anything that should happen at once.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks `look` again and again until it gives something.
///
/// # Panics
/// After `limit`, naming `what` it waited for.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port of the loopback address that nobody listens on, below the range from which the kernel picks by itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + (std::process::id() % 190) as u16 * 100;
    for _ in 0..1_000 {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 1_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {first} on");
}
