//! What a connector shall do: pause, resume, stop, restart; and the topics it has used.

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use runtime_core::{
    herder::{Answer, Operation, TargetState},
    rest::TaskId,
};
use serde::Deserialize;

use super::{App, Failure, connectors::task_number, json};

pub async fn pause(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    target(&app, name, TargetState::Paused, StatusCode::ACCEPTED).await
}

pub async fn resume(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    target(&app, name, TargetState::Started, StatusCode::ACCEPTED).await
}

pub async fn stop(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    target(&app, name, TargetState::Stopped, StatusCode::NO_CONTENT).await
}

async fn target(app: &App, connector: String, target: TargetState, done: StatusCode) -> Result<StatusCode, Failure> {
    app.herd.ask(Operation::SetTarget { connector, target }).await?;
    Ok(done)
}

/// Whatever is not `true` is false, as in Kafka.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RestartQuery {
    #[serde(rename = "includeTasks")]
    include_tasks: String,
    #[serde(rename = "onlyFailed")]
    only_failed: String,
}

pub async fn restart(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<RestartQuery>,
) -> Result<Response, Failure> {
    let is_true = |value: &str| value.eq_ignore_ascii_case("true");
    let (include_tasks, only_failed) = (is_true(&query.include_tasks), is_true(&query.only_failed));
    match app.herd.ask(Operation::Restart { connector: name, include_tasks, only_failed }).await? {
        Answer::Restarting(status) => Ok(json(StatusCode::ACCEPTED, &status)),
        _ => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

pub async fn restart_task(
    State(app): State<App>,
    Path((name, task)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let task = task_number(&name, &task)?;
    app.herd.ask(Operation::RestartTask(TaskId { connector: name, task })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What workers of a group tell each other; a standalone worker refuses it as Kafka's does.
pub async fn set_tasks() -> Failure {
    let why = "Kafka Connect in standalone mode does not support externally setting task configurations.";
    Failure(StatusCode::INTERNAL_SERVER_ERROR, why.into())
}

/// As [`set_tasks`].
pub async fn fence() -> Failure {
    let why = "Kafka Connect in standalone mode does not support exactly-once source connectors.";
    Failure(StatusCode::INTERNAL_SERVER_ERROR, why.into())
}

pub async fn topics(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    if !app.topic_tracking.0 {
        return Err(Failure(StatusCode::FORBIDDEN, "Topic tracking is disabled.".into()));
    }
    let topics = app.herd.query({
        let name = name.clone();
        move |herder| herder.topics(&name)
    });
    Ok(json(StatusCode::OK, &serde_json::json!({ name: { "topics": topics.await } })))
}

pub async fn reset_topics(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    match app.topic_tracking {
        (false, _) => return Err(Failure(StatusCode::FORBIDDEN, "Topic tracking is disabled.".into())),
        (_, false) => return Err(Failure(StatusCode::FORBIDDEN, "Topic tracking reset is disabled.".into())),
        (true, true) => {}
    }
    app.herd.ask(Operation::ResetTopics(name)).await?;
    Ok(StatusCode::ACCEPTED)
}
