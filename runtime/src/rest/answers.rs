//! What is put on every answer: CORS (`access.control.*`) and the operator's own headers (`response.http.headers.config`).

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, Response, header},
};
use runtime_core::worker_config::RestConfig;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What Kafka allows where no methods are named.
const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::HEAD];

/// How long a browser may remember that it may ask; Kafka's.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The settings of this file.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Origins that may ask; `*` for any; empty for none.
    origins: Vec<String>,
    methods: Vec<Method>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answers {
    /// From the worker's settings. A header that HTTP does not allow is left out, with a warning.
    pub fn of(config: &RestConfig) -> Self {
        let list = |text: &str| {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let header = |(name, value): &(String, String)| match (name.parse(), value.parse()) {
            (Ok(name), Ok(value)) => Some((name, value)),
            _ => {
                tracing::warn!("response.http.headers.config: '{name}: {value}' is no header and is left out");
                None
            }
        };
        Self {
            origins: list(&config.allow_origin),
            methods: list(&config.allow_methods).iter().filter_map(|method| method.parse().ok()).collect(),
            headers: config.response_headers.iter().filter_map(header).collect(),
        }
    }

    pub(super) fn around(&self, router: Router) -> Router {
        let router = match self.origins.as_slice() {
            [] => router,
            origins => router.layer(self.cors(origins)),
        };
        if self.headers.is_empty() {
            return router;
        }
        let headers = self.headers.clone();
        router.layer(axum::middleware::map_response(move |mut response: Response<axum::body::Body>| {
            response.headers_mut().extend(headers.clone());
            std::future::ready(response)
        }))
    }

    fn cors(&self, origins: &[String]) -> CorsLayer {
        let allowed = match origins.iter().any(|origin| origin == "*") {
            true => AllowOrigin::any(),
            false => AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse().ok())),
        };
        let methods = if self.methods.is_empty() { METHODS.to_vec() } else { self.methods.clone() };
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods(methods)
            .allow_headers([header::CONTENT_TYPE])
            .max_age(MAX_AGE)
    }
}
