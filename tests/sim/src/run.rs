//! A seed, run.
//!
//! Owns the cast of a run. Invariant: `run(seed)` gives the same every time.

use broker_store::buffer::Pool;

use crate::{
    plan::Plan,
    random::Random,
    trace::Trace,
    workload::{admin::Admin, consumer::Consumer, producer::Producer, sink::SinkTask, source::SourceTask},
    world::{Report, World},
};

/// A run that broke a promise.
#[derive(Debug)]
pub struct Failure {
    /// What.
    pub why: String,
    /// Everything that happened, if it was asked for.
    pub trace: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, text: bool, pool: &Pool) -> Result<Report, Failure> {
    let mut random = Random::new(seed);
    let plan = Plan::new(&mut random);
    let mut world = World::new(plan, random, Trace::new(text), pool.clone());
    cast(&mut world);
    let outcome = world.run();
    outcome.map_err(|why| Failure { why, trace: world.trace.text().to_vec() })
}

fn cast(world: &mut World) {
    let clients = world.plan.clients;
    for name in 0..clients.plain + clients.idempotent {
        let producer =
            Producer::new(name as usize, "orders", name >= clients.plain, clients.moves as u32, clients.longest);
        world.seat(Box::new(producer));
    }
    for _ in 0..clients.consumers {
        let in_process = world.random.percent(30);
        world.seat(Box::new(Consumer::new("readers", "orders", in_process, clients.moves as u32)));
    }
    if clients.connect > 0 {
        world.seat(Box::new(SourceTask::new(clients.moves as u32)));
        world.seat(Box::new(SinkTask::new()));
    }
    for _ in 0..clients.admins {
        world.seat(Box::new(Admin::new(clients.moves as u32)));
    }
}
