//! The flags that say where `kafka-consumer-groups --reset-offsets` goes: one scenario, over some topics.
//!
//! Leaves the offsets to [`crate::reset`]. Invariant: one scenario stands there, and some topics.

use crate::{failure::Failure, flags::Given, reset::Target, time};

const SCENARIOS: [&str; 8] =
    ["from-file", "to-datetime", "by-duration", "to-latest", "to-current", "to-earliest", "to-offset", "shift-by"];

/// Refuses a reset that names no scenario, or several, or no topics.
pub(super) fn check(given: &Given) -> Result<(), Failure> {
    let scenarios = given.among(&SCENARIOS);
    match scenarios.as_slice() {
        [] => {
            let all: Vec<String> = SCENARIOS.iter().map(|scenario| format!("[{scenario}]")).collect();
            let message =
                format!("Option '[reset-offsets]' requires one of the following scenarios: [{}]", all.join(", "));
            return Err(Failure::usage(message));
        }
        [_] => {}
        [first, others @ ..] => given.exclude(first, others)?,
    }
    if !given.has("from-file") && !given.has("topic") && !given.has("all-topics") {
        return Err(Failure::usage("One of the reset scopes should be defined: --all-topics, --topic."));
    }
    given.exclude("topic", &["all-topics"])
}

/// The place that the command line names.
///
/// # Errors
/// A number, time or duration that is none.
pub(super) fn target(given: &Given, now_ms: i64) -> Result<Target, Failure> {
    Ok(match given.among(&SCENARIOS)[0] {
        "to-earliest" => Target::Earliest,
        "to-latest" => Target::Latest,
        "to-offset" => Target::Offset(given.parsed("to-offset")?.unwrap_or_default()),
        "shift-by" => Target::Shift(given.parsed("shift-by")?.unwrap_or_default()),
        "to-current" => Target::Current,
        "to-datetime" => {
            let text = given.one("to-datetime")?.unwrap_or_default();
            Target::At(time::instant_ms(text).map_err(Failure::new)?)
        }
        _ => {
            let text = given.one("by-duration")?.unwrap_or_default();
            let duration =
                time::duration_ms(text).ok_or_else(|| Failure::new("Text cannot be parsed to a Duration"))?;
            Target::At(now_ms.saturating_sub(duration))
        }
    })
}
