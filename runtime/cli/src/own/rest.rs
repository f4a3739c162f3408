//! A worker's REST API, for commands of ours.
//!
//! Owns the address, retries while the workers of a group rebalance, and what a refusal becomes. Leaves sockets to the [`World`].
//! Invariant: a request is tried again only where the worker said that it did nothing.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use runtime_core::complaint::Complaint;
use serde_json::Value;

use super::outcome::{Refused, failed, input, unreachable};
use crate::world::{Call, NoAnswer, World};

/// How long an answer may take: Kafka's workers give up after 90 seconds.
const TIMEOUT_MS: u64 = 95_000;

/// Tries while workers rebalance, and milliseconds between two.
const TRIES: (u32, u64) = (20, 250);

/// Which worker.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Where the worker's REST API is
    #[arg(
        short,
        long,
        global = true,
        value_name = "URL",
        default_value = "http://localhost:8083",
        help_heading = "Worker"
    )]
    pub url: String,
}

/// The API of one worker.
pub struct Rest<'w> {
    /// The world that the command runs in.
    pub world: &'w mut dyn World,
    base: String,
}

/// A segment of a path.
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

impl<'w> Rest<'w> {
    /// The API of this worker.
    pub fn new(worker: &Worker, world: &'w mut dyn World) -> Self {
        let url = worker.url.trim_end_matches('/');
        let base = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        Self { world, base }
    }

    /// Asks; the answer's body, null if it has none. A refusal is a complaint that begins with `what` was not done.
    ///
    /// # Errors
    /// Nobody answers; the worker refuses.
    pub fn ask(
        &mut self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<Value, Box<Refused>> {
        let (status, answer) = self.answer(method, path, body, what)?;
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        Err(refused(what, status, &answer))
    }

    /// As [`Rest::ask`], where 404 is an answer too: none.
    ///
    /// # Errors
    /// As [`Rest::ask`].
    pub fn find(&mut self, path: &str, what: &str) -> Result<Option<Value>, Box<Refused>> {
        let (status, answer) = self.answer("GET", path, None, what)?;
        match status {
            200..300 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(refused(what, status, &answer)),
        }
    }

    fn answer(
        &mut self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<(u16, Value), Box<Refused>> {
        let url = format!("{}{path}", self.base);
        let body = body.map(Value::to_string);
        let (mut tries, pause) = TRIES;
        loop {
            let answer = self.world.call(Call { method, url: &url, body: body.as_deref() }, TIMEOUT_MS);
            let (status, bytes) = answer.map_err(|why| self.nobody(what, why))?;
            let answer = match bytes.as_slice() {
                [] => Value::Null,
                bytes => serde_json::from_slice(bytes).map_err(|_| self.no_worker(what))?,
            };
            tries -= 1;
            if status != 409 || !message(&answer).contains("rebalance") || tries == 0 {
                return Ok((status, answer));
            }
            self.world.sleep_ms(pause);
        }
    }

    fn nobody(&self, what: &str, why: NoAnswer) -> Box<Refused> {
        let complaint = Complaint::new(what).at(&self.base);
        match why {
            NoAnswer::Unreachable(why) => unreachable(
                complaint
                    .because(format!("no worker answers there: {why}"))
                    .help("start one, as in `connectd standalone worker.properties`, or name another with --url"),
            ),
            NoAnswer::Closed => unreachable(complaint.because("the connection ended before the answer")),
            NoAnswer::TimedOut => unreachable(complaint.because("no answer has come in time")),
            NoAnswer::Unusable(why) => input(complaint.because(why)),
        }
    }

    fn no_worker(&self, what: &str) -> Box<Refused> {
        let complaint = Complaint::new(what).at(&self.base).because("what answers there is no Connect worker");
        input(complaint.help("--url names the worker's REST API, as in --url http://localhost:8083"))
    }
}

/// What a worker says in a refusal.
fn message(answer: &Value) -> &str {
    answer["message"].as_str().unwrap_or_default()
}

fn refused(what: &str, status: u16, answer: &Value) -> Box<Refused> {
    let complaint = Complaint::new(what);
    let complaint = match message(answer) {
        "" => complaint.because(format!("the worker answers {status}")),
        said => complaint.because(said),
    };
    failed(complaint)
}
