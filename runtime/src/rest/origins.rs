//! Other origins (`access.control.*`), as Kafka's web server answers them: who may ask is named in the answer, and a preflight is
//! answered by the resource itself with what is allowed beside it.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};

/// What Kafka allows where no methods are named.
const METHODS: &str = "GET,POST,HEAD";

/// Seconds for which a browser may remember that it may ask; Kafka's.
const MAX_AGE: HeaderValue = HeaderValue::from_static("60");

/// Who may ask, and how.
#[derive(Clone, Debug)]
pub struct Origins {
    /// `*` is everybody.
    allowed: Arc<[String]>,
    methods: HeaderValue,
}

impl Origins {
    /// From `access.control.allow.origin` and `access.control.allow.methods`; `None` if nobody may ask.
    pub fn of(origins: &str, methods: &str) -> Option<Self> {
        let list =
            |text: &str| text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (allowed, methods): (Vec<String>, Vec<String>) = (list(origins), list(methods));
        let methods = if methods.is_empty() { METHODS.to_owned() } else { methods.join(",") };
        let methods = HeaderValue::from_str(&methods).unwrap_or(HeaderValue::from_static(METHODS));
        (!allowed.is_empty()).then(|| Self { allowed: allowed.into(), methods })
    }

    /// Answers, and says to whom the answer may be shown.
    pub async fn answer(self, request: Request, next: Next) -> Response {
        let origin = request.headers().get(header::ORIGIN).filter(|origin| self.allows(origin)).cloned();
        let preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if preflight {
                self.allow(headers);
            }
        }
        response
    }

    fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.allowed.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    }
}
