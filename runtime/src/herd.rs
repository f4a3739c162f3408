//! The herder's owner: one task that puts inputs into the machine and does what comes out.
//!
//! Owns the queue to it and the order of its writes to `connect-configs` and `connect-status`. Leaves decisions to
//! `runtime_core::herder`, tasks and connector instances to `worker`. Invariant: the machine is touched here and nowhere else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use runtime_core::herder::{Answer, Herder, Input, Now, Operation, Output, Refusal, RefusalKind, RequestId};
use tokio::sync::{mpsc, oneshot};

use crate::{cluster::Cluster, plugins::Plugins, worker::Worker};

mod status;

use status::StatusWriter;

/// Inputs that may wait for the herder's turn.
const QUEUE: usize = 1024;

type Question = Box<dyn FnOnce(&Herder) + Send>;
type Outcome = Result<Answer, Refusal>;

enum Message {
    Ask(Operation, oneshot::Sender<Outcome>),
    Query(Question),
    Input(Input),
    Stop(oneshot::Sender<()>),
}

/// Names of the topics that the herder writes.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `config.storage.topic`.
    pub configs: String,
    /// `status.storage.topic`.
    pub status: String,
}

/// A way to ask the herder; cheap to clone.
#[derive(Clone)]
pub struct Herd {
    messages: mpsc::Sender<Message>,
    ready: Arc<AtomicBool>,
}

impl Herd {
    /// Starts the owner. `herder` has replayed the internal topics. `worker` is given the way back for what its tasks tell.
    pub fn start(
        herder: Herder,
        cluster: Arc<dyn Cluster>,
        tables: Tables,
        plugins: Arc<Plugins>,
        worker: impl FnOnce(Teller) -> Worker,
    ) -> Herd {
        let (messages, messages_in) = mpsc::channel(QUEUE);
        let herd = Herd { messages: messages.clone(), ready: Arc::new(AtomicBool::new(false)) };
        let status = StatusWriter::start(cluster.clone(), tables.status);
        let owner = Owner {
            herder,
            cluster,
            configs: tables.configs,
            plugins,
            worker: worker(Teller(messages.clone())),
            messages_in,
            tell: Teller(messages),
            status,
            asked: Default::default(),
            next_request: 0,
            stopping: Vec::new(),
            started: Instant::now(),
        };
        tokio::spawn(owner.run());
        herd
    }

    /// Asks for something that changes a connector or has to wait; the answer comes when it is done.
    pub async fn ask(&self, operation: Operation) -> Outcome {
        self.begin(operation).await.answer().await
    }

    /// Asks, and leaves waiting for the answer to the caller. Requests are taken in in the order of these calls.
    pub async fn begin(&self, operation: Operation) -> Asked {
        let (sender, receiver) = oneshot::channel();
        // A herder that is gone drops the sender, and the answer says so.
        let _ = self.messages.send(Message::Ask(operation, sender)).await;
        Asked(receiver)
    }

    /// Reads something that is known at once.
    pub async fn query<T: Default + Send + 'static>(&self, question: impl FnOnce(&Herder) -> T + Send + 'static) -> T {
        let (sender, receiver) = oneshot::channel();
        let question = Box::new(move |herder: &Herder| {
            // Who asked may have gone away.
            let _ = sender.send(question(herder));
        });
        if self.messages.send(Message::Query(question)).await.is_err() {
            return T::default();
        }
        receiver.await.unwrap_or_default()
    }

    /// Puts an input in.
    pub async fn tell(&self, input: Input) {
        // A herder that is gone needs to be told nothing.
        let _ = self.messages.send(Message::Input(input)).await;
    }

    /// Says that start-up is complete.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// True once start-up is complete.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Stops every connector and task, and returns when nothing of them is left.
    pub async fn stop(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.messages.send(Message::Stop(sender)).await.is_ok() {
            // An error means that the owner is gone, and everything with it.
            let _ = receiver.await;
        }
    }
}

/// A request that was made.
pub struct Asked(oneshot::Receiver<Outcome>);

impl Asked {
    /// Waits for the answer.
    pub async fn answer(self) -> Outcome {
        let gone = |_| Refusal::new(RefusalKind::Failed, "The worker is shutting down.");
        self.0.await.map_err(gone)?
    }
}

/// The way back to the herder for tasks and connector instances; cheap to clone.
#[derive(Clone)]
pub struct Teller(mpsc::Sender<Message>);

impl Teller {
    /// Puts an input in.
    pub async fn tell(&self, input: Input) {
        // A herder that is gone needs to be told nothing.
        let _ = self.0.send(Message::Input(input)).await;
    }
}

struct Owner {
    herder: Herder,
    cluster: Arc<dyn Cluster>,
    configs: String,
    plugins: Arc<Plugins>,
    worker: Worker,
    messages_in: mpsc::Receiver<Message>,
    tell: Teller,
    status: StatusWriter,
    asked: BTreeMap<RequestId, oneshot::Sender<Outcome>>,
    next_request: u64,
    stopping: Vec<oneshot::Sender<()>>,
    started: Instant,
}

impl Owner {
    async fn run(mut self) {
        loop {
            self.drain().await;
            if !self.stopping.is_empty() && self.herder.is_idle() {
                return self.end().await;
            }
            let timeout = self.herder.poll_timeout().map(|at| self.started + Duration::from_millis(at.0));
            tokio::select! {
                message = self.messages_in.recv() => match message {
                    Some(message) => self.take(message),
                    None => return,
                },
                () = sleep_until(timeout) => self.handle(Input::Tick),
            }
        }
    }

    async fn end(self) {
        // What was said last of connectors and tasks shall be in the topic.
        self.status.close().await;
        for stopped in self.stopping {
            // Who asked may have gone away.
            let _ = stopped.send(());
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Ask(operation, reply) => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.asked.insert(id, reply);
                self.handle(Input::Request { id, operation });
            }
            Message::Query(question) => question(&self.herder),
            Message::Input(input) => {
                self.worker.observe(&input);
                self.handle(input);
            }
            Message::Stop(stopped) => {
                self.stopping.push(stopped);
                self.handle(Input::Stop);
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let now = Now(self.started.elapsed().as_millis() as u64);
        self.herder.handle(now, input);
    }

    async fn drain(&mut self) {
        while let Some(output) = self.herder.poll_output() {
            match output {
                Output::Reply { id, outcome } => {
                    if let Some(reply) = self.asked.remove(&id) {
                        let _ = reply.send(outcome);
                    }
                }
                Output::Validate { id, connector, config } => {
                    let (plugins, tell) = (self.plugins.clone(), self.tell.clone());
                    tokio::spawn(async move {
                        let outcome = plugins.judge(config).await.map(|unknown| {
                            unknown.iter().for_each(|key| tracing::warn!("connector \"{connector}\": {}", key.says));
                        });
                        if let Some(catalogue) = plugins.news() {
                            tell.tell(Input::Catalogue(catalogue)).await;
                        }
                        tell.tell(Input::Validated { id, outcome }).await;
                    });
                }
                Output::WriteConfigs { write, records } => {
                    let (cluster, topic, tell) = (self.cluster.clone(), self.configs.clone(), self.tell.clone());
                    tokio::spawn(async move {
                        let input = match cluster.write_table(&topic, records).await {
                            Ok(()) => Input::Written(write),
                            Err(error) => {
                                tracing::warn!("the configs of connectors cannot be written: {error:#}");
                                Input::WriteFailed { write, reason: format!("{error:#}") }
                            }
                        };
                        tell.tell(input).await;
                    });
                }
                Output::WriteStatus(records) => self.status.write(records),
                other => self.worker.execute(other),
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
