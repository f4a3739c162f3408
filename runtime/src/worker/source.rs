//! The loop of a source task: moves inputs and outputs between the machine, the instance and the cluster.
//!
//! Owns no decision. Invariant: at most one call is in the instance, and dropping the loop drops it.

use std::sync::Arc;

use runtime_core::{
    exchange::Polled,
    source::{Call, Input, Output, Source},
    task::{CallError, Ended, StateChange},
};
use runtime_host::{Env, Plugin, SourceTask, Stdin};

use super::{
    settings,
    task::{Context, Control, Pending, arrival, call_error, pairs, until},
    watch::Watched,
};
use crate::cluster::{Caller, wall_ms};

/// Runs the task to its end. The error is for the status.
pub(super) async fn run(context: &mut Context) -> Result<Ended, String> {
    let settings = settings::source(&context.shared.config, &context.start, context.role())?;
    let caller = context.caller(None);
    let mut machine = Source::new(settings);
    let mut guest = Guest::new(context)?;
    let stdin = guest.env.stdin.clone();
    let mut request: Pending<Input> = None;
    let mut call: Pending<(Guest, Input)> = None;
    let mut idle_guest = None;
    let mut watched = context.shared.watch.nothing();
    machine.handle(context.now(), Input::Tick);
    guest.config = pairs(&context.start.config);
    idle_guest.replace(guest);
    loop {
        while let Some(output) = machine.poll_output() {
            context.measure.source_begins(&output);
            match output {
                Output::Request(asked) => request = Some(ask(caller.clone(), asked)),
                Output::Call(asked) => {
                    let guest: Guest = idle_guest.take().expect("one call at a time");
                    call = Some(Box::pin(guest.call(asked)));
                }
                Output::Say(said) => context.say(said).await,
                Output::End(ended) => return Ok(ended),
            }
        }
        let timeout = machine.poll_timeout().map(|at| context.instant(at));
        let deadline = context.deadline();
        let input = tokio::select! {
            (guest, mut input) = arrival(&mut call) => {
                watched.set(guest.watched_paths());
                if let Input::Polled { outcome: Ok(Polled::Idle(ms)), .. } = &mut input {
                    *ms = watched.longest_idle_ms().map_or(*ms, |longest| longest.min(*ms));
                }
                idle_guest = Some(guest);
                input
            }
            input = arrival(&mut request) => input,
            Some(control) = context.control.recv() => match control {
                Control::Pause => Input::Pause,
                Control::Resume => Input::Resume,
                Control::Stop(grace) => {
                    context.stop_within(grace);
                    Input::Stop
                }
            },
            () = changed(&mut watched, stdin.as_ref()) => Input::Wake,
            () = until(timeout) => Input::Tick,
            () = until(deadline) => return Ok(give_up(context, call, request).await),
        };
        context.measure.source_got(&input);
        machine.handle(context.now(), input);
    }
}

fn ask(
    caller: Arc<dyn Caller>,
    request: broker_core::request::Request,
) -> std::pin::Pin<Box<dyn Future<Output = Input> + Send>> {
    Box::pin(async move {
        match caller.request(request).await {
            Ok(reply) => Input::Reply(reply),
            Err(error) => Input::Gone(format!("{error:#}")),
        }
    })
}

async fn changed(watched: &mut Watched, stdin: Option<&Stdin>) {
    match stdin {
        Some(stdin) => stdin.readable().await,
        None => watched.changed().await,
    }
}

/// The time for a stop is over: the instance goes as it is, but what is on its way to the cluster is waited for.
async fn give_up(context: &Context, call: Pending<(Guest, Input)>, mut request: Pending<Input>) -> Ended {
    tracing::warn!(task = %context.start.task, "the task did not stop in time and is dropped");
    drop(call);
    if request.is_some() {
        arrival(&mut request).await;
    }
    Ended::Stopped
}

/// The instance, made when it is started.
struct Guest {
    plugin: Plugin,
    env: Env,
    config: Vec<(String, String)>,
    task: Option<SourceTask>,
}

impl Guest {
    fn new(context: &Context) -> Result<Self, String> {
        Ok(Self { plugin: context.plugin.clone(), env: context.env()?, config: Vec::new(), task: None })
    }

    fn watched_paths(&self) -> Vec<std::path::PathBuf> {
        self.task.as_ref().map(SourceTask::watched_paths).unwrap_or_default()
    }

    async fn call(mut self, call: Call) -> (Self, Input) {
        let input = match call {
            Call::Start { state, offsets } => {
                self.env.state = state.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
                self.env.offsets = offsets.into_iter().collect();
                Input::Called(self.start().await)
            }
            Call::Poll { seq, max_records, max_bytes } => self.poll(seq, max_records, max_bytes).await,
            Call::OnAck { acks, .. } => Input::Called(self.task().on_ack(&acks).await.map_err(call_error)),
            Call::Commit => Input::Called(self.task().commit().await.map_err(call_error)),
            Call::Stop => Input::Called(self.task().stop().await.map_err(call_error)),
        };
        (self, input)
    }

    async fn start(&mut self) -> Result<(), CallError> {
        let mut task = self.plugin.source_task(self.env.clone()).await.map_err(call_error)?;
        let started = task.start(&self.config).await.map_err(call_error);
        self.task = Some(task);
        started
    }

    async fn poll(&mut self, seq: u64, max_records: u32, max_bytes: u32) -> Input {
        let task = self.task();
        let outcome = task.poll(seq, max_records, max_bytes).await.map_err(call_error);
        Input::Polled { outcome, state: state_changes(task.take_state_changes()), wall: wall_ms() }
    }

    fn task(&mut self) -> &mut SourceTask {
        self.task.as_mut().expect("the machine starts the task before it calls it")
    }
}

/// What a task changed of its state, as the cluster takes it.
pub(super) fn state_changes(changes: std::collections::BTreeMap<String, Option<Vec<u8>>>) -> Vec<StateChange> {
    changes.into_iter().map(|(key, value)| (key, value.map(bytes::Bytes::from))).collect()
}
