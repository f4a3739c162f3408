//! How a command of ours ends: its result for people and for programs, or a complaint.
//!
//! Owns `--json`, `--color`, and exit codes: 0 done, 1 refused or failed, 2 the command line or a file is at fault, 3 this machine or a
//! network is. Invariant: with `--json` exactly one object stands on stdout, and nothing else.

use clap::ValueEnum;
use runtime_core::complaint::{Complaint, Paint};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    world::{Stream, World},
};

/// What every command of ours has.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// Print one JSON object in place of text
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: When,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Common {
    /// Whether what goes there is coloured.
    pub fn colours(&self, stream: Stream, world: &dyn World) -> bool {
        match self.color {
            When::Auto => world.takes_colour(stream),
            When::Always => true,
            When::Never => false,
        }
    }
}

/// What a command has done or found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// For programs.
    pub result: Value,
    /// For people, with its last newline.
    pub text: String,
    /// What else to know, a sentence each.
    pub warnings: Vec<String>,
    /// What was looked at is not as it should be: the exit code is 1, though the command did what it does.
    pub is_bad: bool,
}

impl Outcome {
    /// One with both forms.
    pub fn new(result: Value, text: impl Into<String>) -> Self {
        Self { result, text: text.into(), ..Self::default() }
    }

    /// The same with a warning.
    pub fn warning(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

/// The end of a command that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What, where, why, what to do.
    pub complaint: Complaint,
    /// The exit code.
    pub exit: u8,
}

/// Exit code: it was refused, or failed.
pub const FAILED: u8 = 1;
/// Exit code: the command line or a file is at fault.
pub const INPUT: u8 = 2;
/// Exit code: this machine or a network is.
pub const PLACE: u8 = 3;

/// How a command ends.
pub type Done = Result<Outcome, Box<Refused>>;

/// That something was not done because of the user's input.
pub fn input(complaint: Complaint) -> Box<Refused> {
    Box::new(Refused { complaint, exit: INPUT })
}

/// That something was not done because somebody refused, or it failed.
pub fn failed(complaint: Complaint) -> Box<Refused> {
    Box::new(Refused { complaint, exit: FAILED })
}

/// That something was not done because of this machine or a network.
pub fn unreachable(complaint: Complaint) -> Box<Refused> {
    Box::new(Refused { complaint, exit: PLACE })
}

const NO_BROKER: &str = "is one running? `connectd broker` starts one; -b HOST:PORT names another";

/// What a broker or the way to it has said, as the reason that `what` was not done.
pub fn because(what: impl Into<String>) -> impl FnOnce(Failure) -> Box<Refused> {
    let what = what.into();
    |failure| {
        let exit = match failure.class {
            Some("TimeoutException" | "NetworkException") => PLACE,
            None if failure.only_stderr => INPUT,
            _ => FAILED,
        };
        let (why, help) = match (exit, failure.code) {
            // Kafka's words for it are about its own inner life.
            (PLACE, 0) => ("no broker has answered in time".to_owned(), failure.advice.or(Some(NO_BROKER.to_owned()))),
            _ => (failure.message, failure.advice),
        };
        Box::new(Refused { complaint: Complaint { help, ..Complaint::new(what) }.because(why), exit })
    }
}

/// Prints the end of the command `name` (such as `topic list`); gives the exit code.
pub fn finish(name: &str, common: &Common, done: Done, world: &mut dyn World) -> u8 {
    let (mut outcome, refused) = match done {
        Ok(outcome) => (outcome, None),
        Err(refused) => (Outcome::default(), Some(refused)),
    };
    if common.json {
        let envelope = json!({
            "command": name,
            "ok": refused.is_none() && !outcome.is_bad,
            "result": outcome.result.take(),
            "warnings": outcome.warnings,
            "error": refused.as_ref().map(|refused| &refused.complaint),
        });
        world.out(&format!("{envelope}\n"));
    } else {
        world.out(&outcome.text);
        outcome.warnings.iter().for_each(|warning| world.err(&format!("warning: {warning}\n")));
        if let Some(refused) = &refused {
            let paint = if common.colours(Stream::Err, world) { Paint::TERMINAL } else { Paint::default() };
            world.err(&refused.complaint.draw(paint));
        }
    }
    refused.map_or(u8::from(outcome.is_bad) * FAILED, |refused| refused.exit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Silent;

    #[test]
    fn one_object_and_nothing_else() {
        let common = Common { json: true, ..Common::default() };
        let mut world = Silent::default();
        let outcome = Outcome::new(json!([1]), "text\n").warning("careful");
        assert_eq!(finish("topic list", &common, Ok(outcome), &mut world), 0);
        let expected = r#"{"command":"topic list","error":null,"ok":true,"result":[1],"warnings":["careful"]}"#;
        assert_eq!((world.out.trim_end(), world.err.as_str()), (expected, ""));
        let mut world = Silent::default();
        assert_eq!(finish("topic list", &common, Err(unreachable(Complaint::new("no"))), &mut world), PLACE);
        assert!(world.err.is_empty() && world.out.contains(r#""error":{"what":"no","why":[]}"#), "{}", world.out);
    }

    #[test]
    fn text_and_talk_are_apart() {
        let mut world = Silent::default();
        let outcome = Outcome::new(json!(1), "text\n").warning("careful");
        assert_eq!(finish("a", &Common::default(), Ok(outcome), &mut world), 0);
        assert_eq!((world.out.as_str(), world.err.as_str()), ("text\n", "warning: careful\n"));
        let mut world = Silent::default();
        let bad = Outcome { is_bad: true, ..Outcome::new(json!(1), "text\n") };
        assert_eq!(finish("a", &Common::default(), Ok(bad), &mut world), FAILED);
        let mut world = Silent::default();
        assert_eq!(finish("a", &Common::default(), Err(input(Complaint::new("no"))), &mut world), INPUT);
        assert_eq!((world.out.as_str(), world.err.as_str()), ("", "error: no\n"));
    }

    #[test]
    fn whose_fault_it_is() {
        let check = |failure: Failure, exit: u8| assert_eq!(because("x")(failure).exit, exit);
        check(Failure::kafka(36, None), FAILED);
        check(Failure::on_stderr("Invalid url"), INPUT);
        check(Failure { class: Some("TimeoutException"), ..Failure::new("Timed out") }, PLACE);
    }
}
