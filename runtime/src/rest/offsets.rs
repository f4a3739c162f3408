//! A connector's offsets: see, alter, reset (KIP-875).

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use runtime_core::{
    herder::{Answer, OffsetsAction, Operation},
    offsets::{BadBody, ConnectorOffsets},
    rest::Message,
};

use super::{App, Failure, json, malformed, present};

pub async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    ask(&app, name, OffsetsAction::Read).await
}

pub async fn reset(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Failure> {
    ask(&app, name, OffsetsAction::Reset).await
}

pub async fn alter(State(app): State<App>, Path(name): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let body = present(&body)?;
    ConnectorOffsets::from_json(body).map_err(|error| match error {
        BadBody::Malformed(why) => malformed(why),
        BadBody::Invalid(why) => Failure(StatusCode::BAD_REQUEST, why),
    })?;
    let json = String::from_utf8_lossy(body).into_owned();
    ask(&app, name, OffsetsAction::Alter(json)).await
}

async fn ask(app: &App, connector: String, action: OffsetsAction) -> Result<Response, Failure> {
    match app.herd.ask(Operation::Offsets { connector, action }).await? {
        Answer::Offsets(body) => Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response()),
        Answer::Message(message) => Ok(json(StatusCode::OK, &Message { message })),
        other => unreachable!("offsets were asked for, and answered was {other:?}"),
    }
}
