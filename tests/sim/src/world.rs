//! One run: a broker, its disk, its clients, and what happens next.
//!
//! Owns the clock, the choice of every step, and deaths. What production leaves to threads and the network is chosen here, one piece
//! at a time, from one source of chance. Leaves what each piece does to `process`, and what must be true to `check`.
//!
//! Invariant: a run is a function of its seed, its scenario and the code.

use broker_core::{limits, request::ConnId};
use broker_store::{
    buffer::Pool,
    disk::{DiskError, ErrorKind},
};

use crate::{
    audit::{Damage, Moment, audit},
    broken,
    check::{Checked, Checks},
    disk::{Death, Disk, WRITE_DURABLY},
    plan::{Plan, Weights},
    process::{Answer, Arrival, Process, StartError},
    random::Random,
    trace::Trace,
    workload::{Client, Ids, Port, sink},
};

/// Steps in which a run that winds up must come to rest.
const WIND_UP_STEPS: u64 = 50_000;
/// Deaths during one recovery, at most.
const DEATHS_IN_A_ROW: u64 = 3;
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

    /// Starts the broker, through deaths during recovery, and looks at what it has kept.
    pub fn start(&mut self) -> Checked {
        for attempt in 0.. {
            if attempt < DEATHS_IN_A_ROW && self.may_die() && self.random.percent(15) {
                let calls = self.random.below(40);
                self.disk.crash_inside(None, calls);
            }
            match self.try_start() {
                Ok(process) => {
                    self.process = Some(process);
                    break;
                }
                Err(error) if self.disk.is_crashed() => {
                    self.trace.say(self.now, format_args!("died while starting: {error}"));
                    self.die();
                }
                Err(StartError::Store(broker_store::recover::RecoverError::Disk(error)))
                    if error.kind == ErrorKind::Full =>
                {
                    self.disk.capacity(None);
                }
                Err(error) => broken!("the broker does not start: {error}"),
            }
        }
        self.disk.be_kind();
        self.checks.groups.restarted();
        self.audit(Damage::None)?;
        self.plan_this_life();
        Ok(())
    }

    /// Takes a broker that has started, and looks at what it has kept.
    pub fn go_on(&mut self, process: Process, damage: Damage) -> Checked {
        self.process = Some(process);
        self.checks.groups.restarted();
        self.audit(damage)
    }

    /// One start.
    pub fn try_start(&mut self) -> Result<Process, StartError> {
        self.lives += 1;
        let settings = self.plan.settings(&mut self.random);
        self.trace.step(self.now, "start", &[self.lives, self.disk.hash()]);
        Process::start(&self.disk, settings, self.plan.sizes, self.pool.clone(), self.now)
    }

    /// Looks at everything the broker says it has.
    fn audit(&mut self, damage: Damage) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let moment = Moment { now: self.now, wall: self.wall, all_done: self.winding_up, damage };
        let sum = audit(process, &mut self.checks, &moment)?;
        if self.winding_up {
            self.checks.connect.in_file(&sink::lines(&self.outside), true)?;
        }
        self.trace.step(self.now, "audit", &[sum, self.checks.log.count() as u64]);
        Ok(())
    }

    fn plan_this_life(&mut self) {
        if self.may_die() && self.random.percent(self.plan.inside_percent) {
            let calls = self.random.below(self.plan.calls);
            match self.random.below(10) {
                0 => self.outside.crash_inside(None, calls),
                1..4 => self.disk.crash_inside(None, calls),
                _ => self.disk.crash_inside(Some(WRITE_DURABLY), calls / 5),
            }
        }
        if self.may_die() && self.random.percent(self.plan.fail_percent) {
            let calls = self.random.below(self.plan.calls);
            self.disk.fail_after(calls);
        }
        let full = self.random.percent(self.plan.full_percent);
        let capacity = full.then(|| self.disk.used() + self.random.below(100_000));
        self.disk.capacity(capacity);
    }

    fn may_die(&self) -> bool {
        self.deaths < self.plan.deaths
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
        // Wall clocks are set, forth and back.
        let jump = if self.random.percent(1) { self.random.below(7_200_000) as i64 - 3_600_000 } else { 0 };
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

    /// The machine or the process is gone, and comes back.
    fn restart(&mut self) -> Checked {
        self.die();
        self.start()
    }

    fn die(&mut self) {
        let death = if self.random.percent(self.plan.kill_percent) { Death::Kill } else { Death::PowerCut };
        self.die_by(death);
    }

    /// The machine dies.
    pub fn die_by(&mut self, death: Death) {
        self.deaths += 1;
        self.trace.step(self.now, "death", &[u64::from(death == Death::PowerCut), self.disk.hash()]);
        self.process = None;
        self.disk = self.disk.restart(death);
        self.outside = self.outside.restart(death);
        self.now += self.random.below(100);
        for at in 0..self.clients.len() {
            self.cut_off(at);
        }
    }

    /// No more faults; everybody finishes what was begun.
    fn wind_up(&mut self) -> Checked {
        self.disk.be_kind();
        self.outside.be_kind();
        self.disk.capacity(None);
        self.plan.deaths = 0;
        self.winding_up = true;
        self.plan.weights = Weights::winding_up();
        self.clients.iter_mut().for_each(|seat| seat.client.wind_up());
        for _ in 0..WIND_UP_STEPS {
            if self.is_at_rest() {
                return Ok(());
            }
            self.step()?;
        }
        let waiting: Vec<_> =
            self.clients.iter().filter(|seat| !seat.client.is_done()).map(|seat| &seat.client).collect();
        broken!("the run does not come to rest; waiting: {waiting:?}")
    }

    /// Everything is written and sealed, so that nothing is in doubt.
    pub fn rest(&mut self) -> Checked {
        for _ in 0..4 {
            self.now += 2 * limits::SEAL_MS;
            self.turn()?;
            while self.process.as_ref().is_some_and(|process| !process.is_quiet()) {
                self.work_on("journal", Process::work_journal)?;
                self.work_on("segments", Process::work_segments)?;
                // To fetches that nobody waits for any more.
                self.process.iter_mut().for_each(|process| process.answers().clear());
                self.turn()?;
            }
        }
        Ok(())
    }

    fn is_at_rest(&self) -> bool {
        let done = self.clients.iter().all(|seat| seat.client.is_done());
        done && self.process.as_ref().is_some_and(Process::is_quiet)
    }

    /// The last end: a clean stop, or a death after which nothing may be missing either.
    fn end_and_start(&mut self) -> Checked {
        self.audit(Damage::None)?;
        if self.random.percent(self.plan.stop_percent) {
            self.stop()?;
        }
        self.restart()
    }

    /// A clean stop.
    fn stop(&mut self) -> Checked {
        self.trace.step(self.now, "stop", &[]);
        if let Some(process) = &mut self.process {
            process.arrive(Arrival::Stop);
        }
        for _ in 0..WIND_UP_STEPS {
            if self.process.as_ref().is_some_and(Process::may_stop) {
                let process = self.process.take();
                let closed = process.map_or(Ok(()), Process::close);
                return closed.map_err(|error| format!("the journal cannot be closed: {error}"));
            }
            self.step()?;
        }
        broken!("the broker does not stop")
    }

    /// What the run was like.
    pub fn report(&self) -> Report {
        let sum = crate::trace::mix(self.trace.sum(), self.disk.hash() ^ self.outside.hash().rotate_left(7));
        Report { sum, steps: self.trace.steps(), lives: self.lives, batches: self.checks.log.count() }
    }
}
