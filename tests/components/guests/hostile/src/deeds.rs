//! What a connector may do to its host, each deed by its name.

use connect_sdk::bindings::source::connect::connector::source_context;
use connect_sdk::{Error, Scalar, TopicPartition, TpOffset, host, map};
use std::hint::black_box;

/// Does it. Most deeds do not come back.
pub fn misbehave(deed: &str) -> Result<(), Error> {
    match deed {
        "panic" => panic!("told to panic"),
        "abort" => std::process::abort(),
        "overflow" => {
            black_box(recurse(1));
        }
        "divide" => {
            black_box(1 / black_box(0i32));
        }
        "hog" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1u8; 1 << 20]));
            }
        }
        // Just under the limit, and it keeps it.
        "grow" => std::mem::forget(black_box(vec![1u8; 48 << 20])),
        "state" => {
            for n in 0..1000 {
                host::state::put(&n.to_string(), &[0; 100])?;
            }
        }
        "passwd" => {
            host::files::Reader::open("passwd")?;
        }
        "stdin" => {
            host::stdio::read(1)?;
        }
        "stdout" => host::stdio::write(b"not mine")?,
        "std-file" => {
            std::fs::read("/etc/passwd").map_err(|error| Error::fatal("std", error.to_string()))?;
        }
        "std-socket" => {
            std::net::TcpStream::connect("127.0.0.1:1").map_err(|error| Error::fatal("std", error.to_string()))?;
        }
        "retriable" => return Err(Error::retriable("hostile.later", "try again")),
        "retriable-at-once" => {
            return Err(Error { retry_after_ms: Some(0), ..Error::retriable("hostile.now", "try again at once") });
        }
        "fatal" => return Err(Error::fatal("hostile.never", "it is over")),
        "long-error" => {
            let long = || "long ".repeat(1 << 20);
            let attrs = vec![("name".to_owned(), long())];
            return Err(Error { attrs, ..Error::fatal(&long(), long()) });
        }
        "seek-back" => host::sink::seek(&[at(&own(), -1)]),
        "seek-far" => host::sink::seek(&[at(&own(), i64::MAX - 1)]),
        "seek-other" => host::sink::seek(&[at(&TopicPartition { topic: "other".into(), partition: 3 }, 0)]),
        "pause-others" => {
            let others: Vec<_> =
                (0..1000).map(|n| TopicPartition { topic: format!("other-{n}"), partition: n }).collect();
            host::sink::pause(&others);
        }
        "" => {}
        other => repeat(other),
    }
    Ok(())
}

/// Deeds that call the host again and again: those that end are floods, those that do not are loops.
fn repeat(deed: &str) {
    let line = "x".repeat(1000);
    match deed {
        "log" => (0..100_000).for_each(|n| host::log::info(&format!("line {n} {line}"))),
        "stderr" => (0..100_000).for_each(|n| eprintln!("line {n} {line}")),
        "requests" => for_ever(host::sink::request_commit),
        "pile-pauses" => {
            let many = vec![TopicPartition { topic: line, partition: 0 }; 1000];
            for_ever(|| host::sink::pause(&many));
        }
        "pile-errors" => for_ever(|| host::sink::report_errant(0, &Error::bad_data("x", "x".repeat(1 << 20)))),
        "pile-state" => {
            let mut n = 0;
            for_ever(|| {
                n += 1;
                let _ = host::state::remove(&format!("{n}{}", "x".repeat(1 << 20)));
            });
        }
        "pile-offsets" => {
            // One offset that was committed once, a thousand times.
            let all = vec![map("at", Scalar::Int(1)); 1000];
            black_box(source_context::offsets(&all));
        }
        "loop" => for_ever(|| ()),
        "loop-calling" | "loop-stopping" => for_ever(host::stopping),
        "loop-clock" => for_ever(host::clock_ms),
        "loop-name" => for_ever(host::connector_name),
        "loop-task" => for_ever(host::task_id),
        "loop-config" => for_ever(host::config),
        "loop-log" => for_ever(|| host::log::info(&line)),
        "loop-debug" => for_ever(|| host::log::debug(&line)),
        "loop-stderr" => for_ever(|| eprintln!("{line}")),
        "loop-state" => for_ever(|| host::state::get(&line)),
        "loop-offsets" => for_ever(|| host::source_offset(&map("at", Scalar::Int(1)))),
        "loop-assignment" => for_ever(host::sink::assignment),
        "loop-open" => for_ever(|| host::files::Reader::open("passwd").is_ok()),
        "loop-stdin" => for_ever(|| host::stdio::read(1).is_ok()),
        "loop-stdout" => for_ever(|| host::stdio::write(b"x").is_ok()),
        "loop-allocating" => for_ever(|| vec![1u8; 1 << 20]),
        other => panic!("unknown deed {other}"),
    }
}

fn for_ever<T>(mut call: impl FnMut() -> T) {
    loop {
        black_box(call());
    }
}

fn own() -> TopicPartition {
    host::sink::assignment().pop().expect("a sink that gets records has a partition")
}

fn at(tp: &TopicPartition, offset: i64) -> TpOffset {
    TpOffset { tp: tp.clone(), offset }
}

// The point is that it does not end.
#[allow(unconditional_recursion)]
fn recurse(n: u64) -> u64 {
    black_box([n; 1000])[999] + recurse(black_box(n + 1))
}
