//! Starts, deaths and ends of the broker.
//!
//! Owns when a life begins and how it ends, and what is looked at in between. Leaves what happens during a life to [`super`].
//! Invariant: after every start everything that was promised is looked for before anybody is served.

use broker_core::limits;
use broker_store::disk::{Disk as _, ErrorKind};

use super::World;
use crate::{
    audit::{Damage, Moment, audit},
    broken,
    check::Checked,
    disk::{Death, WRITE_DURABLY},
    plan::Weights,
    process::{Arrival, Process, StartError},
    workload::sink,
};

/// Steps in which a run that winds up must come to rest.
const WIND_UP_STEPS: u64 = 50_000;
/// Deaths during one recovery, at most.
const DEATHS_IN_A_ROW: u64 = 3;

impl World {
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
        self.audit(Damage::None)?;
        self.plan_this_life();
        Ok(())
    }

    /// Takes a broker that has started, and looks at what it has kept.
    pub fn go_on(&mut self, process: Process, damage: Damage) -> Checked {
        self.process = Some(process);
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

    pub(super) fn may_die(&self) -> bool {
        self.deaths < self.plan.deaths
    }

    /// The machine or the process is gone, and comes back.
    pub(super) fn restart(&mut self) -> Checked {
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
    pub(super) fn wind_up(&mut self) -> Checked {
        self.disk.be_kind();
        self.outside.be_kind();
        self.disk.capacity(None);
        self.plan.deaths = 0;
        self.winding_up = true;
        self.plan.weights = Weights::winding_up();
        self.clients.iter_mut().for_each(|seat| seat.client.wind_up());
        for _ in 0..WIND_UP_STEPS {
            if self.is_at_rest() {
                return self.no_folder_is_left();
            }
            self.step()?;
        }
        // What somebody waits for may be lost.
        self.audit(Damage::None)?;
        let waiting: Vec<_> =
            self.clients.iter().filter(|seat| !seat.client.is_done()).map(|seat| &seat.client).collect();
        broken!("the run does not come to rest; waiting: {waiting:?}")
    }

    /// A deleted topic leaves no folder behind.
    fn no_folder_is_left(&self) -> Checked {
        let names = self.disk.list("").map_err(|error| error.to_string())?;
        let gone = |name: &&String| name.rsplit_once('-').is_some_and(|(topic, _)| self.checks.topics.is_gone(topic));
        match names.iter().find(gone) {
            Some(name) => Err(format!("the folder {name} is there still, and its topic is deleted")),
            None => Ok(()),
        }
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
    pub(super) fn end_and_start(&mut self) -> Checked {
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
}
