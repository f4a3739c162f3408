//! What is put on every answer: CORS (`access.control.*`) and the operator's own headers (`response.http.headers.config`).

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Response},
    middleware::{from_fn, map_response},
};
use runtime_core::worker_config::RestConfig;

use super::origins::Origins;

/// The settings of this file.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    origins: Option<Origins>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answers {
    /// From the worker's settings. A header that HTTP does not allow is left out, with a warning.
    pub fn of(config: &RestConfig) -> Self {
        let header = |(name, value): &(String, String)| match (name.parse(), value.parse()) {
            (Ok(name), Ok(value)) => Some((name, value)),
            _ => {
                tracing::warn!("response.http.headers.config: '{name}: {value}' is no header and is left out");
                None
            }
        };
        Self {
            origins: Origins::of(&config.allow_origin, &config.allow_methods),
            headers: config.response_headers.iter().filter_map(header).collect(),
        }
    }

    pub(super) fn around(&self, mut router: Router) -> Router {
        if let Some(origins) = self.origins.clone() {
            router = router.layer(from_fn(move |request, next| origins.clone().answer(request, next)));
        }
        if self.headers.is_empty() {
            return router;
        }
        let headers = self.headers.clone();
        router.layer(map_response(move |mut response: Response<axum::body::Body>| {
            response.headers_mut().extend(headers.clone());
            std::future::ready(response)
        }))
    }
}
