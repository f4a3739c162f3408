//! One run of a connector's instance: started, asked for its tasks, kept until it is stopped.
//!
//! Invariant: the last that is told of a run is `ConnectorStopped`, and then nothing of it is left.

use std::{sync::Arc, time::Duration};

use runtime_core::{
    config::{ConfigMap, variables::unresolve},
    herder::{Input, Run},
};
use runtime_host::{Connector, Env, Request};
use tokio::sync::mpsc;

use super::{
    Shared,
    task::{call_error, pairs},
};

/// As in Kafka, whatever `task.shutdown.graceful.timeout.ms` says.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Times in a row that an instance may ask for its tasks to be configured anew.
const MOST_RECONFIGURATIONS: u32 = 10;

/// What a new instance gets.
pub(super) struct Start {
    pub connector: String,
    pub run: Run,
    pub config: ConfigMap,
    pub max_tasks: u32,
    pub previous: Vec<ConfigMap>,
}

/// Runs an instance until it is told to stop or fails.
pub(super) async fn run(shared: Arc<Shared>, start: Start, mut stop: mpsc::Receiver<()>) {
    let (connector, run) = (start.connector.clone(), start.run);
    let lived = tokio::select! {
        lived = live(&shared, &start) => lived,
        _ = stop.recv() => return stopped(&shared, connector, run).await,
    };
    match lived {
        Ok(mut instance) => {
            // An error means that nobody can ask any more, which is as good as a stop.
            let _ = stop.recv().await;
            match tokio::time::timeout(STOP_TIME, instance.stop()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(connector, "the connector's stop failed: {}", error.trace()),
                Err(_) => tracing::warn!(connector, "the connector did not stop in time and is dropped"),
            }
        }
        Err(trace) => {
            let trace = shared.plugins.secrets(&start.config).hide(trace);
            tracing::error!(connector, "the connector has failed: {trace}");
            shared.tell.tell(Input::ConnectorFailed { connector: connector.clone(), run, trace }).await;
        }
    }
    // Said after a failure too: the herder may have asked for a stop at the same moment, and else it does not listen.
    stopped(&shared, connector, run).await;
}

async fn stopped(shared: &Shared, connector: String, run: Run) {
    shared.tell.tell(Input::ConnectorStopped { connector, run }).await;
}

/// Starts it and tells its tasks. The error is for the status.
async fn live(shared: &Shared, start: &Start) -> Result<Connector, String> {
    let resolved = shared.plugins.resolve(&start.config)?;
    let found = shared.plugins.find(&resolved).await?;
    let trace = |call: &'static str| move |error| call_error(error).trace(call);
    let class = found.plugin.info().classes(found.role).next().unwrap_or_default();
    shared.metrics.connector(&start.connector, class);
    let config = pairs(&resolved);
    let env = Env { connector: start.connector.clone(), config: config.clone(), ..Env::default() };
    let mut instance = found.plugin.connector(env).await.map_err(trace("connector"))?;
    instance.start(found.role, &config).await.map_err(trace("connector.start"))?;
    let mut previous = Vec::with_capacity(start.previous.len());
    for task in &start.previous {
        previous.push(pairs(&shared.plugins.resolve(task)?));
    }
    for _ in 0..MOST_RECONFIGURATIONS {
        let tasks = instance.task_configs(start.max_tasks, &previous).await.map_err(trace("connector.task-configs"))?;
        // What goes into the topic and to REST has the references, not what they stand for.
        let task = |task: &Vec<(String, String)>| unresolve(&task.iter().cloned().collect(), &start.config, &resolved);
        let configs = tasks.iter().map(task).collect();
        let (connector, run) = (start.connector.clone(), start.run);
        shared.tell.tell(Input::ConnectorStarted { connector, run, tasks: configs }).await;
        previous = tasks;
        let mut again = false;
        for request in instance.take_requests() {
            match request {
                Request::ReconfigureTasks => again = true,
                Request::Raise(error) => return Err(call_error(error.into()).trace("connector")),
                _ => {}
            }
        }
        if !again {
            return Ok(instance);
        }
    }
    Err(format!("the connector asked {MOST_RECONFIGURATIONS} times in a row for its tasks to be configured anew"))
}
