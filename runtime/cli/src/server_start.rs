//! `kafka-server-start [-daemon] server.properties [--override property=value ...]`: a broker alone.
//!
//! Owns its arguments. Source: Kafka 4.3's script and `kafka.Kafka`. Leaves `-daemon` to [`crate::arguments`].

use std::ffi::OsString;

use crate::{
    arguments::{Command, Said},
    tool::VERSION,
};

/// The script's name.
pub const NAME: &str = "kafka-server-start";

const USAGE: &str = "USAGE: kafka-server-start [-daemon] server.properties [--override property=value]*\n";

/// Reads what follows the script's name. `Err` is a usage, with Kafka's exit code 1, or the version.
pub fn parse(arguments: &[OsString]) -> Result<Command, Said> {
    let usage = |why: String| Err(Said { text: why + USAGE, is_error: true, code: 1 });
    let mut words = arguments.iter();
    let settings = match words.next() {
        None => return usage(String::new()),
        Some(word) if word == "--help" => return usage(String::new()),
        Some(word) if word == "--version" => {
            return Err(Said { text: format!("{VERSION}\n"), is_error: false, code: 0 });
        }
        Some(word) => word.into(),
    };
    let mut overrides = Vec::new();
    while let Some(word) = words.next().map(|word| word.to_string_lossy()) {
        let pair = match (word.as_ref(), word.strip_prefix("--override=")) {
            ("--override", _) => words.next().map(|pair| pair.to_string_lossy().into_owned()),
            (_, Some(pair)) => Some(pair.to_owned()),
            _ => return usage(format!("Found non argument parameters: {word}\n")),
        };
        match pair.as_deref().and_then(|pair| pair.split_once('=')) {
            Some((key, value)) => overrides.push((key.trim().to_owned(), value.trim().to_owned())),
            None => return usage("Option override requires an argument of the form property=value\n".to_owned()),
        }
    }
    Ok(Command::Broker { settings: Some(settings), overrides, insecure_listen: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Said> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn overrides_come_after_the_file() {
        let check = |line: &str, expected: &[(&str, &str)]| {
            let overrides = expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let expected = Command::Broker { settings: Some("s".into()), overrides, insecure_listen: false };
            assert_eq!(parsed(line), Ok(expected), "{line}");
        };
        check("s", &[]);
        check("s --override a=1 --override b=x=y", &[("a", "1"), ("b", "x=y")]);
        check("s --override=a=1", &[("a", "1")]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_the_usage() {
        let check = |line: &str, says: &str| {
            let said = parsed(line).unwrap_err();
            assert!(said.text.contains(says) && said.text.contains("USAGE") && said.code == 1, "{line}: {}", said.text);
        };
        check("", "");
        check("s t", "Found non argument parameters: t");
        check("s --override a", "property=value");
    }
}
