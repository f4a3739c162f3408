//! Sixteen clients at the same few connectors, with kills of the process between: what is there in the end is what some serial order of
//! their requests leaves, and nothing runs that belongs to no connector.
//!
//! `HERD_ROUNDS` sets how many times the process is killed, `HERD_SEED` what is asked.

use e2e::random::Random;
use e2e::{Connectd, Rest, Worker, until};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: u64 = 16;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What one request does to a connector, if it is done.
#[derive(Clone, Debug, PartialEq)]
enum Effect {
    /// It is there, with this mark in its config.
    Config(String),
    /// It shall be in this state.
    Target(&'static str),
    /// It is not there.
    Gone,
}

/// A request that was done, or may have been.
#[derive(Clone, Debug)]
struct Event {
    name: &'static str,
    effects: Vec<Effect>,
    /// Seen answered as done; else the process was killed over it.
    sure: bool,
    began: Instant,
    ended: Instant,
}

/// One random request, and what is known of it afterwards; `None` if it has surely changed nothing.
fn ask(rest: &Rest, random: &mut Random, mark: &AtomicU64) -> Option<Event> {
    let name = NAMES[random.below(NAMES.len() as u64) as usize];
    let mark = mark.fetch_add(1, Ordering::Relaxed).to_string();
    let config =
        json!({"connector.class": "FileStreamSource", "file": format!("{name}.txt"), "topic": name, "mark": mark});
    let put = || Effect::Config(mark.clone());
    let (method, path, body, effects) = match random.below(10) {
        0..2 => {
            ("POST", "", json!({"name": name, "config": config}).to_string(), vec![put(), Effect::Target("RUNNING")])
        }
        2..4 => ("PUT", "/config", config.to_string(), vec![put()]),
        4 => ("PATCH", "/config", json!({ "mark": mark }).to_string(), vec![put()]),
        5 => ("DELETE", "", String::new(), vec![Effect::Gone]),
        6 => ("PUT", "/pause", String::new(), vec![Effect::Target("PAUSED")]),
        7 => ("PUT", "/resume", String::new(), vec![Effect::Target("RUNNING")]),
        8 => ("PUT", "/stop", String::new(), vec![Effect::Target("STOPPED")]),
        _ => ("POST", "/restart?includeTasks=true", String::new(), Vec::new()),
    };
    let path =
        if method == "POST" && path.is_empty() { "/connectors".into() } else { format!("/connectors/{name}{path}") };
    let began = Instant::now();
    let answer = rest.send(method, &path, &body);
    let ended = Instant::now();
    let status = answer.map(|answer| answer.status).ok();
    let mut effects = effects;
    // A PUT that makes the connector starts it; whether one that was not answered did, nobody knows.
    if method == "PUT" && path.ends_with("/config") && status != Some(200) {
        effects.push(Effect::Target("RUNNING"));
    }
    match status {
        None => Some(Event { name, effects, sure: false, began, ended: began + Duration::from_secs(3_600) }),
        Some(200..300) => Some(Event { name, effects, sure: true, began, ended }),
        Some(400 | 404 | 409 | 500) => None,
        Some(other) => panic!("{method} {path}: {other}"),
    }
}

/// True if some serial order of these events could end with `last` of those that `counts` picks out.
fn could_be_last(events: &[Event], counts: impl Fn(&Effect) -> bool, last: impl Fn(&Effect) -> bool) -> bool {
    let last_ones = events.iter().filter(|event| event.effects.iter().any(&last));
    let overtakes = |later: &Event, event: &Event| {
        later.sure && later.began > event.ended && later.effects.iter().any(&counts) && !later.effects.iter().any(&last)
    };
    last_ones.into_iter().any(|event| !events.iter().any(|later| overtakes(later, event)))
}

#[test]
fn an_order_that_cannot_be_is_seen() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let event =
        |effect, sure, from, to| Event { name: "a", effects: vec![effect], sure, began: at(from), ended: at(to) };
    let put = |mark: &str| Effect::Config(mark.into());
    let history = [event(put("1"), true, 0, 10), event(put("2"), true, 5, 15), event(Effect::Gone, false, 20, 30)];
    let last = |of: Effect| could_be_last(&history, |_| true, move |effect| *effect == of);
    assert!(last(put("1")) && last(put("2")) && last(Effect::Gone));
    let history = [event(put("1"), true, 0, 10), event(Effect::Gone, true, 20, 30)];
    assert!(!could_be_last(&history, |_| true, |effect| *effect == put("1")), "it was deleted after that");
}

/// Lets the clients at it until `done`.
fn storm(connectd: &Connectd, port: u16, seed: u64, mark: &AtomicU64, for_ms: u64) -> Vec<Event> {
    let done = AtomicBool::new(false);
    let mut events = Vec::new();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let done = &done;
                scope.spawn(move || {
                    let (rest, mut random) = (Rest::new(port), Random::new(seed * CLIENTS + client));
                    let mut events = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        events.extend(ask(&rest, &mut random, mark));
                    }
                    events
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(for_ms));
        // In the middle of what they ask.
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(connectd.running.pid() as i32).expect("a process id is not 0"),
            rustix::process::Signal::KILL,
        )
        .expect("our own child can be killed");
        done.store(true, Ordering::Relaxed);
        events.extend(clients.into_iter().flat_map(|client| client.join().expect("a client's own code holds")));
    });
    events
}

#[test]
fn what_is_left_is_what_some_order_leaves() {
    let worker = Worker::new("concurrency");
    let (mark, mut events) = (AtomicU64::new(0), Vec::new());
    let seed = number_from("HERD_SEED", 1);
    for round in 0..number_from("HERD_ROUNDS", 3) {
        let connectd = worker.start();
        events.extend(storm(&connectd, worker.rest_port, seed * 1_000 + round, &mark, 1_500));
        drop(connectd);
        let connectd = worker.start();
        check(&connectd, &events);
        connectd.kill();
    }
    assert!(events.len() > 50, "only {} requests did something", events.len());
}

fn check(connectd: &Connectd, events: &[Event]) {
    let mut with_tasks = BTreeSet::new();
    for name in NAMES {
        let events: Vec<Event> = events.iter().filter(|event| event.name == name).cloned().collect();
        let is_config = |effect: &Effect| matches!(effect, Effect::Config(_) | Effect::Gone);
        let answer = connectd.rest.get(&format!("/connectors/{name}/config"));
        if answer.status == 404 {
            let never =
                !events.iter().any(|event| event.effects.iter().any(|effect| matches!(effect, Effect::Config(_))));
            let gone = could_be_last(&events, is_config, |effect| *effect == Effect::Gone);
            let unsure = !events.iter().any(|event| event.sure && event.effects.iter().any(is_config));
            assert!(never || gone || unsure, "{name} is gone, and nobody can have removed it last: {events:#?}");
            continue;
        }
        let mark = answer.json()["mark"].as_str().expect("every config has one").to_owned();
        let put = could_be_last(&events, is_config, |effect| *effect == Effect::Config(mark.clone()));
        assert!(put, "{name} has the mark {mark}, which cannot be the last: {events:#?}");
        // Every connector, and every task of its, comes to what it shall be.
        let target = until(&format!("{name} to settle"), e2e::wait::PATIENCE, || {
            ["RUNNING [RUNNING]", "PAUSED [PAUSED]", "PAUSED []", "STOPPED []"]
                .into_iter()
                .find(|states| connectd.rest.states(name) == *states)
        });
        let state = target.split(' ').next().unwrap_or_default();
        let is_target = |effect: &Effect| matches!(effect, Effect::Target(_));
        let set = could_be_last(&events, is_target, |effect| matches!(effect, Effect::Target(of) if *of == state));
        assert!(set, "{name} is {state}, and nobody can have asked for that last: {events:#?}");
        if !target.ends_with("[]") {
            with_tasks.insert(name.to_owned());
        }
    }
    until("tasks of connectors, and no others", e2e::wait::PATIENCE, || {
        let metrics = connectd.rest.get("/metrics").body;
        let lines = metrics
            .lines()
            .filter_map(|line| line.strip_prefix("kafka_connect_connector_task_running_ratio{connector=\""));
        let running: BTreeSet<String> = lines.filter_map(|line| Some(line.split_once('"')?.0.to_owned())).collect();
        (running == with_tasks).then_some(())
    });
}
