//! The loop of a sink task: moves inputs and outputs between the machine, the instance and the cluster.
//!
//! Owns no decision. Invariant: at most one call is in the instance, and dropping the loop drops it and its membership.

use std::{future::Future, pin::Pin, sync::Arc};

use broker_core::request::{Fetch, Request};
use runtime_core::{
    consumer::FetchId,
    sink::{Answer, Call, Effect, Input, Lane, Output, Sink},
    task::Ended,
};
use runtime_host::{Env, Plugin, Request as Asked, SinkTask};
use tokio::task::JoinHandle;

use super::{
    settings,
    source::state_changes,
    task::{Context, Control, Pending, arrival, call_error, pairs, until},
};
use crate::cluster::Caller;

/// Runs the task to its end. The error is for the status.
pub(super) async fn run(context: &mut Context) -> Result<Ended, String> {
    let pace = context.shared.cluster.pace();
    let settings = settings::sink(&context.shared.config, &context.start, context.role(), context.plugin.info(), pace)?;
    let caller = context.caller(Some(settings.consumer.group.clone()));
    let fetcher = caller.fetcher();
    let mut machine = Sink::new(settings);
    let guest = Guest { plugin: context.plugin.clone(), env: context.env()?, task: None };
    let mut ways = Ways { caller, fetcher, group: None, task: None, call: None, idle: Some(guest), fetch: None };
    machine.handle(context.now(), Input::Tick);
    loop {
        while let Some(output) = machine.poll_output() {
            context.measure.sink_begins(&output);
            match output {
                Output::Say(said) => context.say(said).await,
                Output::End(ended) => return Ok(ended),
                Output::CancelFetch => ways.cancel_fetch(),
                other => ways.begin(other, context),
            }
        }
        let timeout = machine.poll_timeout().map(|at| context.instant(at));
        let deadline = context.deadline();
        let input = tokio::select! {
            (guest, input) = arrival(&mut ways.call) => {
                ways.idle = Some(guest);
                input
            }
            input = arrival(&mut ways.task) => input,
            input = arrival(&mut ways.group) => input,
            input = fetched(&mut ways.fetch) => {
                ways.fetch = None;
                input
            }
            Some(control) = context.control.recv() => match control {
                Control::Pause => Input::Pause,
                Control::Resume => Input::Resume,
                Control::Stop(grace) => {
                    context.stop_within(grace);
                    Input::Stop
                }
            },
            () = until(timeout) => Input::Tick,
            () = until(deadline) => return Ok(ways.give_up(context).await),
        };
        context.measure.sink_got(&input);
        machine.handle(context.now(), input);
    }
}

/// What is on its way, and how it gets there.
struct Ways {
    caller: Arc<dyn Caller>,
    /// Another caller, so that ending it ends a waiting fetch and not the membership.
    fetcher: Arc<dyn Caller>,
    group: Pending<Input>,
    task: Pending<Input>,
    call: Pending<(Guest, Input)>,
    idle: Option<Guest>,
    fetch: Option<Fetching>,
}

/// A fetch and the reading of its records run beside the connector's calls, on another thread if there is one.
struct Fetching {
    id: FetchId,
    task: JoinHandle<Input>,
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ways {
    fn begin(&mut self, output: Output, context: &Context) {
        match output {
            Output::Request(Lane::Group, request) => self.group = Some(self.ask(Lane::Group, request)),
            Output::Request(Lane::Task, request) => self.task = Some(self.ask(Lane::Task, request)),
            Output::Fetch(id, fetch) => {
                let task = tokio::spawn(run_fetch(self.fetcher.clone(), id, fetch));
                self.fetch = Some(Fetching { id, task });
            }
            Output::Call(call) => {
                let guest = self.idle.take().expect("one call at a time");
                let config = pairs(&context.start.config);
                self.call = Some(Box::pin(guest.call(call, config)));
            }
            Output::CancelFetch | Output::Say(_) | Output::End(_) => unreachable!("the loop does this itself"),
        }
    }

    fn ask(&self, lane: Lane, request: Request) -> Pin<Box<dyn Future<Output = Input> + Send>> {
        let caller = self.caller.clone();
        Box::pin(async move {
            match caller.request(request).await {
                Ok(reply) => Input::Reply(lane, reply),
                Err(error) => Input::Gone(format!("{error:#}")),
            }
        })
    }

    fn cancel_fetch(&mut self) {
        if self.fetch.take().is_some() {
            self.fetcher = self.caller.fetcher();
        }
    }

    /// The time for a stop is over: the instance goes as it is, but what is on its way about the task is waited for.
    async fn give_up(mut self, context: &Context) -> Ended {
        tracing::warn!(task = %context.start.task, "the task did not stop in time and is dropped");
        self.call = None;
        if self.task.is_some() {
            arrival(&mut self.task).await;
        }
        Ended::Stopped
    }
}

async fn run_fetch(caller: Arc<dyn Caller>, id: FetchId, fetch: Fetch) -> Input {
    match caller.fetch(fetch).await {
        Ok(fetched) => Input::Fetched(id, fetched),
        Err(error) => Input::Gone(format!("{error:#}")),
    }
}

async fn fetched(fetch: &mut Option<Fetching>) -> Input {
    match fetch {
        Some(fetching) => {
            let id = fetching.id;
            let ended = |ended: tokio::task::JoinError| Input::Fetched(id, Err(format!("reading them ended: {ended}")));
            (&mut fetching.task).await.unwrap_or_else(ended)
        }
        None => std::future::pending().await,
    }
}

/// The instance, made when it is started.
struct Guest {
    plugin: Plugin,
    env: Env,
    task: Option<SinkTask>,
}

impl Guest {
    async fn call(mut self, call: Call, config: Vec<(String, String)>) -> (Self, Input) {
        let outcome = self.answer(call, &config).await.map_err(call_error);
        let task = self.task.as_mut();
        let state = task.map(|task| state_changes(task.take_state_changes())).unwrap_or_default();
        let asked = self.task.as_mut().map(SinkTask::take_requests).unwrap_or_default();
        let effects = asked.into_iter().filter_map(effect).collect();
        (self, Input::Called { outcome, state, effects })
    }

    async fn answer(&mut self, call: Call, config: &[(String, String)]) -> Result<Answer, runtime_host::HostError> {
        if let Call::Start { state } = call {
            self.env.state = state.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
            let task = self.task.insert(self.plugin.sink_task(self.env.clone()).await?);
            return task.start(config).await.map(|()| Answer::Done);
        }
        let task = self.task.as_mut().expect("the machine starts the task before it calls it");
        match call {
            Call::Start { .. } => unreachable!("started above"),
            Call::Open(tps) => task.open(&tps).await.map(|()| Answer::Done),
            Call::Put(records) => task.put(&records).await.map(Answer::Put),
            Call::PreCommit(current) => task.pre_commit(&current).await.map(Answer::PreCommit),
            Call::Close(tps) => task.close(&tps).await.map(|()| Answer::Done),
            Call::Stop => task.stop().await.map(|()| Answer::Done),
        }
    }
}

/// What a sink may ask for; the rest is for connectors.
fn effect(asked: Asked) -> Option<Effect> {
    Some(match asked {
        Asked::RetryAfter(ms) => Effect::RetryAfter(ms),
        Asked::Commit => Effect::RequestCommit,
        Asked::Pause(tps) => Effect::Pause(tps),
        Asked::Resume(tps) => Effect::Resume(tps),
        Asked::Seek(offsets) => Effect::Seek(offsets),
        Asked::Errant { index, error } => Effect::Errant(index, error),
        Asked::ReconfigureTasks | Asked::Raise(_) => return None,
    })
}
