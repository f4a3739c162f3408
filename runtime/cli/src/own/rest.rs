//! A worker's REST API, for commands of ours.
//!
//! Owns the address, who asks, retries while the workers of a group rebalance, and what a refusal becomes. Leaves sockets to the [`World`].
//! Invariant: a request is tried again only where the worker said that it did nothing.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use runtime_core::complaint::Complaint;
use serde_json::Value;

use super::outcome::{Refused, failed, input, unreachable};
use crate::world::{Call, NoAnswer, Pem, Tls, World};

/// How long an answer may take: Kafka's workers give up after 90 seconds.
const TIMEOUT_MS: u64 = 95_000;

/// Tries while workers rebalance, and milliseconds between two.
const TRIES: (u32, u64) = (20, 250);

/// Which worker, and how it knows us and we know it.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    /// Where the worker's REST API is, http or https; else the variable CONNECTD_URL, else http://localhost:8083
    #[arg(short, long, global = true, value_name = "URL", help_heading = "Worker")]
    pub url: Option<String>,
    /// Name and password, for a worker or a proxy that asks for them; else the variable CONNECTD_USER, which no list of processes shows
    #[arg(long, global = true, value_name = "NAME:PASSWORD", help_heading = "Worker")]
    pub user: Option<String>,
    /// Certificates to trust with https, PEM; without it those of this machine
    #[arg(long, global = true, value_name = "FILE", help_heading = "Worker")]
    pub cacert: Option<String>,
    /// Our own certificate and its key, PEM, for a worker that asks for one
    #[arg(long, global = true, value_name = "FILE", help_heading = "Worker")]
    pub cert: Option<String>,
}

/// The API of one worker.
pub struct Rest<'w> {
    /// The world that the command runs in.
    pub world: &'w mut dyn World,
    base: String,
    authorization: Option<String>,
    tls: Tls,
}

/// The worker of the tutorials.
const LOCAL: &str = "http://localhost:8083";

/// An address without its last `/`, and the name and password that stood in it.
fn address(url: &str) -> (String, Option<String>) {
    let url = url.trim_end_matches('/');
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
    let decoded = |user: &str| percent_decode_str(user).decode_utf8_lossy().into_owned();
    (format!("{scheme}://{host}{path}"), user.map(decoded))
}

/// A segment of a path.
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

impl<'w> Rest<'w> {
    /// The API of this worker.
    ///
    /// # Errors
    /// A name without a password.
    pub fn new(worker: &Worker, world: &'w mut dyn World) -> Result<Self, Box<Refused>> {
        let url = worker.url.clone().or_else(|| world.variable("CONNECTD_URL"));
        let (base, within) = address(url.as_deref().unwrap_or(LOCAL));
        let user = worker.user.clone().or(within).or_else(|| world.variable("CONNECTD_USER"));
        if user.as_ref().is_some_and(|user| !user.contains(':')) {
            let complaint = Complaint::new("the worker was not asked").at(base).because("the name has no password");
            return Err(input(complaint.help("write it as NAME:PASSWORD")));
        }
        let file = |path: &String| Pem::File(path.clone());
        Ok(Self {
            base,
            authorization: user.map(|user| format!("Basic {}", STANDARD.encode(user))),
            tls: Tls {
                trusted: worker.cacert.as_ref().map(file),
                own: worker.cert.as_ref().map(|path| (file(path), file(path))),
                any_name: false,
            },
            world,
        })
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

    /// Offers a body; the worker's refusal is an answer too.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn offer(
        &mut self,
        method: &'static str,
        path: &str,
        body: &Value,
        what: &str,
    ) -> Result<Result<Value, String>, Box<Refused>> {
        let (status, answer) = self.answer(method, path, Some(body), what)?;
        Ok(if (200..300).contains(&status) { Ok(answer) } else { Err(said(status, &answer)) })
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
            let (authorization, tls) = (self.authorization.as_deref(), &self.tls);
            let call = Call { method, url: &url, body: body.as_deref(), authorization, tls };
            let answer = self.world.call(call, TIMEOUT_MS);
            let (status, bytes) = answer.map_err(|why| self.nobody(what, why))?;
            if status == 401 {
                return Err(self.stranger(what));
            }
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
            NoAnswer::Unusable(why) if why.contains("certificate") => {
                input(complaint.because(why).help("--cacert names a PEM file of the certificates to trust"))
            }
            NoAnswer::Unusable(why) => input(complaint.because(why)),
        }
    }

    fn stranger(&self, what: &str) -> Box<Refused> {
        let complaint = Complaint::new(what).at(&self.base);
        let why = match self.authorization {
            None => "it asks for a name and a password",
            Some(_) => "it does not take this name and password",
        };
        input(complaint.because(why).help("give them with --user NAME:PASSWORD, or in the variable CONNECTD_USER"))
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

/// The same, or the status if it says nothing.
fn said(status: u16, answer: &Value) -> String {
    match message(answer) {
        "" => format!("the worker answers {status}"),
        said => said.to_owned(),
    }
}

fn refused(what: &str, status: u16, answer: &Value) -> Box<Refused> {
    failed(Complaint::new(what).because(said(status, answer)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Silent;

    #[test]
    fn addresses() {
        let check = |url: &str, base: &str, user: Option<&str>| {
            assert_eq!(address(url), (base.to_owned(), user.map(str::to_owned)), "{url}");
        };
        check("localhost:8083", "http://localhost:8083", None);
        check("https://c.example:8443/connect/", "https://c.example:8443/connect", None);
        check("https://me:p%40ss@c.example", "https://c.example", Some("me:p@ss"));
        check("http://a@b:c@host:1/x@y", "http://host:1/x@y", Some("a@b:c"));
    }

    #[test]
    fn who_asks() {
        let check = |worker: Worker, expected: Option<&str>| {
            let authorization = Rest::new(&worker, &mut Silent::default()).ok().map(|rest| rest.authorization);
            assert_eq!(authorization, expected.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty())));
        };
        let worker = |url: &str, user: Option<&str>| Worker {
            url: Some(url.into()),
            user: user.map(str::to_owned),
            ..Worker::default()
        };
        // RFC 7617, section 2.
        check(worker("h", Some("Aladdin:open sesame")), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        check(worker("http://Aladdin:open%20sesame@h", None), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        check(worker("h", None), Some(""));
        check(worker("h", Some("nobody")), None);
    }
}
