//! The simulator's command line.
use std::panic;
fn main() {
    let arg: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1);
    let one = std::env::args().nth(2).is_some();
    #[cfg(feature = "planted-bugs")]
    match std::env::var("BUG").as_deref() {
        Ok("ack") => broker_core::planted::plant(broker_core::planted::Bug::AckBeforeSync),
        Ok("offsets") => broker_core::planted::plant(broker_core::planted::Bug::OffsetsBeforeRecords),
        Ok("sum") => broker_store::planted::plant(broker_store::planted::Bug::SkipChecksum),
        _ => {}
    }
    let pool = broker_store::buffer::Pool::new();
    if one {
        match sim::run::run(arg, true, &pool) {
            Ok(report) => println!("{report:?}"),
            Err(failure) => {
                for l in &failure.trace {
                    println!("{l}");
                }
                println!("{}", failure.why);
            }
        }
        return;
    }
    panic::set_hook(Box::new(|i| println!("PANIC {i}")));
    let t = std::time::Instant::now();
    let (mut steps, mut batches, mut lives) = (0, 0, 0);
    for seed in 0..arg {
        match panic::catch_unwind(|| sim::run::run(seed, false, &pool)) {
            Ok(Ok(r)) => {
                steps += r.steps;
                batches += r.batches;
                lives += r.lives;
            }
            Ok(Err(f)) => println!("seed {seed}: {}", f.why),
            Err(_) => println!("seed {seed}: panic"),
        }
    }
    println!("{steps} steps {batches} batches {lives} lives {:?}", t.elapsed());
}
