//! Kafka Connect's REST API: paths and codes (connect-contract section 4), one file per resource.
//!
//! Owns HTTP: what a body may be, which refusal is which code, headers. Leaves the objects to `runtime_core::rest` and every decision
//! to the herder. Invariant: every answer with a body is one of Kafka's objects; a refusal is `{"error_code", "message"}`.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use runtime_core::{
    herder::{Refusal, RefusalKind},
    rest::{ErrorBody, Health, ServerInfo},
    worker_config::Listener,
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{herd::Herd, logging::Loggers, metrics::Metrics, plugins::Plugins};

mod answers;
mod connectors;
mod hosts;
mod loggers;
mod offsets;
mod origins;
mod page;
mod plugins;
pub mod server;
mod state;
#[cfg(test)]
mod tests;
mod tls;

pub use answers::Answers;

/// Largest body, bytes.
const BODY_MOST_BYTES: usize = 1 << 20;

/// A body has to arrive within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the handlers need.
#[derive(Clone)]
pub struct App {
    /// The herder's owner.
    pub herd: Herd,
    /// Connector classes.
    pub plugins: Arc<Plugins>,
    /// Log levels.
    pub loggers: Loggers,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// The answer of `GET /`.
    pub info: Arc<ServerInfo>,
    /// `topic.tracking.enable` and `topic.tracking.allow.reset`.
    pub topic_tracking: (bool, bool),
    /// The listener's, for Location.
    pub scheme: &'static str,
    /// What is put on every answer.
    pub answers: Answers,
}

/// The API for a listener, with or without `/admin/*`.
pub fn router(mut app: App, listener: &Listener, with_admin: bool) -> Router {
    app.scheme = if listener.https { "https" } else { "http" };
    let admin = if with_admin { admin() } else { Router::new() };
    serve(app, listener.is_loopback(), connect().merge(admin), page::router().route("/metrics", get(metrics)))
}

/// `/admin/*` alone, for a listener of `admin.listeners`.
pub fn admin_router(app: App, listener: &Listener) -> Router {
    serve(app, listener.is_loopback(), admin(), Router::new())
}

fn connect() -> Router<App> {
    Router::new()
        .route("/", get(root))
        .route("/health", get(health))
        .route("/connectors", get(connectors::list).post(connectors::create))
        .route("/connectors/{name}", get(connectors::show).delete(connectors::delete))
        .route(
            "/connectors/{name}/config",
            get(connectors::config).put(connectors::put_config).patch(connectors::patch_config),
        )
        .route("/connectors/{name}/status", get(connectors::status))
        .route("/connectors/{name}/tasks", get(connectors::tasks).post(state::set_tasks))
        .route("/connectors/{name}/fence", put(state::fence))
        .route("/connectors/{name}/tasks/{task}/status", get(connectors::task_status))
        .route("/connectors/{name}/tasks/{task}/restart", post(state::restart_task))
        .route("/connectors/{name}/restart", post(state::restart))
        .route("/connectors/{name}/pause", put(state::pause))
        .route("/connectors/{name}/resume", put(state::resume))
        .route("/connectors/{name}/stop", put(state::stop))
        .route("/connectors/{name}/topics", get(state::topics))
        .route("/connectors/{name}/topics/reset", put(state::reset_topics))
        .route("/connectors/{name}/offsets", get(offsets::show).patch(offsets::alter).delete(offsets::reset))
        .route("/connector-plugins", get(plugins::list))
        .route("/connector-plugins/{name}/config", get(plugins::keys))
        .route("/connector-plugins/{name}/config/validate", put(plugins::validate))
}

fn admin() -> Router<App> {
    Router::new()
        .route("/admin/loggers", get(loggers::list))
        .route("/admin/loggers/{name}", get(loggers::show).put(loggers::set))
}

/// `routes` speak JSON and nothing else; `others` do not.
fn serve(app: App, on_loopback: bool, routes: Router<App>, others: Router<App>) -> Router {
    let answers = app.answers.clone();
    let mut router = routes
        .fallback(async || framework(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || framework(StatusCode::METHOD_NOT_ALLOWED))
        .layer(CatchPanicLayer::custom(|_| {
            Failure(StatusCode::INTERNAL_SERVER_ERROR, "The worker failed; its log says where.".into()).into_response()
        }))
        .layer(middleware::from_fn(negotiate))
        .merge(others);
    if on_loopback {
        router = router.layer(middleware::from_fn(hosts::check));
    }
    let router = answers.around(router.layer(middleware::from_fn(log)).with_state(app));
    // Outside the router, so that the path is changed before it is matched.
    let outside = tower::ServiceBuilder::new().map_request(without_trailing_slash).layer(middleware::from_fn(options));
    Router::new().fallback_service(outside.service(router))
}

async fn root(axum::extract::State(app): axum::extract::State<App>) -> Response {
    json(StatusCode::OK, &*app.info)
}

async fn health(axum::extract::State(app): axum::extract::State<App>) -> Response {
    let health = |status: &str, message: &str| Health { status: status.into(), message: message.into() };
    if app.herd.is_ready() {
        json(StatusCode::OK, &health("healthy", "Worker has completed startup and is ready to handle requests."))
    } else {
        json(StatusCode::SERVICE_UNAVAILABLE, &health("starting", "Worker is still starting up."))
    }
}

/// For Prometheus; Kafka has the same numbers in JMX.
async fn metrics(axum::extract::State(app): axum::extract::State<App>) -> Response {
    let connectors =
        app.herd.query(|herder| herder.names().into_iter().filter_map(|name| herder.status(&name)).collect::<Vec<_>>());
    let text = app.metrics.text(&app.info, &connectors.await);
    ([(header::CONTENT_TYPE, crate::metrics::CONTENT_TYPE)], text).into_response()
}

/// An object of the API.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).expect("our own objects serialize");
    (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

/// A refusal of ours, with its code.
struct Failure(StatusCode, String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = json(self.0, &ErrorBody { error_code: self.0.as_u16(), message: self.1.clone() });
        response.extensions_mut().insert(Said(self.1));
        response
    }
}

/// Why a request was refused, for the log.
#[derive(Clone)]
struct Said(String);

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::BadRequest => StatusCode::BAD_REQUEST,
            RefusalKind::Failed | RefusalKind::TimedOut => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Failure(status, refusal.message)
    }
}

fn not_found(what: String) -> Failure {
    Failure(StatusCode::NOT_FOUND, what)
}

fn unknown_connector(name: &str) -> Failure {
    not_found(format!("Connector {name} not found"))
}

/// A refusal that Kafka's web framework makes before its handlers: the same object, without a content type.
fn framework(status: StatusCode) -> Response {
    let message = format!("HTTP {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let body =
        serde_json::to_vec(&ErrorBody { error_code: status.as_u16(), message }).expect("our own objects serialize");
    (status, Body::from(body)).into_response()
}

fn without_trailing_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') && !path.ends_with("//") {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let trimmed = format!("{}{query}", &path[..path.len() - 1]);
        if let Ok(uri) = trimmed.parse() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// What a client sends and takes: JSON, of a bounded size, in bounded time.
async fn negotiate(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method != Method::OPTIONS && !accepts_json(&parts.headers) {
        return framework(StatusCode::NOT_ACCEPTABLE);
    }
    let bytes = match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, BODY_MOST_BYTES)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            return Failure(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {BODY_MOST_BYTES} bytes."))
                .into_response();
        }
        Err(_) => {
            return Failure(StatusCode::REQUEST_TIMEOUT, "The body did not arrive within 10 seconds.".into())
                .into_response();
        }
    };
    let writes = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    // A body without a type is refused too: a browser sends those across origins without asking.
    if writes && !bytes.is_empty() && !sends_json(&parts.headers) {
        return framework(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// OPTIONS: what a resource can be asked. The router refuses the method, and says around all else which ones there are.
async fn options(request: Request, next: Next) -> Response {
    let asked = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    let allowed = response.headers().get(header::ALLOW).and_then(|allowed| allowed.to_str().ok());
    let Some(allowed) = allowed.filter(|_| asked && response.status() == StatusCode::METHOD_NOT_ALLOWED) else {
        return response;
    };
    let allowed = format!("{allowed},OPTIONS");
    let value = HeaderValue::from_str(&allowed).expect("methods are text");
    response.headers_mut().insert(header::ALLOW, value);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Body::from(allowed);
    response
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let range = |range: &str| {
        matches!(range.split(';').next().unwrap_or_default().trim(), "*/*" | "application/*" | "application/json" | "")
    };
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_none_or(|accept| accept.split(',').any(range))
}

fn sends_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"))
}

/// One line per request. Why one that would have changed something was refused stands there in the words of the answer.
async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = std::time::Instant::now();
    let response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis());
    match response.extensions().get::<Said>() {
        Some(Said(why)) if method != Method::GET => {
            tracing::warn!(target: "connectd::rest", "\"{method} {path}\" {status} {ms} ms: {}", why.replace('\n', " "));
        }
        _ => tracing::info!(target: "connectd::rest", "\"{method} {path}\" {status} {ms} ms"),
    }
    response
}

/// Kafka answers 500 where a body is not what it should be: errors of deserialisation are unmapped there.
fn malformed(why: impl std::fmt::Display) -> Failure {
    Failure(StatusCode::INTERNAL_SERVER_ERROR, format!("Cannot read the body: {why}"))
}

/// The body, if there is one.
fn present(body: &Bytes) -> Result<&Bytes, Failure> {
    if body.is_empty() || body.as_ref() == b"null" { Err(malformed("it is empty")) } else { Ok(body) }
}
