//! One run: a broker, its disk, its clients, and what happens next.
//!
//! Owns the clock and the choice of every step. What production leaves to threads and the network is chosen here, one piece
//! at a time, from one source of chance. Leaves what each piece does to `process`, starts and ends to
//! `life`, and what must be true to `check`.
//!
//! Invariant: a run is a function of its seed, its scenario and the code.

use broker_core::request::ConnId;
use broker_store::{
    buffer::Pool,
    disk::{DiskError, ErrorKind},
};

use crate::{
    broken,
    check::{Checked, Checks},
    disk::Disk,
    plan::Plan,
    process::{Answer, Arrival, Process},
    random::Random,
    trace::Trace,
    workload::{Client, Ids, Port},
};

mod life;

/// 2026-01-01, milliseconds since 1970.
const WALL: i64 = 1_767_225_600_000;

/// The world.
pub struct World {
    /// What this run is like.
    pub plan: Plan,
    /// Chance.
    pub random: Random,
    /// What happened.
    pub trace: Trace,
    /// What was promised.
    pub checks: Checks,
    /// The broker's disk.
    pub disk: Disk,
    /// The disk of everything else.
    pub outside: Disk,
    pool: Pool,
    process: Option<Process>,
    clients: Vec<Seat>,
    now: u64,
    wall: i64,
    ids: Ids,
    deaths: u64,
    winding_up: bool,
    lives: u64,
}

struct Seat {
    client: Box<dyn Client>,
    conn: ConnId,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Client,
    Turn,
    Journal,
    Segments,
    Prepare,
    Answer,
    Time,
    WriteBack,
    Cut,
    Death,
}

/// What a run was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sum over everything that happened.
    pub sum: u64,
    /// Steps.
    pub steps: u64,
    /// Starts of the broker.
    pub lives: u64,
    /// Batches that were promised.
    pub batches: usize,
}

impl Report {
    /// Both.
    pub fn add(&mut self, other: &Report) {
        self.sum ^= other.sum;
        self.steps += other.steps;
        self.lives += other.lives;
        self.batches += other.batches;
    }
}

impl World {
    /// A world with an empty disk.
    pub fn new(plan: Plan, mut random: Random, trace: Trace, pool: Pool) -> Self {
        let (disk, outside) = (Disk::new(random.fork()), Disk::new(random.fork()));
        Self {
            plan,
            random,
            trace,
            checks: Checks::default(),
            disk,
            outside,
            pool,
            process: None,
            clients: Vec::new(),
            now: 0,
            wall: WALL,
            ids: Ids::default(),
            deaths: 0,
            winding_up: false,
            lives: 0,
        }
    }

    /// Seats a client.
    pub fn seat(&mut self, client: Box<dyn Client>) {
        let conn = self.ids.conn();
        self.clients.push(Seat { client, conn });
    }

    /// The whole run: work with deaths, wind up without, a last restart, and everything is looked at once more.
    pub fn run(&mut self) -> Checked {
        self.work()?;
        self.end_and_start()
    }

    /// Work, with deaths as the plan has them, until everybody is done.
    pub fn work(&mut self) -> Checked {
        self.start()?;
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.wind_up()
    }

    /// Something happens, if anything can.
    fn step(&mut self) -> Checked {
        let step = self.choose();
        self.take(step)
    }

    fn choose(&mut self) -> Step {
        let Some(process) = &mut self.process else { return Step::Time };
        let weights = self.plan.weights;
        let when = |possible: bool, weight: u64| if possible { weight } else { 0 };
        let choices = [
            (Step::Client, when(!self.clients.is_empty(), weights.client)),
            (Step::Turn, when(process.has_turn(self.now), weights.turn)),
            (Step::Journal, when(process.has_journal_work(), weights.journal)),
            (Step::Segments, when(process.has_segment_work(), weights.segments)),
            (Step::Prepare, when(process.has_preparation(), weights.prepare)),
            (Step::Answer, when(!process.answers().is_empty(), weights.answer)),
            (Step::Time, weights.time),
            (Step::WriteBack, weights.write_back),
            (Step::Cut, when(!self.clients.is_empty(), weights.cut)),
            (Step::Death, when(self.deaths < self.plan.deaths, weights.death)),
        ];
        choices[self.random.weighted(&choices.map(|(_, weight)| weight))].0
    }

    fn take(&mut self, step: Step) -> Checked {
        match step {
            Step::Client => self.client_acts(),
            Step::Turn => self.turn(),
            Step::Journal => self.work_on("journal", Process::work_journal),
            Step::Segments => self.work_on("segments", Process::work_segments),
            Step::Prepare => self.prepare(),
            Step::Answer => self.answer(),
            Step::Time => self.pass_time(),
            Step::WriteBack => {
                self.trace.step(self.now, "write back", &[]);
                self.disk.write_back();
                self.outside.write_back();
                Ok(())
            }
            Step::Cut => {
                let at = self.random.below(self.clients.len() as u64) as usize;
                if !self.clients[at].client.lives_in_process() {
                    self.cut_off(at);
                }
                Ok(())
            }
            Step::Death => self.restart(),
        }
    }

    fn turn(&mut self) -> Checked {
        let most = self.random.between(1, self.plan.turn) as usize;
        self.trace.step(self.now, "turn", &[most as u64]);
        if let Some(process) = &mut self.process {
            process.turn(self.now, self.wall, most);
        }
        Ok(())
    }

    fn prepare(&mut self) -> Checked {
        self.trace.step(self.now, "prepare", &[]);
        if let Some(process) = &mut self.process {
            process.prepare();
        }
        if self.disk.is_crashed() { self.restart() } else { Ok(()) }
    }

    /// A thread does a piece of its work. Whatever stops a thread in production stops the process there.
    fn work_on(&mut self, who: &'static str, work: fn(&mut Process) -> Result<(), DiskError>) -> Checked {
        self.trace.step(self.now, who, &[self.disk.hash()]);
        let Some(process) = &mut self.process else { return Ok(()) };
        let mut done = work(process);
        if matches!(&done, Err(error) if error.kind == ErrorKind::Full) {
            self.trace.step(self.now, "full", &[]);
            done = process.work_around_full_journal();
            if self.random.percent(20) {
                self.disk.capacity(None);
            }
        }
        match done {
            Err(error) if error.kind != ErrorKind::Full => {
                self.trace.say(self.now, format_args!("{who}: {error}"));
                if self.winding_up {
                    broken!("{who} fails on a disk that does not: {error}");
                }
                self.restart()
            }
            _ => Ok(()),
        }
    }

    fn pass_time(&mut self) -> Checked {
        let next = self.next_timeout().filter(|at| *at > self.now);
        let short = self.now + self.random.between(1, 20);
        self.now = match next {
            Some(next) if self.random.percent(50) => next,
            _ => short,
        };
        // Wall clocks are set, forth and back; two of these together are less than the hour that a batch may be ahead.
        let jump = if self.random.percent(1) { self.random.below(2_400_000) as i64 - 1_200_000 } else { 0 };
        self.wall = (WALL + self.now as i64).max(self.wall + 1) + jump;
        self.trace.step(self.now, "time", &[]);
        Ok(())
    }

    fn next_timeout(&self) -> Option<u64> {
        let clients = self.clients.iter().filter_map(|seat| seat.client.timeout());
        self.process.as_ref().and_then(Process::timeout).into_iter().chain(clients).min()
    }

    fn client_acts(&mut self) -> Checked {
        let at = self.random.below(self.clients.len() as u64) as usize;
        self.with_client(at, |client, port| client.act(port))
    }

    fn answer(&mut self) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let at = self.random.below(process.answers().len() as u64) as usize;
        let Answer { conn, id, reply } = process.answers().remove(at);
        self.trace.step(self.now, "answer", &[conn.0, id.0]);
        self.trace.say(self.now, format_args!("    {reply:?}"));
        match self.clients.iter().position(|seat| seat.conn == conn) {
            Some(seat) => self.with_client(seat, |client, port| client.answered(port, id, reply)),
            // To somebody who has gone.
            None => Ok(()),
        }
    }

    fn with_client(&mut self, at: usize, act: impl FnOnce(&mut dyn Client, &mut Port<'_>) -> Checked) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let seat = &mut self.clients[at];
        let mut port = Port {
            now: self.now,
            wall: self.wall,
            random: &mut self.random,
            checks: &mut self.checks,
            trace: &mut self.trace,
            process,
            outside: &self.outside,
            conn: &mut seat.conn,
            ids: &mut self.ids,
        };
        act(seat.client.as_mut(), &mut port)?;
        if self.outside.is_crashed() { self.restart() } else { Ok(()) }
    }

    /// A connection breaks; the client gets another.
    fn cut_off(&mut self, at: usize) {
        let conn = self.ids.conn();
        let seat = &mut self.clients[at];
        let old = core::mem::replace(&mut seat.conn, conn);
        self.trace.step(self.now, "cut off", &[old.0, conn.0]);
        seat.client.cut_off();
        if let Some(process) = &mut self.process {
            process.arrive(Arrival::Disconnected(old));
        }
    }

    /// What the run was like.
    pub fn report(&self) -> Report {
        let sum = crate::trace::mix(self.trace.sum(), self.disk.hash() ^ self.outside.hash().rotate_left(7));
        Report { sum, steps: self.trace.steps(), lives: self.lives, batches: self.checks.log.count() }
    }
}
