//! Connectors: list, create, show, config, status, tasks, delete.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use runtime_core::{
    config::Submitted,
    herder::{Answer, Operation, Origin},
    rest::{ConnectorInfo, ConnectorStatus, CreateConnector},
};
use serde::Serialize;

use super::{App, Failure, json, malformed, not_found, present, unknown_connector};

/// What a segment of a path keeps as it is (RFC 3986, `pchar`).
const PATH: &AsciiSet = &{
    let unreserved = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    let delimiters = unreserved.remove(b'!').remove(b'$').remove(b'&').remove(b'\'').remove(b'(').remove(b')');
    delimiters.remove(b'*').remove(b'+').remove(b',').remove(b';').remove(b'=').remove(b':').remove(b'@')
};

/// A connector in `GET /connectors?expand=`.
#[derive(Serialize)]
struct Expanded {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<ConnectorStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<ConnectorInfo>,
}

pub async fn list(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let expand: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("expand=")).collect();
    if expand.is_empty() {
        return json(StatusCode::OK, &app.herd.query(|herder| herder.names()).await);
    }
    let (status, info) = (expand.contains(&"status"), expand.contains(&"info"));
    let all = app.herd.query(move |herder| {
        let one = |name: String| {
            let expanded = Expanded {
                status: status.then(|| herder.status(&name)).flatten(),
                info: info.then(|| herder.info(&name)).flatten(),
            };
            (name, expanded)
        };
        herder.names().into_iter().map(one).collect::<BTreeMap<_, _>>()
    });
    json(StatusCode::OK, &all.await)
}

pub async fn create(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let create = CreateConnector::from_json(present(&body)?).map_err(malformed)?;
    let initial_state = create.initial_state.map(Into::into);
    let (name, config) = create.named().map_err(bad_request)?;
    refuse_nulls(&config)?;
    put(&app, &headers, name, config, false, initial_state).await
}

pub async fn put_config(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let submitted = Submitted::from_json(present(&body)?).map_err(malformed)?;
    let submitted = submitted.named(&name).map_err(bad_request)?;
    refuse_nulls(&submitted)?;
    put(&app, &headers, name, submitted, true, None).await
}

fn bad_request(why: String) -> Failure {
    Failure(StatusCode::BAD_REQUEST, why)
}

/// A key that is null is nothing that a connector could use, and only PATCH has a meaning for it.
fn refuse_nulls(submitted: &Submitted) -> Result<(), Failure> {
    match submitted.nulls.first() {
        Some(key) => Err(Failure(
            StatusCode::BAD_REQUEST,
            format!("The value of \"{key}\" is null: leave the key out, or give it a value"),
        )),
        None => Ok(()),
    }
}

async fn put(
    app: &App,
    headers: &HeaderMap,
    name: String,
    submitted: Submitted,
    replace: bool,
    initial_state: Option<runtime_core::herder::TargetState>,
) -> Result<Response, Failure> {
    let operation =
        Operation::Put { connector: name, config: submitted.config, origin: Origin::Rest, replace, initial_state };
    answer(app, headers, app.herd.ask(operation).await?)
}

pub async fn patch_config(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let submitted = Submitted::from_json(present(&body)?).map_err(malformed)?;
    let set = submitted.config.iter().map(|(key, value)| (key.to_owned(), Some(value.to_owned())));
    let patch = set.chain(submitted.nulls.iter().map(|key| (key.clone(), None))).collect();
    answer(&app, &headers, app.herd.ask(Operation::Patch { connector: name, patch }).await?)
}

/// Location is absolute, as the client calls this worker.
fn answer(app: &App, headers: &HeaderMap, answer: Answer) -> Result<Response, Failure> {
    let Answer::Connector { created, info } = answer else {
        unreachable!("a connector is put or patched");
    };
    if !created {
        return Ok(json(StatusCode::OK, &info));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let base = host.map(|host| format!("{}://{host}", app.scheme)).unwrap_or_default();
    let location = format!("{base}/connectors/{}", utf8_percent_encode(&info.name, PATH));
    Ok(([(header::LOCATION, location)], json(StatusCode::CREATED, &info)).into_response())
}

pub async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    let info = app.herd.query({
        let name = name.clone();
        move |herder| herder.info(&name)
    });
    Ok(json(StatusCode::OK, &info.await.ok_or_else(|| unknown_connector(&name))?))
}

pub async fn config(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    let info = app.herd.query({
        let name = name.clone();
        move |herder| herder.info(&name)
    });
    Ok(json(StatusCode::OK, &info.await.ok_or_else(|| unknown_connector(&name))?.config))
}

pub async fn status(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    let status = app.herd.query({
        let name = name.clone();
        move |herder| herder.status(&name)
    });
    let status = status.await.ok_or_else(|| not_found(format!("No status found for connector {name}")))?;
    Ok(json(StatusCode::OK, &status))
}

pub async fn tasks(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    let tasks = app.herd.query({
        let name = name.clone();
        move |herder| herder.tasks(&name)
    });
    Ok(json(StatusCode::OK, &tasks.await.ok_or_else(|| unknown_connector(&name))?))
}

pub async fn task_status(
    State(app): State<App>,
    Path((name, task)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let number = task_number(&name, &task)?;
    let status = app.herd.query({
        let name = name.clone();
        move |herder| herder.status(&name)
    });
    let state = status.await.and_then(|status| status.tasks.into_iter().find(|state| state.id == number));
    Ok(json(StatusCode::OK, &state.ok_or_else(|| not_found(format!("No status found for task {name}-{number}")))?))
}

/// The task that a path names. One that is no number matches no path of Kafka's; a negative one is a task that there is not.
pub(super) fn task_number(connector: &str, task: &str) -> Result<u32, Failure> {
    let number: i32 = task.parse().map_err(|_| not_found("HTTP 404 Not Found".into()))?;
    u32::try_from(number).map_err(|_| not_found(format!("No status found for task {connector}-{number}")))
}

pub async fn delete(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    app.herd.ask(Operation::Delete(name)).await?;
    Ok(StatusCode::NO_CONTENT)
}
