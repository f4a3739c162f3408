//! The page at `/ui`: three files of `web/`, inside the binary.
//!
//! Owns the headers that keep it safe: it may load and ask nothing but this worker, and nobody may put it into a frame. What it shows it
//! asks of the API, like every other client.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

use super::App;

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

pub fn router() -> Router<App> {
    let file = |kind: &'static str, text: &'static str| {
        get(move || std::future::ready((HEADERS, [(header::CONTENT_TYPE, kind)], text).into_response()))
    };
    Router::new()
        .route("/ui", file("text/html; charset=utf-8", include_str!("../../../web/index.html")))
        .route("/ui/app.js", file("text/javascript; charset=utf-8", include_str!("../../../web/app.js")))
        .route("/ui/style.css", file("text/css; charset=utf-8", include_str!("../../../web/style.css")))
}
