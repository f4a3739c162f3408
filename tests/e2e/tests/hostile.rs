//! Connectors that a stranger drops into `plugin.path` and creates over REST, and that do every harm they can: each comes to a state with
//! a reason, its neighbours go on, the process keeps its size, and the worker stops in time.

use e2e::guests::{compile_bomb, guest};
use e2e::wait::PATIENCE;
use e2e::{Answer, Connectd, Worker, until};
use serde_json::{Value, json};

const RUNS: &str = "RUNNING [RUNNING]";
const TASK_FAILED: &str = "RUNNING [FAILED]";
const NO_TASKS: &str = "FAILED []";

/// Class, the call it misbehaves in, what it does there; the states that it comes to, and what its trace says.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const SOURCE: &str = "HostileSource";
const SINK: &str = "HostileSink";

#[rustfmt::skip]
const CASES: &[Case] = &[
    // A trap in every call.
    (SOURCE, "connector.task-configs", "panic", NO_TASKS, "trapped in `connector.task-configs`"),
    (SOURCE, "start", "panic", TASK_FAILED, "trapped in `start`"),
    (SOURCE, "poll", "panic", TASK_FAILED, "trapped in `poll`"),
    (SOURCE, "on-ack", "panic", TASK_FAILED, "trapped in `on-ack`"),
    (SOURCE, "commit", "panic", TASK_FAILED, "trapped in `commit`"),
    (SINK, "start", "panic", TASK_FAILED, "trapped in `start`"),
    (SINK, "open", "panic", TASK_FAILED, "trapped in `open`"),
    (SINK, "put", "panic", TASK_FAILED, "trapped in `put`"),
    (SINK, "pre-commit", "panic", TASK_FAILED, "trapped in `pre-commit`"),
    // Traps of every kind.
    (SOURCE, "poll", "abort", TASK_FAILED, "unreachable"),
    (SOURCE, "poll", "overflow", TASK_FAILED, "out of bounds memory access"),
    (SOURCE, "poll", "divide", TASK_FAILED, "attempt to divide by zero"),
    // More than there is.
    (SOURCE, "start", "hog", TASK_FAILED, "wanted more than its 67108864 bytes of memory in `start`"),
    (SINK, "put", "hog", TASK_FAILED, "wanted more than its 67108864 bytes of memory in `put`"),
    (SOURCE, "poll", "flood", TASK_FAILED, "handed over more than 16777216 bytes in `poll`"),
    (SINK, "put", "requests", TASK_FAILED, "more than 10000 requests"),
    (SINK, "put", "pile-pauses", TASK_FAILED, "handed over more than 16777216 bytes in `put`"),
    (SINK, "put", "pile-errors", TASK_FAILED, "handed over more than 16777216 bytes in `put`"),
    (SINK, "put", "pile-state", TASK_FAILED, "handed over more than 16777216 bytes in `put`"),
    (SOURCE, "connector.task-configs", "many", NO_TASKS, "raise tasks.max"),
    (SOURCE, "connector.task-configs", "wide", NO_TASKS, "a task's may have 900000 bytes"),
    // What is nobody's.
    (SOURCE, "poll", "passwd", TASK_FAILED, "is not granted to this connector"),
    (SOURCE, "poll", "std-file", TASK_FAILED, "in poll"),
    (SOURCE, "poll", "std-socket", TASK_FAILED, "in poll"),
    (SOURCE, "poll", "stdin", TASK_FAILED, "The standard input is not granted"),
    (SINK, "put", "stdout", TASK_FAILED, "The standard output is not granted"),
    (SOURCE, "poll", "state", TASK_FAILED, "at most 64 keys"),
    // Junk.
    (SOURCE, "poll", "other-partition", TASK_FAILED, "names partition 7"),
    (SOURCE, "poll", "other-topic", TASK_FAILED, "is not valid"),
    (SOURCE, "poll", "long-record", TASK_FAILED, "max.request.size"),
    (SOURCE, "poll", "long-offset", TASK_FAILED, "cannot be written"),
    (SOURCE, "poll", "wide-offset", TASK_FAILED, "2000 fields, more than 1000"),
    (SOURCE, "poll", "twice-in-offset", TASK_FAILED, "the field to twice"),
    (SOURCE, "poll", "long-error", TASK_FAILED, "long long"),
    (SINK, "put", "long-error", TASK_FAILED, "long long"),
    (SINK, "put", "seek-back", TASK_FAILED, "an offset is not negative"),
    (SINK, "put", "seek-other", TASK_FAILED, "it is not assigned"),
    ("Forger", "", "aliased-names", TASK_FAILED, "handed over more than 16777216 bytes in `poll`"),
    ("Forger", "", "one-long-header", TASK_FAILED, "their names come to more than 16,777,216 bytes"),
    ("Forger", "", "count-of-nothing", TASK_FAILED, "it is more than 1,048,576"),
    ("Forger", "", "ends-past-data", TASK_FAILED, "its end offsets do not rise within the data"),
    // Errors that may pass: it goes on.
    (SOURCE, "poll", "retriable", RUNS, ""),
    (SOURCE, "poll", "retriable-at-once", RUNS, ""),
    (SOURCE, "poll", "idle-at-once", RUNS, ""),
    (SOURCE, "start", "log", RUNS, ""),
    (SOURCE, "start", "stderr", RUNS, ""),
    (SOURCE, "start", "grow", RUNS, ""),
    (SINK, "put", "retriable-at-once", RUNS, ""),
    (SINK, "put", "seek-far", RUNS, ""),
    (SINK, "put", "pause-others", RUNS, ""),
];

fn config((class, call, deed, ..): &Case) -> Value {
    let mut config = json!({"connector.class": class, "in": call, "do": deed, "offset.flush.interval.ms": "1000"});
    config[if *class == "Forger" { "forge" } else { "do" }] = json!(deed);
    if *class == SINK {
        config["topics"] = json!("connect-test");
    }
    config
}

/// A worker with the guests on its path, beside a pipe that must not suffer; what it puts into the log stays short.
fn worker(name: &str) -> Worker {
    let worker = Worker::new(name).set("plugin.path", "plugins").set("offset.flush.interval.ms", "500").pipe();
    std::fs::create_dir(worker.folder.join("plugins")).unwrap();
    worker
}

fn drop_in(worker: &Worker, name: &str) {
    std::fs::copy(guest(name), worker.folder.join(&format!("plugins/{name}.wasm"))).unwrap();
}

fn create(connectd: &Connectd, name: &str, config: &Value) -> Answer {
    connectd.rest.ask("POST", "/connectors", &json!({"name": name, "config": config}).to_string())
}

/// Waits until a line that goes in has come out.
fn pipe_works(worker: &Worker, lines: &mut String) {
    lines.push_str("still here\n");
    worker.folder.append("test.txt", "still here\n");
    worker.expect_file("test.sink.txt", lines);
}

fn resident_mib(connectd: &Connectd) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", connectd.running.pid())).expect("this is Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("resident pages") / 256
}

#[test]
fn whatever_they_do_is_told_and_harms_nobody() {
    let (worker, mut lines) = (worker("hostile"), String::new());
    let connectd = worker.start();
    pipe_works(&worker, &mut lines);
    // A stranger's plug-ins come while it runs.
    drop_in(&worker, "hostile");
    drop_in(&worker, "forger");
    let name = |case: &Case| format!("{}-{}-{}", case.0, case.1, case.2).replace('.', "-");
    for case in CASES {
        let created = create(&connectd, &name(case), &config(case));
        // As in Kafka, a connector that cannot start is there all the same, and the answer says so.
        let expected = if case.3 == NO_TASKS { 500 } else { 201 };
        assert_eq!(created.status, expected, "{case:?}: {}", created.body);
    }
    let mut odd = Vec::new();
    for case in CASES {
        connectd.expect_states(&name(case), case.3);
        let status = connectd.rest.get(&format!("/connectors/{}/status", name(case)));
        if !status.body.contains(case.4) || status.body.len() > 64 << 10 {
            odd.push(format!("{case:?}: {}", &status.body[..status.body.floor_char_boundary(2_000)]));
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    pipe_works(&worker, &mut lines);
    // Again and again: what a failure has held it has let go.
    let before = resident_mib(&connectd);
    for _ in 0..5 {
        for case in CASES.iter().filter(|case| case.3 == TASK_FAILED) {
            connectd.rest.ask("POST", &format!("/connectors/{}/tasks/0/restart", name(case)), "");
        }
        CASES.iter().for_each(|case| connectd.expect_states(&name(case), case.3));
    }
    let after = resident_mib(&connectd);
    assert!(after < before + 150 && after < 700, "{before} MiB, then {after} MiB");
    pipe_works(&worker, &mut lines);
    let log = connectd.running.log().len();
    assert!(log < 64 << 20, "{log} bytes of log");
    assert_eq!(connectd.stop().code(), Some(130));
}

#[test]
fn validation_that_fails_refuses_the_connector() {
    let worker = worker("hostile-validate");
    drop_in(&worker, "hostile");
    let connectd = worker.start();
    for (deed, says) in
        [("panic", "trapped in `validate`"), ("hog", "bytes of memory in `validate`"), ("loop", "did not come back")]
    {
        let answer = create(&connectd, "refused", &config(&(SOURCE, "validate", deed, "", "")));
        assert_eq!((answer.status, answer.body.contains(says)), (400, true), "{}", answer.body);
    }
    assert_eq!(connectd.rest.get("/connectors/refused").status, 404);
    // Its offsets are its own: it may refuse that they are altered, and a trap is a refusal.
    assert_eq!(create(&connectd, "alter", &config(&(SOURCE, "alter-offsets", "panic", "", ""))).status, 201);
    connectd.expect_states("alter", RUNS);
    assert_eq!(connectd.rest.ask("PUT", "/connectors/alter/stop", "").status, 204);
    let body = json!({"offsets": [{"partition": {"at": 1}, "offset": {"to": 1}}]}).to_string();
    let refused = connectd.rest.ask("PATCH", "/connectors/alter/offsets", &body);
    assert_eq!((refused.status, refused.body.contains("trapped")), (500, true), "{}", refused.body);
}

#[test]
fn who_never_comes_back_is_given_up() {
    let (worker, mut lines) = (worker("hostile-loops"), String::new());
    let worker = worker.set("task.shutdown.graceful.timeout.ms", "1000");
    drop_in(&worker, "hostile");
    let connectd = worker.start();
    pipe_works(&worker, &mut lines);
    let loops = [
        (SOURCE, "start", "loop"),
        (SOURCE, "poll", "loop-log"),
        (SINK, "put", "loop-config"),
        (SINK, "open", "loop-stderr"),
    ];
    for (number, (class, call, deed)) in loops.into_iter().enumerate() {
        let created = create(&connectd, &format!("loop-{number}"), &config(&(class, call, deed, "", "")));
        assert_eq!(created.status, 201, "{}", created.body);
    }
    assert_eq!(create(&connectd, "stop", &config(&(SOURCE, "stop", "loop", "", ""))).status, 201);
    assert_eq!(create(&connectd, "close", &config(&(SINK, "close", "loop", "", ""))).status, 201);
    pipe_works(&worker, &mut lines);
    // Those that hang in a stop are let go after the time that a stop may take.
    for name in ["stop", "close", "loop-1"] {
        connectd.expect_states(name, RUNS);
        assert_eq!(connectd.rest.ask("DELETE", &format!("/connectors/{name}"), "").status, 204);
        until("it to be gone", PATIENCE, || {
            (connectd.rest.get(&format!("/connectors/{name}")).status == 404).then_some(())
        });
    }
    // The others by the time that a call may take, unless the worker itself is stopped before.
    pipe_works(&worker, &mut lines);
    assert_eq!(connectd.stop().code(), Some(130));
}

#[test]
fn a_source_that_never_pauses_is_held_back() {
    let (worker, mut lines) = (worker("hostile-firehose"), String::new());
    drop_in(&worker, "hostile");
    let connectd = worker.start();
    assert_eq!(create(&connectd, "firehose", &config(&(SOURCE, "poll", "firehose", "", ""))).status, 201);
    connectd.expect_states("firehose", RUNS);
    pipe_works(&worker, &mut lines);
    pipe_works(&worker, &mut lines);
    assert!(resident_mib(&connectd) < 500, "{} MiB", resident_mib(&connectd));
    assert_eq!(connectd.rest.ask("DELETE", "/connectors/firehose", "").status, 204);
    pipe_works(&worker, &mut lines);
}

#[test]
fn a_component_that_makes_the_compiler_explode_is_refused() {
    let (worker, mut lines) = (worker("hostile-compile"), String::new());
    let connectd = worker.start();
    let before = resident_mib(&connectd);
    let truncated = std::fs::read(guest("hostile")).unwrap();
    for (name, bytes) in [
        ("deep", compile_bomb(1, 1_000_000)),
        ("wide", compile_bomb(200_000, 8)),
        ("truncated", truncated[..truncated.len() / 2].to_vec()),
        ("large", [&b"\0asm\x0d\0\x01\0"[..], &vec![0; 40 << 20]].concat()),
    ] {
        worker.folder.write(&format!("plugins/{name}.wasm"), bytes);
        let answer = create(&connectd, "bomb", &json!({"connector.class": "Bomb"}));
        let says = format!("{name}.wasm is not used");
        assert_eq!((answer.status, answer.body.contains(&says)), (400, true), "{}", answer.body);
        std::fs::remove_file(worker.folder.join(&format!("plugins/{name}.wasm"))).unwrap();
    }
    pipe_works(&worker, &mut lines);
    let after = resident_mib(&connectd);
    assert!(after < before + 100, "{before} MiB, then {after} MiB");
}
