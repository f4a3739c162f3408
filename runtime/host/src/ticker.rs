//! The epoch ticker: what makes a guest in a loop give way.
//!
//! Owns one thread per engine. It sleeps while no call is under way, so that an idle worker costs nothing. Invariant: while
//! a [`Ticking`] lives, the epoch rises at least once in [`TICK`] (as far as the machine keeps up).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;
use wasmtime::EngineWeak;

/// From one tick to the next: the longest turn of a guest before its neighbours get theirs.
const TICK: Duration = Duration::from_millis(10);

/// Ticks without a call after which the thread goes to sleep; waking it costs a system call.
const LINGER: u32 = 10;

#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    asleep: AtomicBool,
}

/// A call under way.
pub(crate) struct Ticking<'a>(&'a Shared);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    /// Starts the thread; it ends when the engine is gone.
    pub(crate) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let thread = std::thread::Builder::new().name("wasm-ticker".into()).spawn(move || tick(&engine, &theirs))?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Ticks as long as the result lives.
    pub(crate) fn during_call(&self) -> Ticking<'_> {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    let mut idle = 0;
    loop {
        std::thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        drop(engine);
        idle = if shared.calls.load(Ordering::SeqCst) > 0 { 0 } else { idle + 1 };
        if idle >= LINGER {
            shared.asleep.store(true, Ordering::SeqCst);
            // A call that began before the store saw `asleep` false and wakes nobody: look once more.
            if shared.calls.load(Ordering::SeqCst) == 0 {
                std::thread::park();
            }
            shared.asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
