//! What `curl` does in the README, for tests.
//!
//! Invariant: an answer is given back as it came, whatever its status; only a broken connection is an error.

use serde_json::Value;
use std::time::Duration;

/// A client of one worker's REST API.
pub struct Rest {
    agent: ureq::Agent,
    base: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header, empty when there is none.
    pub content_type: String,
    /// The `Location` header, empty when there is none.
    pub location: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("not JSON ({e}): {self:?}"))
    }
}

impl Rest {
    /// A client of the worker at this port of the loopback address.
    pub fn new(port: u16) -> Rest {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .max_redirects(0)
            .build();
        Rest { agent: config.into(), base: format!("http://127.0.0.1:{port}") }
    }

    /// Sends `method path` with a JSON body, or with none when `body` is empty.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Result<Answer, ureq::Error> {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let mut response = if body.is_empty() {
            self.agent.run(request.body(()).expect("a request from a literal is valid"))?
        } else {
            let request = request.header("content-type", "application/json");
            self.agent.run(request.body(body.to_owned()).expect("a request from a literal is valid"))?
        };
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (content_type, location) = (header("content-type"), header("location"));
        let body = response.body_mut().read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), content_type, location, body })
    }

    /// As [`Rest::send`], for a worker that must answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// Whether the worker has come up: before that, nothing or an HTML 404 answers.
    pub fn is_up(&self) -> bool {
        matches!(self.send("GET", "/connectors", ""), Ok(answer) if answer.status == 200)
    }

    /// The states of a connector and of its tasks, such as `RUNNING [RUNNING]`; empty when it has no status.
    pub fn states(&self, connector: &str) -> String {
        let answer = self.get(&format!("/connectors/{connector}/status"));
        if answer.status != 200 {
            return String::new();
        }
        let status = answer.json();
        let tasks: Vec<&str> =
            status["tasks"].as_array().into_iter().flatten().filter_map(|t| t["state"].as_str()).collect();
        format!("{} [{}]", status["connector"]["state"].as_str().unwrap_or("?"), tasks.join(" "))
    }
}
