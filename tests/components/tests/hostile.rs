//! Guests that trap, hang, hog and lie: each is an error with its reason, and nobody else notices.

use components::pipe::{batch, values};
use components::{config, engine, engine_with, guest, load};
use runtime_core::exchange::{Ack, ErrorClass, Polled, TopicPartition, TpOffset};
use runtime_core::plugin::Role;
use runtime_host::{Env, HostError, LoadError, Plugin, Request, Settings, SinkTask, SourceTask};
use std::time::Duration;

fn deed(call: &str, deed: &str) -> Vec<(String, String)> {
    config(&[("in", call), ("do", deed)])
}

fn partition() -> TopicPartition {
    TopicPartition { topic: "t".to_owned(), partition: 3 }
}

/// Runs every call of a source until one fails.
async fn run_source(plugin: &Plugin, config: &[(String, String)]) -> (SourceTask, Result<(), HostError>) {
    let mut task = plugin.source_task(Env::default()).await.expect("it instantiates");
    let result = async {
        task.start(config).await?;
        task.poll(1, 10, 1000).await?;
        task.on_ack(&[Ack { seq: 1, delivered: 1, ..Ack::default() }]).await?;
        task.commit().await?;
        assert!(task.reconfigure(config).await?);
        task.stop().await
    };
    let result = result.await;
    (task, result)
}

async fn run_sink(plugin: &Plugin, config: &[(String, String)]) -> (SinkTask, Result<(), HostError>) {
    let env = Env { assignment: vec![partition()], ..Env::default() };
    let mut task = plugin.sink_task(env).await.expect("it instantiates");
    let result = async {
        task.start(config).await?;
        task.open(&[partition()]).await?;
        let failures = task.put(&batch(&["good", "bad", "good"])).await?;
        assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [1]);
        assert_eq!(task.take_requests(), [Request::Pause(vec![partition()])]);
        let current = [TpOffset { tp: partition(), offset: 3 }];
        assert_eq!(task.pre_commit(&current).await?, current);
        task.close(&[partition()]).await?;
        task.stop().await
    };
    let result = result.await;
    (task, result)
}

const SOURCE_CALLS: [&str; 6] = ["start", "poll", "on-ack", "commit", "reconfigure", "stop"];
const SINK_CALLS: [&str; 6] = ["start", "open", "put", "pre-commit", "close", "stop"];

#[tokio::test]
async fn an_honest_life() {
    let plugin = load(&engine(), "hostile").await;
    assert!(run_source(&plugin, &deed("", "")).await.1.is_ok());
    assert!(run_sink(&plugin, &deed("", "")).await.1.is_ok());
}

#[tokio::test]
async fn a_trap_in_any_call_is_an_error_with_reason_and_backtrace() {
    let plugin = load(&engine(), "hostile").await;
    let check = |call: &str, expected: &str, error: HostError| {
        let HostError::Trap { call: trapped, message, backtrace } = &error else { panic!("{call}: {error:?}") };
        assert_eq!(*trapped, call);
        assert!(message.contains(expected), "{message}");
        assert!(backtrace.contains("hostile"), "{backtrace}");
        assert!(error.trace().contains(backtrace));
    };
    for call in SOURCE_CALLS {
        let (mut task, result) = run_source(&plugin, &deed(call, "panic")).await;
        check(call, "told to panic", result.unwrap_err());
        assert!(matches!(task.poll(2, 10, 1000).await, Err(HostError::Gone)));
    }
    for call in SINK_CALLS {
        let (mut task, result) = run_sink(&plugin, &deed(call, "panic")).await;
        check(call, "told to panic", result.unwrap_err());
        assert!(matches!(task.put(&batch(&["x"])).await, Err(HostError::Gone)));
    }
    for (deed_, expected) in [
        ("abort", "unreachable"),
        ("overflow", "out of bounds memory access"),
        ("divide", "attempt to divide by zero"),
        ("requests", "more than 10000 requests"),
    ] {
        check("put", expected, run_sink(&plugin, &deed("put", deed_)).await.1.unwrap_err());
    }
    let mut connector = plugin.connector(Env::default()).await.unwrap();
    let settings = deed("connector.task-configs", "panic");
    connector.start(Role::Source, &settings).await.unwrap();
    check("connector.task-configs", "told to panic", connector.task_configs(1, &[]).await.unwrap_err());
}

#[tokio::test]
async fn a_guest_that_never_comes_back_is_stopped() {
    let plugin = load(&engine(), "hostile").await;
    for (call, deed_) in [("poll", "loop"), ("poll", "loop-calling"), ("start", "loop"), ("stop", "loop")] {
        let (mut task, result) = run_source(&plugin, &deed(call, deed_)).await;
        match result.unwrap_err() {
            HostError::Deadline { call: stopped, after, backtrace } => {
                assert_eq!((stopped, after), (call, Duration::from_millis(300)));
                assert!(backtrace.contains("hostile"), "{backtrace}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(task.poll(2, 10, 1000).await, Err(HostError::Gone)));
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_the_instance() {
    let plugin = load(&engine(), "hostile").await;
    let mut task = plugin.source_task(Env::default()).await.unwrap();
    task.start(&deed("poll", "loop")).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(30), task.poll(1, 10, 1000)).await.is_err());
    assert!(matches!(task.poll(2, 10, 1000).await, Err(HostError::Gone)));
    assert_eq!(task.memory_bytes(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn neighbours_on_the_same_thread_keep_working() {
    let plugin = load(&engine(), "hostile").await;
    let mut neighbour = plugin.source_task(Env::default()).await.unwrap();
    neighbour.start(&deed("", "")).await.unwrap();
    for deed_ in ["loop", "loop-calling", "hog"] {
        let plugin = plugin.clone();
        let hostile = tokio::spawn(async move { run_source(&plugin, &deed("poll", deed_)).await.1 });
        let mut polls = 0;
        while !hostile.is_finished() {
            let polled = neighbour.poll(polls, 10, 1000).await.unwrap();
            assert!(matches!(polled, Polled::Records(batch) if values(&batch.records) == ["still here"]));
            polls += 1;
            tokio::task::yield_now().await;
        }
        assert!(hostile.await.unwrap().is_err());
        // 300 ms of looping are some thirty turns of 10 ms, with a poll after each.
        assert!(polls >= 3 || deed_ == "hog", "{polls} polls beside {deed_}");
    }
}

#[tokio::test]
async fn a_hog_is_refused_memory() {
    let plugin = load(&engine(), "hostile").await;
    for call in ["start", "poll"] {
        match run_source(&plugin, &deed(call, "hog")).await.1.unwrap_err() {
            HostError::Memory { call: refused, limit_bytes, backtrace } => {
                assert_eq!((refused, limit_bytes), (call, 16 << 20));
                assert!(backtrace.contains("hostile"), "{backtrace}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn more_bytes_than_a_call_may_hand_over_are_refused() {
    let engine = engine_with(Settings { memory_bytes: 128 << 20, ..Settings::default() });
    let (hostile, forger) = (load(&engine, "hostile").await, load(&engine, "forger").await);
    let check = |error: HostError| {
        assert!(
            matches!(error, HostError::TooMuch { call: "poll", limit_bytes } if limit_bytes == 16 << 20),
            "{error:?}"
        );
    };
    check(run_source(&hostile, &deed("poll", "flood")).await.1.unwrap_err());
    check(run_source(&forger, &config(&[("forge", "huge")])).await.1.unwrap_err());
    check(run_source(&forger, &config(&[("forge", "aliased-names")])).await.1.unwrap_err());
}

#[tokio::test]
async fn batches_that_contradict_themselves_are_refused() {
    let plugin = load(&engine(), "forger").await;
    let check = async |forgery: &str, column: &str| match run_source(&plugin, &config(&[("forge", forgery)])).await.1 {
        Err(HostError::BadBatch(bad)) => assert_eq!(bad.column, column, "{forgery}"),
        other => panic!("{forgery}: {other:?}"),
    };
    check("falling-ends", "values").await;
    check("ends-past-data", "values").await;
    check("too-few-ends", "values").await;
    check("no-topic", "topics").await;
    check("topic-past-names", "topic-ix").await;
    check("half-a-timestamp", "timestamps").await;
    check("count", "values").await;
    check("count-of-nothing", "count").await;
    check("checkpoint-past-batch", "checkpoints").await;
    check("checkpoint-without-partition", "checkpoints").await;
    check("checkpoints-falling", "checkpoints").await;
    check("one-long-header", "headers").await;
}

#[tokio::test]
async fn an_error_is_an_answer_and_the_instance_lives() {
    let plugin = load(&engine(), "hostile").await;
    let mut task = plugin.source_task(Env::default()).await.unwrap();
    task.start(&deed("poll", "retriable")).await.unwrap();
    for _ in 0..3 {
        match task.poll(1, 10, 1000).await {
            Err(HostError::Connector(error)) => {
                assert_eq!((error.class, error.code.as_str()), (ErrorClass::Retriable, "hostile.later"));
                assert_eq!(error.message, "try again");
            }
            other => panic!("{other:?}"),
        }
    }
    task.stop().await.unwrap();
    let refused = run_sink(&plugin, &deed("put", "fatal")).await.1.unwrap_err();
    assert!(matches!(refused, HostError::Connector(error) if error.class == ErrorClass::Fatal));
}

#[tokio::test]
async fn nothing_is_there_that_was_not_granted() {
    let plugin = load(&engine(), "hostile").await;
    let check = async |deed_: &str, expected: &str| match run_source(&plugin, &deed("poll", deed_)).await.1 {
        Err(HostError::Connector(error)) => assert!(error.message.contains(expected), "{}", error.message),
        other => panic!("{deed_}: {other:?}"),
    };
    check("passwd", "is not granted to this connector").await;
    check("state", "at most 64 keys").await;
    for deed_ in ["std-file", "std-socket"] {
        assert!(run_source(&plugin, &deed("poll", deed_)).await.1.is_err(), "{deed_}");
    }
}

#[tokio::test]
async fn a_flood_of_logs_harms_nobody() {
    let engine = engine_with(Settings::default());
    let plugin = load(&engine, "hostile").await;
    assert!(run_source(&plugin, &deed("poll", "log")).await.1.is_ok());
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("resident pages") * 4096
}

#[tokio::test]
async fn memory_stays_flat() {
    let engine = engine_with(Settings { memory_bytes: 16 << 20, ..Settings::default() });
    let plugin = load(&engine, "hostile").await;
    let forger = load(&engine, "forger").await;
    let round = async |times: usize| {
        for n in 0..times {
            let deed_ = ["panic", "hog", "overflow", "abort"][n % 4];
            assert!(run_source(&plugin, &deed("poll", deed_)).await.1.is_err());
            assert!(run_sink(&plugin, &deed("put", deed_)).await.1.is_err());
            assert!(run_source(&forger, &config(&[("forge", "falling-ends")])).await.1.is_err());
        }
    };
    round(20).await;
    let before = resident_bytes();
    round(200).await;
    let grown = resident_bytes().saturating_sub(before);
    // One hog that was not let go is 16 MiB; other tests of this process may hold some.
    assert!(grown < 200 << 20, "{grown} bytes");
}

#[tokio::test]
async fn what_is_no_connector_is_refused_with_a_reason() {
    let engine = engine();
    let check = async |bytes: &[u8], expected: &str| match engine.load(bytes).await {
        Err(error) => assert!(error.to_string().contains(expected), "{error}"),
        Ok(plugin) => panic!("{plugin:?}"),
    };
    check(b"", "is it the right file?").await;
    check(b"PK\x03\x04", "is it the right file?").await;
    check(b"\0asm\x01\0\0\0", "core module; build it for the target wasm32-wasip2").await;
    check(b"\0asm\x0d\0\x01\0", "does not export connect:connector/plugin").await;
    check(&guest("hostile")[..50_000], "damaged").await;
    check(guest("newer"), "needs connect:connector >= 0.2, this worker serves 0.1").await;
    check(guest("speechless"), "could not describe itself: The connector trapped in `describe`").await;
    let small = engine_with(Settings { component_bytes: 1000, ..Settings::default() });
    assert!(matches!(small.load(guest("hostile")).await, Err(LoadError::TooLarge { limit_bytes: 1000 })));
}

#[tokio::test]
async fn validation_has_a_deadline_of_its_own() {
    let engine = engine_with(Settings { describe_deadline: Duration::from_millis(500), ..Settings::default() });
    let plugin = load(&engine, "hostile").await;
    assert_eq!(plugin.validate(Role::Source, &deed("", "")).await.unwrap(), []);
    let issues = plugin.validate(Role::Source, &deed("validate", "fatal")).await.unwrap();
    assert_eq!((issues[0].key.as_str(), issues[0].message.as_str()), ("do", "it is over"));
    let hung = plugin.validate(Role::Source, &deed("validate", "loop")).await;
    assert!(matches!(hung, Err(HostError::Deadline { call: "validate", .. })));
}
