//! The flags of a Kafka-named tool: one table per tool, read the way Kafka's tools read theirs.
//!
//! Owns what a flag is and how arguments become values: `--name value`, `--name=value`, one dash or two, unambiguous beginnings of a
//! name, as joptsimple and argparse4j take them. Leaves what the values mean to each tool.
//! Invariant: a flag that Kafka's tool has is in the table, also where we cannot do it; and such a flag stops the tool before it acts.

use std::collections::BTreeMap;

use runtime_core::config::nearest::nearest;

use crate::{failure::Failure, tool::Tool};

/// What may follow a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A value, of this kind.
    Value(&'static str),
    /// A value, or none.
    Perhaps(&'static str),
    /// One value or more, up to the next flag.
    Several(&'static str),
}

/// What becomes of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It works.
    Done,
    /// Kafka's tool has it; here it stops the tool, for this reason.
    NotHere(&'static str),
    /// An old name of this flag.
    Renamed(&'static str),
    /// Of no meaning any more; this is said, and the tool goes on.
    Ignored(&'static str),
}

/// One flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without dashes.
    pub name: &'static str,
    /// Another name, often one letter; empty if there is none.
    pub short: &'static str,
    /// What may follow it.
    pub takes: Takes,
    /// One line for `--help`.
    pub about: &'static str,
    /// Whether it works.
    pub support: Support,
}

/// A flag without a value.
pub const fn switch(name: &'static str, about: &'static str) -> Flag {
    Flag { name, short: "", takes: Takes::Nothing, about, support: Support::Done }
}

/// A flag with a value; `kind` says of what kind in `--help`.
pub const fn value(name: &'static str, kind: &'static str, about: &'static str) -> Flag {
    Flag { takes: Takes::Value(kind), ..switch(name, about) }
}

/// A flag whose value may be left out.
pub const fn perhaps(name: &'static str, kind: &'static str, about: &'static str) -> Flag {
    Flag { takes: Takes::Perhaps(kind), ..switch(name, about) }
}

/// A flag with one value or more.
pub const fn several(name: &'static str, kind: &'static str, about: &'static str) -> Flag {
    Flag { takes: Takes::Several(kind), ..switch(name, about) }
}

/// Where to ask: of every tool that talks to a cluster.
pub const BOOTSTRAP_SERVER: Flag = value("bootstrap-server", "host:port", "Where the cluster is.");

/// How to talk to it: of every admin tool.
pub const COMMAND_CONFIG: Flag = value("command-config", "file", "Settings for the connection.");

impl Flag {
    /// The same with another, short name.
    pub const fn or(self, short: &'static str) -> Flag {
        Flag { short, ..self }
    }

    /// Known, and not supported here: the reason, as in "there is one node".
    pub const fn not_here(self, why: &'static str) -> Flag {
        Flag { support: Support::NotHere(why), ..self }
    }

    /// A retired name of the flag `now`.
    pub const fn renamed(self, now: &'static str) -> Flag {
        Flag { support: Support::Renamed(now), ..self }
    }

    /// Taken and not used: the reason.
    pub const fn ignored(self, why: &'static str) -> Flag {
        Flag { support: Support::Ignored(why), ..self }
    }
}

/// What stood on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The subcommand of a tool that has them.
    pub command: Option<&'static str>,
    /// Words that are no flags, in order.
    pub rest: Vec<String>,
    /// One line each about retired flags that were used: for stderr.
    pub notes: Vec<String>,
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Given {
    /// Whether the flag stood there.
    pub fn has(&self, flag: &str) -> bool {
        self.values.contains_key(flag)
    }

    /// Its values, in order; none if it did not stand there, or without a value.
    pub fn all(&self, flag: &str) -> &[String] {
        self.values.get(flag).map_or(&[], Vec::as_slice)
    }

    /// Its only value.
    ///
    /// # Errors
    /// When it stood there twice.
    pub fn one(&self, flag: &str) -> Result<Option<&str>, Failure> {
        match self.all(flag) {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(Failure::new(format!("Found multiple arguments for option {flag}, but you asked for only one"))),
        }
    }

    /// Its only value as a number or the like.
    ///
    /// # Errors
    /// When it stood there twice or is of another kind; the words are joptsimple's.
    pub fn parsed<T: std::str::FromStr>(&self, flag: &str) -> Result<Option<T>, Failure> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Failure::new(format!("Cannot parse argument '{text}' of option {flag}")))
        };
        self.one(flag)?.map(parse).transpose()
    }

    /// The value of a flag that has a default.
    ///
    /// # Errors
    /// As [`Given::parsed`].
    pub fn parsed_or<T: std::str::FromStr>(&self, flag: &str, default: T) -> Result<T, Failure> {
        Ok(self.parsed(flag)?.unwrap_or(default))
    }

    /// Those of `flags` that stood there.
    pub fn among<'a>(&self, flags: &[&'a str]) -> Vec<&'a str> {
        flags.iter().copied().filter(|flag| self.has(flag)).collect()
    }

    /// Refuses the command line if one of `flags` is missing; the words are Kafka's.
    ///
    /// # Errors
    /// The first that is missing, with the tool's usage.
    pub fn require(&self, flags: &[&str]) -> Result<(), Failure> {
        match flags.iter().find(|flag| !self.has(flag)) {
            Some(flag) => Err(Failure::usage(format!("Missing required argument \"[{flag}]\""))),
            None => Ok(()),
        }
    }

    /// Refuses the command line if `flag` stands there together with one of `others`; the words are Kafka's.
    ///
    /// # Errors
    /// The first of `others` that stands there too, with the tool's usage.
    pub fn exclude(&self, flag: &str, others: &[&str]) -> Result<(), Failure> {
        match others.iter().find(|other| self.has(flag) && self.has(other)) {
            Some(other) => Err(Failure::usage(format!("Option \"[{flag}]\" can't be used with option \"[{other}]\""))),
            None => Ok(()),
        }
    }
}

/// Reads the arguments that follow the tool's name.
///
/// # Errors
/// A flag that Kafka does not know either, with the nearest one that it knows; a missing value; a flag that cannot be done here.
pub fn read(tool: &Tool, arguments: &[String]) -> Result<Given, Failure> {
    let mut given = Given::default();
    let mut words = arguments.iter().peekable();
    while let Some(word) = words.next() {
        if word == "--" {
            given.rest.extend(words.by_ref().cloned());
            break;
        }
        let dashed = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|name| !name.is_empty());
        let Some(dashed) = dashed.filter(|name| !is_number(name)) else {
            match tool.commands.iter().find(|command| given.command.is_none() && command.name == word) {
                Some(command) => given.command = Some(command.name),
                None => given.rest.push(word.clone()),
            }
            continue;
        };
        let (name, inline) = match dashed.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (dashed, None),
        };
        let mut flag = find(tool, given.command, name)?;
        let mut values = Vec::from_iter(inline);
        let is_value = |word: &String| !word.starts_with('-') || is_number(&word[1..]);
        match flag.takes {
            Takes::Nothing => {}
            Takes::Value(_) if values.is_empty() => match words.next() {
                Some(value) => values.push(value.clone()),
                None => return Err(Failure::new(format!("Option {} requires an argument", flag.name))),
            },
            Takes::Perhaps(_) if values.is_empty() => values.extend(words.next_if(|word| is_value(word)).cloned()),
            Takes::Several(_) => {
                while let Some(value) = words.next_if(|word| is_value(word)) {
                    values.push(value.clone());
                }
            }
            Takes::Value(_) | Takes::Perhaps(_) => {}
        }
        match flag.support {
            Support::Done => {}
            Support::NotHere(why) => return Err(Failure::not_here(flag.name, why)),
            Support::Ignored(why) => {
                given.notes.push(format!("--{}: {why}", flag.name));
                continue;
            }
            Support::Renamed(now) => {
                given.notes.push(format!("--{} is called --{now} now", flag.name));
                flag = find(tool, given.command, now)?;
            }
        }
        given.values.entry(flag.name).or_default().append(&mut values);
    }
    Ok(given)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The flag of this name, or the only one that begins with it.
fn find<'a>(tool: &'a Tool, command: Option<&str>, name: &str) -> Result<&'a Flag, Failure> {
    if let Some(flag) = tool.flags(command).find(|flag| flag.name == name || (!name.is_empty() && flag.short == name)) {
        return Ok(flag);
    }
    let mut begin = tool.flags(command).filter(|flag| flag.name.starts_with(name) && flag.support == Support::Done);
    if let (Some(only), None) = (begin.next(), begin.next()) {
        return Ok(only);
    }
    let known = tool.flags(command).filter(|flag| flag.support == Support::Done).map(|flag| flag.name);
    let advice = match nearest(name, known) {
        Some(near) => format!("Did you mean --{near}?"),
        None => format!("{} --help lists what there is.", tool.name),
    };
    Err(Failure::new(format!("{name} is not a recognized option")).advising(advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::{Run, Sub};

    const TOOL: Tool = Tool {
        name: "kafka-test",
        about: "A tool.",
        flags: &[
            switch("list", ""),
            value("topic", "name", ""),
            value("partitions", "n", ""),
            perhaps("state", "s", ""),
            value("bootstrap-server", "host:port", "").or("b"),
            value("broker-list", "host:port", "").renamed("bootstrap-server"),
            value("zookeeper", "host:port", "").ignored("there is none"),
            value("replica-assignment", "ids", "").not_here("there is one node"),
        ],
        commands: &[Sub { name: "describe", about: "", flags: &[switch("status", ""), several("names", "name", "")] }],
        run: Run::Edge,
    };

    fn given(line: &str) -> Result<Given, Failure> {
        read(&TOOL, &line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn values() {
        let check = |line: &str, flag: &str, expected: &[&str]| {
            let given = given(line).unwrap_or_else(|failure| panic!("{line}: {failure:?}"));
            assert!(given.has(flag), "{line}");
            assert_eq!(given.all(flag), expected, "{line}");
        };
        check("--list", "list", &[]);
        check("-list", "list", &[]);
        check("--lis", "list", &[]);
        check("--topic a --topic=b", "topic", &["a", "b"]);
        check("--topic --list", "topic", &["--list"]);
        check("--state --list", "state", &[]);
        check("--state empty --list", "state", &["empty"]);
        check("--partitions -1", "partitions", &["-1"]);
        check("-b x", "bootstrap-server", &["x"]);
        check("--broker-list x", "bootstrap-server", &["x"]);
        check("describe --status", "status", &[]);
        check("describe --names a b --status", "names", &["a", "b"]);
        check("--bootstrap-server x describe --status", "bootstrap-server", &["x"]);
        check("describe --status --bootstrap-server x", "bootstrap-server", &["x"]);
    }

    #[test]
    fn notes_and_the_rest() {
        assert_eq!(given("--broker-list x").unwrap().notes, ["--broker-list is called --bootstrap-server now"]);
        let ignored = given("--zookeeper x --list").unwrap();
        assert_eq!((ignored.notes, ignored.rest), (vec!["--zookeeper: there is none".to_owned()], vec![]));
        assert_eq!(given("a --list -1 -- --topic").unwrap().rest, ["a", "-1", "--topic"]);
        assert_eq!(given("a describe").unwrap().command, Some("describe"));
    }

    #[test]
    fn refusals() {
        let check = |line: &str, says: &str, advises: &str| {
            let failure = given(line).unwrap_err();
            assert_eq!((failure.message.as_str(), failure.advice.as_deref().unwrap_or_default()), (says, advises));
        };
        check("--foo", "foo is not a recognized option", "kafka-test --help lists what there is.");
        check("--tpoic x", "tpoic is not a recognized option", "Did you mean --topic?");
        check("--partition-s 1", "partition-s is not a recognized option", "Did you mean --partitions?");
        check("--topic", "Option topic requires an argument", "");
        check(
            "--list --replica-assignment 1",
            "known, but not supported here: --replica-assignment (there is one node). Nothing was changed.",
            "",
        );
    }

    #[test]
    fn one_value_is_asked_for() {
        let given = given("--topic a --topic b --partitions x").unwrap();
        let says = |failure: Failure| failure.message;
        assert_eq!(
            given.one("topic").map_err(says),
            Err("Found multiple arguments for option topic, but you asked for only one".to_owned())
        );
        assert_eq!(
            given.parsed::<i32>("partitions").map_err(says),
            Err("Cannot parse argument 'x' of option partitions".to_owned())
        );
        assert_eq!(given.one("state").map_err(says), Ok(None));
    }
}
