//! What is put on every answer: CORS (`access.control.*`) and the operator's own headers (`response.http.headers.config`).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, Response},
    middleware::{from_fn, map_response},
};
use runtime_core::worker_config::{HeaderRule, HeaderText, RestConfig};

use super::origins::Origins;

/// The settings of this file.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    origins: Option<Origins>,
    headers: Arc<[Header]>,
}

/// A header that HTTP allows.
#[derive(Clone, Debug)]
struct Header {
    adds: bool,
    name: HeaderName,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Text(HeaderValue),
    DateAfter(i64),
}

impl Answers {
    /// From the worker's settings. A header that HTTP does not allow is left out, with a warning.
    pub fn of(config: &RestConfig) -> Self {
        let header = |rule: &HeaderRule| {
            let header = Header::of(rule);
            if header.is_none() {
                tracing::warn!("response.http.headers.config: '{}' is no header and is left out", rule.name);
            }
            header
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
            let now = SystemTime::now();
            headers.iter().for_each(|header| header.put(response.headers_mut(), now));
            std::future::ready(response)
        }))
    }
}

impl Header {
    fn of(rule: &HeaderRule) -> Option<Self> {
        let value = match &rule.value {
            HeaderText::Text(text) => Value::Text(text.parse().ok()?),
            HeaderText::DateAfter(ms) => Value::DateAfter(*ms),
        };
        Some(Self { adds: rule.adds, name: rule.name.parse().ok()?, value })
    }

    fn put(&self, headers: &mut HeaderMap, now: SystemTime) {
        let value = match &self.value {
            Value::Text(text) => text.clone(),
            Value::DateAfter(ms) => date(now, *ms),
        };
        match self.adds {
            true => drop(headers.append(self.name.clone(), value)),
            // As with Kafka's server, what the answer itself says counts.
            false => drop(headers.entry(self.name.clone()).or_insert(value)),
        }
    }
}

/// HTTP's date, so many milliseconds after `now`; the nearest that HTTP can say.
fn date(now: SystemTime, after_ms: i64) -> HeaderValue {
    let by = Duration::from_millis(after_ms.unsigned_abs());
    let then = if after_ms < 0 { now.checked_sub(by) } else { now.checked_add(by) };
    let first = SystemTime::UNIX_EPOCH;
    let last = first + Duration::from_secs(253_402_300_799);
    let then = then.unwrap_or(if after_ms < 0 { first } else { last }).clamp(first, last);
    httpdate::fmt_http_date(then).parse().expect("a date is a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (after_ms, expected) in [
            (0, "Sun, 09 Sep 2001 01:46:40 GMT"),
            (86_400_000, "Mon, 10 Sep 2001 01:46:40 GMT"),
            (-1_000_000_000_000, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (i64::MIN, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(date(now, after_ms), expected, "{after_ms}");
        }
    }
}
