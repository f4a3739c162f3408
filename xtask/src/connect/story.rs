//! The stories' language, one step a line.
//!
//! ```text
//! # a heading or a remark
//! METHOD target [Header: value] body          a request; a body without a header [Content-Type: ...] is JSON
//! ~ words: why                                 the next answer's message may be in other words
//! ~ differs: why                               the next answers must differ
//! wait NAME RUNNING [RUNNING]                  until both workers show this
//! write FILE text                              append a line to a file beside both workers
//! ```
//! `{x*3}` in a line is `xxx`; `{SINK}` and `{SOURCE}` are the keys of a connector that works.
//! Invariant: a line that is none of these is an error that names it.

use super::http::Request;
use anyhow::{Result, bail};

/// What is expected of two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The same.
    Same,
    /// The same but for the text of `message`.
    OtherWords,
    /// A difference that the documentation lists.
    Differs,
}

/// One step.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// A request to both.
    Ask {
        /// The request.
        request: Request,
        /// What the answers shall be.
        expect: Expect,
    },
    /// Wait for a connector.
    Wait {
        /// Its name, as in a path.
        connector: String,
        /// Such as `RUNNING [RUNNING]`.
        states: String,
    },
    /// Append to a file of both.
    Write {
        /// Relative.
        file: String,
        /// Without its end.
        line: String,
    },
}

const SINK: &str = r#""connector.class":"FileStreamSink","file":"out.txt","topics":"told""#;
const SOURCE: &str = r#""connector.class":"FileStreamSource","file":"in.txt","topic":"told""#;

/// Reads a story.
///
/// # Errors
/// At a line that is no step.
pub fn parse(text: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut expect = Expect::Same;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(remark) = line.strip_prefix("~ ") {
            expect = match remark.split_once(':') {
                Some(("words", _)) => Expect::OtherWords,
                Some(("differs", _)) => Expect::Differs,
                _ => bail!("'{line}': ~ words: ... or ~ differs: ..."),
            };
            continue;
        }
        steps.push(step(&expand(line), std::mem::replace(&mut expect, Expect::Same))?);
    }
    Ok(steps)
}

fn step(line: &str, expect: Expect) -> Result<Step> {
    let Some((word, rest)) = line.split_once(' ') else { bail!("'{line}' is no step") };
    let (first, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(match word {
        "wait" => Step::Wait { connector: first.into(), states: rest.into() },
        "write" => Step::Write { file: first.into(), line: rest.into() },
        method if method.chars().all(|char| char.is_ascii_uppercase()) => {
            Step::Ask { request: request(method, first, rest), expect }
        }
        _ => bail!("'{line}' is no step"),
    })
}

fn request(method: &str, target: &str, mut rest: &str) -> Request {
    let mut headers = Vec::new();
    while let Some((header, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        // A JSON array is no header.
        let Some((name, value)) = header.split_once(": ").filter(|(name, _)| !name.contains(['"', ' '])) else { break };
        headers.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !rest.is_empty() && !named {
        headers.push(("Content-Type".into(), "application/json".into()));
    }
    Request { method: method.into(), target: target.into(), headers, body: rest.into() }
}

/// `{x*3}`, `{SINK}` and `{SOURCE}`.
fn expand(line: &str) -> String {
    let line = line.replace("{SINK}", SINK).replace("{SOURCE}", SOURCE);
    let (mut out, mut rest) = (String::new(), line.as_str());
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let repeated = after[1..].split_once('}').and_then(|(inside, end)| {
            let (what, times) = inside.rsplit_once('*').filter(|(what, _)| !what.contains(['{', '"']))?;
            Some((what.repeat(times.parse().ok()?), end))
        });
        match repeated {
            Some((text, end)) => {
                out.push_str(&text);
                rest = end;
            }
            None => {
                out.push('{');
                rest = &after[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_steps() {
        let asked = parse("~ words: why\nPUT /a [X-Y: z] {\"b\":\"{c*3}\"}").unwrap();
        let headers = [("X-Y", "z"), ("Content-Type", "application/json")].map(|(k, v)| (k.into(), v.into()));
        let body = r#"{"b":"ccc"}"#.into();
        let request = Request { method: "PUT".into(), target: "/a".into(), headers: headers.into(), body };
        assert_eq!(asked, [Step::Ask { request, expect: Expect::OtherWords }]);
        let wait = Step::Wait { connector: "a".into(), states: "STOPPED []".into() };
        assert_eq!(parse("# x\n\nwait a STOPPED []").unwrap(), [wait]);
        assert!(matches!(&parse("POST /a [1,2]").unwrap()[0], Step::Ask { request, .. } if request.body == "[1,2]"));
        assert_eq!(expand(r#"{"a":{[*2}1{]*2}}"#), r#"{"a":[[1]]}"#);
        assert!(parse("nonsense").is_err());
        assert!(parse("~ perhaps").is_err());
    }
}
