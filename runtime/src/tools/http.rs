//! Requests to a worker's REST API, for commands.
//!
//! Invariant: an answer is given back as it came, whatever its status, and nothing waits for ever.

use std::{error::Error, io::Read, time::Duration};

use runtime_cli::world::{Call, NoAnswer};

/// The longest answer that is taken.
const MAX_ANSWER: u64 = 64 << 20;

/// Sends a request; the status and the body of the answer.
pub fn call(call: Call<'_>, timeout: Duration) -> Result<(u16, Vec<u8>), NoAnswer> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout));
    let agent = ureq::Agent::from(config.max_redirects(0).build());
    let request = ureq::http::Request::builder().method(call.method).uri(call.url).header("accept", "application/json");
    let unusable = |error: ureq::http::Error| NoAnswer::Unusable(format!("{}: {error}", call.url));
    let answer = match call.body {
        None => agent.run(request.body(()).map_err(unusable)?),
        Some(body) => {
            agent.run(request.header("content-type", "application/json").body(body.to_owned()).map_err(unusable)?)
        }
    };
    let mut answer = answer.map_err(reason)?;
    let mut body = Vec::new();
    let read = answer.body_mut().as_reader().take(MAX_ANSWER).read_to_end(&mut body);
    read.map_err(|_| NoAnswer::Closed)?;
    Ok((answer.status().as_u16(), body))
}

fn reason(error: ureq::Error) -> NoAnswer {
    match error {
        ureq::Error::Timeout(_) => NoAnswer::TimedOut,
        ureq::Error::Io(error) => NoAnswer::Unreachable(super::link::reason(&error)),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => NoAnswer::Unreachable(error.to_string()),
        other => {
            let why = other.source().map_or_else(|| other.to_string(), ToString::to_string);
            NoAnswer::Unusable(why)
        }
    }
}
