//! A seed, run.
//!
//! Owns the cast of a run and its scenario. Invariant: the same seed and scenario give the same report, every time.

use broker_store::buffer::Pool;

use crate::{
    check::Checked,
    plan::Plan,
    random::Random,
    scenarios::rot,
    trace::Trace,
    workload::{
        admin::Admin,
        committed::Committed,
        consumer::Consumer,
        producer::Producer,
        sink::SinkTask,
        source::SourceTask,
        transactional::{self, Transactional},
        trimmer::Trimmer,
    },
    world::{Report, World},
};

/// What kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Deaths, full disks, failing syncs, broken connections.
    Crash,
    /// A bit flips while the broker is down.
    Rot,
}

impl Scenario {
    /// All of them, by name.
    pub const ALL: [(&'static str, Scenario); 2] = [("crash", Scenario::Crash), ("rot", Scenario::Rot)];
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What it was like, or which promise was broken, and how.
    pub told: Result<Report, String>,
    /// Everything that happened, if it was asked for.
    pub trace: Vec<String>,
}

/// Runs a seed. `text`: keep what happens to be read. `pool`: may be shared between runs, which saves time and changes nothing.
pub fn run(scenario: Scenario, seed: u64, text: bool, pool: &Pool) -> Outcome {
    let mut random = Random::new(seed);
    let mut plan = Plan::new(&mut random);
    if scenario == Scenario::Rot {
        plan.without_compaction();
    }
    let mut world = World::new(plan, random, Trace::new(text), pool.clone());
    world.checks.log.retention(world.plan.retention);
    world.checks.log.compacted(world.plan.compacted);
    cast(&mut world);
    let told = caught(&mut world, scenario).map(|()| world.report());
    Outcome { told, trace: world.trace.take_text() }
}

/// A panic is a broken promise too: an `assert!` of the broker's own.
fn caught(world: &mut World, scenario: Scenario) -> Checked {
    let tell = || match scenario {
        Scenario::Crash => world.run(),
        Scenario::Rot => rot::tell(world),
    };
    std::panic::catch_unwind(core::panic::AssertUnwindSafe(tell)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("a panic: {text}"))
    })
}

fn cast(world: &mut World) {
    let clients = world.plan.clients;
    let moves = clients.moves as u32;
    if clients.transactional > 0 {
        seat_transactional(world, moves);
        // In half of the runs they have the broker for themselves, so that more of them meet.
        if world.random.percent(50) {
            return;
        }
    }
    for name in 0..clients.plain + clients.idempotent {
        let idempotent = name >= clients.plain;
        world.seat(Box::new(Producer::new(name as usize, "orders", idempotent, moves, clients.longest)));
    }
    for _ in 0..clients.consumers {
        let in_process = world.random.percent(30);
        world.seat(Box::new(Consumer::new("readers", "orders", in_process, moves)));
    }
    if clients.connect > 0 {
        world.seat(Box::new(SourceTask::new(moves)));
        world.seat(Box::new(SinkTask::new()));
    }
    for _ in 0..clients.trimmers {
        world.seat(Box::new(Trimmer::new("orders", moves)));
    }
    for _ in 0..clients.admins {
        world.seat(Box::new(Admin::new(moves)));
    }
}

fn seat_transactional(world: &mut World, moves: u32) {
    let clients = world.plan.clients;
    for number in 0..clients.transactional {
        let name = format!("t{number}");
        let shared = world.random.percent(clients.shared_percent);
        let id = if shared { "shared" } else { name.as_str() };
        let (topic, timeout_ms) = (transactional::TOPIC, clients.transaction_ms as i32);
        world.seat(Box::new(Transactional::new(&name, id, topic, moves / 4 + 1, timeout_ms)));
        world.seat(Box::new(Committed::new(topic, moves)));
    }
    world.seat(Box::new(Producer::new(100, transactional::TOPIC, true, moves / 4, 100)));
}
