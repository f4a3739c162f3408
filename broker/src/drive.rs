//! The core loop: the only thread that touches the core, and decides nothing.
//!
//! Owns the clock it hands in, the queue it takes from, and the replies it sends. Leaves disk work to `journal` and `segments`,
//! whose results come back as inputs. Invariant: the core's law (handle, drain outputs, wait) is kept here and nowhere else.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use broker_core::{
    Broker, Input, Output,
    request::{ConnId, Reply, RequestId},
    time::{Now, Wall},
};
use tokio::sync::{mpsc, oneshot};

use crate::{handle::Command, journal, segments};

/// What a disk thread tells the core loop.
pub(crate) enum Done {
    /// Something is done.
    Input(Input),
    /// Nothing more will be: the thread ends with an error.
    GivenUp,
}

/// Passes a disk thread's outcome on, and tells the core loop if it is an error.
pub(crate) fn or_give_up(finished: &mpsc::UnboundedSender<Done>, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    if outcome.is_err() {
        // Without a core loop there is nobody to tell.
        let _ = finished.send(Done::GivenUp);
    }
    outcome
}

/// Inputs taken in before the outputs are drained: what they decide goes into one journal entry.
const TURN: usize = 256;

pub(crate) struct Drive {
    pub broker: Broker,
    pub commands: mpsc::Receiver<Command>,
    pub finished: mpsc::UnboundedReceiver<Done>,
    pub journal: journal::Sender,
    pub segments: segments::Sender,
    pub started: Instant,
    waiting: HashMap<RequestId, Waiting>,
    next_request: u64,
    closed: bool,
}

struct Waiting {
    conn: ConnId,
    reply: oneshot::Sender<Reply>,
}

impl Drive {
    pub fn new(
        broker: Broker,
        commands: mpsc::Receiver<Command>,
        finished: mpsc::UnboundedReceiver<Done>,
        journal: journal::Sender,
        segments: segments::Sender,
        started: Instant,
    ) -> Self {
        Self {
            broker,
            commands,
            finished,
            journal,
            segments,
            started,
            waiting: HashMap::new(),
            next_request: 0,
            closed: false,
        }
    }

    /// Runs until a stop was asked for and everything is safe, or a disk thread has given up.
    pub async fn run(mut self) {
        self.drain();
        while !self.broker.may_stop() {
            let timeout = self.broker.poll_timeout().map(|at| self.started + Duration::from_millis(at.0));
            let wants_requests = self.broker.wants_requests();
            tokio::select! {
                biased;
                input = self.finished.recv() => match input {
                    Some(Done::Input(input)) => self.handle(input),
                    Some(Done::GivenUp) | None => break,
                },
                command = self.commands.recv(), if wants_requests && !self.closed => match command {
                    Some(command) => self.command(command),
                    None => {
                        // Nobody is left who could ask: the same as being told to stop.
                        self.closed = true;
                        self.handle(Input::Stopping);
                    }
                },
                () = sleep_until(timeout) => {
                    let now = self.now();
                    self.broker.handle_timeout(now);
                }
            }
            self.take_what_is_there();
            self.drain();
        }
        self.journal.close(self.broker.last_checkpoint());
    }

    /// More requests that are there already: they share the next entry.
    fn take_what_is_there(&mut self) {
        for _ in 0..TURN {
            if self.broker.wants_requests()
                && let Ok(command) = self.commands.try_recv()
            {
                self.command(command);
            } else {
                return;
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Request { conn, request, reply } => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.waiting.insert(id, Waiting { conn, reply });
                self.handle(Input::Request { conn, id, request });
            }
            Command::Disconnected(conn) => {
                self.handle(Input::Disconnected(conn));
                self.waiting.retain(|_, waiting| waiting.conn != conn);
            }
            Command::Stop => self.handle(Input::Stopping),
        }
    }

    fn handle(&mut self, input: Input) {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = self.now();
        self.broker.handle(now, Wall(wall.as_millis() as i64), input);
    }

    fn drain(&mut self) {
        let now = self.now();
        while let Some(output) = self.broker.poll_output(now) {
            match output {
                Output::Reply { id, reply, .. } => {
                    if let Some(waiting) = self.waiting.remove(&id) {
                        // Who asked may have gone away meanwhile.
                        let _ = waiting.reply.send(reply);
                    }
                }
                Output::Journal(entry) => self.journal.write(entry),
                Output::WriteSegments(writes) => self.segments.write(writes),
                Output::Checkpoint(checkpoint) => self.segments.checkpoint(checkpoint),
                Output::RemoveSegments(removals) => self.segments.remove(removals),
                Output::Clean(step) => self.segments.clean(step),
                Output::DeleteLogs(dirs) => self.segments.delete(dirs),
            }
        }
    }

    fn now(&self) -> Now {
        Now(self.started.elapsed().as_millis() as u64)
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
