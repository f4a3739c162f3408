//! Log levels while running (`/admin/loggers`, KIP-495, KIP-976).

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{App, Failure, json, malformed, not_found, present};

pub async fn list(State(app): State<App>) -> Response {
    json(StatusCode::OK, &app.loggers.all())
}

pub async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &app.loggers.get(&name).ok_or_else(|| not_found(format!("Logger {name} not found.")))?))
}

#[derive(Deserialize)]
struct Wanted {
    level: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Scope {
    scope: String,
}

pub async fn set(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(scope): Query<Scope>,
    body: Bytes,
) -> Result<Response, Failure> {
    let wanted: Wanted = serde_json::from_slice(present(&body)?).map_err(malformed)?;
    let level = wanted.level.ok_or_else(|| {
        Failure(StatusCode::BAD_REQUEST, "Desired 'level' parameter was not specified in request.".into())
    })?;
    let affected = app.loggers.set(&name, &level).ok_or_else(|| not_found(format!("invalid log level '{level}'.")))?;
    if scope.scope.eq_ignore_ascii_case("cluster") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(json(StatusCode::OK, &affected))
}
