//! Connector classes: what there is, what each can be told, and whether a config would do.

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use runtime_core::config::{KeysError, Submitted};
use serde::Deserialize;

use super::{App, Failure, json, malformed, not_found, present};

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Unknown(why) => not_found(why),
            KeysError::Version(why) => Failure(StatusCode::BAD_REQUEST, why),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    #[serde(rename = "connectorsOnly")]
    connectors_only: Option<String>,
}

pub async fn list(State(app): State<App>, Query(query): Query<ListQuery>) -> Response {
    let connectors_only = query.connectors_only.is_none_or(|value| value.eq_ignore_ascii_case("true"));
    json(StatusCode::OK, &app.plugins.now().await.catalog().rows(connectors_only))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct KeysQuery {
    version: Option<String>,
}

pub async fn keys(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<KeysQuery>,
) -> Result<Response, Failure> {
    let keys = app.plugins.now().await.catalog().config_keys(&name, query.version.as_deref());
    Ok(json(StatusCode::OK, &keys?))
}

pub async fn validate(State(app): State<App>, Path(kind): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let submitted = Submitted::from_json(present(&body)?).map_err(malformed)?;
    if let Some(class) = submitted.config.get("connector.class")
        && !without_suffix(class).ends_with(without_suffix(&kind))
    {
        let why = format!("Included connector type {class} does not match request type {kind}");
        return Err(Failure(StatusCode::BAD_REQUEST, why));
    }
    let infos = app.plugins.validate(&submitted).await;
    let infos =
        infos.map_err(|error| Failure(StatusCode::INTERNAL_SERVER_ERROR, app.plugins.known().explain(&error)))?;
    Ok(json(StatusCode::OK, &infos))
}

/// Kafka's normalized plug-in name (`ConnectorPluginsResource`): of a class name or an alias alike.
fn without_suffix(class: &str) -> &str {
    class.strip_suffix("Connector").filter(|rest| !rest.is_empty()).unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::without_suffix;

    #[test]
    fn one_name_for_class_and_alias() {
        for (class, name) in [
            ("a.FileStreamSinkConnector", "a.FileStreamSink"),
            ("FileStreamSink", "FileStreamSink"),
            ("Connector", "Connector"),
        ] {
            assert_eq!(without_suffix(class), name);
        }
    }
}
