//! What a Kafka-named tool is, and how any of them runs: flags, help, version, the end.
//!
//! Owns the frame. Leaves what a tool does to its own file. Invariant: whatever happens, the tool ends with Kafka's exit code, Kafka's
//! line where Kafka puts it, and ours on stderr.

use crate::{
    failure::Failure,
    flags::{self, Flag, Given, Takes},
    world::World,
};

/// Kafka's version, which `--version` prints.
pub const VERSION: &str = "4.3.0";

/// One tool.
#[derive(Clone, Copy)]
pub struct Tool {
    /// Its name, such as `kafka-topics`.
    pub name: &'static str,
    /// One sentence for `--help`.
    pub about: &'static str,
    /// Its flags.
    pub flags: &'static [Flag],
    /// Its subcommands; most tools have none.
    pub commands: &'static [Sub],
    /// How it does its work.
    pub run: Run,
}

/// A subcommand, such as `format` of `kafka-storage`.
#[derive(Clone, Copy)]
pub struct Sub {
    /// Its name.
    pub name: &'static str,
    /// One sentence for `--help`.
    pub about: &'static str,
    /// Its flags, beside those of the tool.
    pub flags: &'static [Flag],
}

/// How a tool does its work.
#[derive(Clone, Copy)]
pub enum Run {
    /// Here, from its first to its last line; gives the exit code.
    Here(fn(&Given, &mut dyn World) -> Result<u8, Failure>),
    /// In the binary, which knows it by name: what lives on threads and client libraries.
    Edge,
    /// Nowhere: Kafka has a tool of this name, and this is why there is none here.
    Nowhere(&'static str),
}

impl Tool {
    /// The flags that may stand on its command line, `command` being the subcommand that stands there already.
    pub fn flags(&self, command: Option<&str>) -> impl Iterator<Item = &'static Flag> {
        let sub = self.commands.iter().find(|sub| Some(sub.name) == command).map_or(&[][..], |sub| sub.flags);
        sub.iter().chain(self.flags).chain(&COMMON)
    }

    /// Reads the arguments, answers `--help` and `--version`, and says what is to be said about retired flags. `Err` is the exit code of
    /// a tool that has nothing more to do.
    pub fn begin(&self, arguments: &[String], world: &mut dyn World) -> Result<Given, u8> {
        let given = flags::read(self, arguments).map_err(|failure| self.end(failure, world))?;
        if given.has("help") {
            // Kafka's tools with subcommands count this as success, the others as a command line that cannot be used.
            let is_success = !self.commands.is_empty();
            if is_success {
                world.out(&self.help())
            } else {
                world.err(&self.help())
            }
            return Err(u8::from(!is_success));
        }
        if given.has("version") {
            world.out(&format!("{VERSION}\n"));
            return Err(0);
        }
        given.notes.iter().for_each(|note| world.err(&format!("{}: {note}\n", self.name)));
        Ok(given)
    }

    /// Runs a tool that does not need the binary; gives the exit code.
    ///
    /// # Panics
    /// For a tool of [`Run::Edge`].
    pub fn run(&self, arguments: &[String], world: &mut dyn World) -> u8 {
        let run = match self.run {
            Run::Here(run) => run,
            Run::Edge => panic!("{} runs in the binary", self.name),
            Run::Nowhere(why) => {
                let message = format!("known, but not supported here: {} ({why}). Nothing was changed.", self.name);
                return self.end(Failure::new(message), world);
            }
        };
        match self.begin(arguments, world) {
            Ok(given) => run(&given, world).unwrap_or_else(|failure| self.end(failure, world)),
            Err(code) => code,
        }
    }

    /// Says how it ended; gives the exit code.
    pub fn end(&self, failure: Failure, world: &mut dyn World) -> u8 {
        world.out(&failure.stdout);
        if failure.with_usage {
            world.err(&format!("{}\n{}", failure.message, self.help()));
        } else if !failure.message.is_empty() {
            world.err(&format!("{}: {}\n", self.name, failure.java()));
        }
        if let Some(advice) = &failure.advice {
            world.err(&format!("{}: {advice}\n", self.name));
        }
        failure.exit
    }

    /// The text of `--help`.
    pub fn help(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.about, self.usage());
        for sub in self.commands {
            text.push_str(&format!("\n{} {}: {}\n", self.name, sub.name, sub.about));
            sub.flags.iter().for_each(|flag| text.push_str(&row(flag)));
        }
        text.push('\n');
        self.flags.iter().chain(&COMMON).for_each(|flag| text.push_str(&row(flag)));
        text
    }

    fn usage(&self) -> String {
        let commands: Vec<&str> = self.commands.iter().map(|sub| sub.name).collect();
        match commands.as_slice() {
            [] => format!("Usage: {} [flags]", self.name),
            commands => format!("Usage: {} {{{}}} [flags]", self.name, commands.join(",")),
        }
    }
}

const COMMON: [Flag; 2] = [
    flags::switch("help", "Print this.").or("h"),
    flags::switch("version", "Print the version of Kafka whose tools these are."),
];

/// Columns of the flags in `--help`.
const COLUMN: usize = 34;

fn row(flag: &Flag) -> String {
    let mut name = format!("  --{}", flag.name);
    if !flag.short.is_empty() {
        name = format!("  -{}, --{}", flag.short, flag.name);
    }
    match flag.takes {
        Takes::Nothing => {}
        Takes::Value(kind) => name.push_str(&format!(" <{kind}>")),
        Takes::Perhaps(kind) => name.push_str(&format!(" [{kind}]")),
        Takes::Several(kind) => name.push_str(&format!(" <{kind}> ...")),
    }
    let about = match flag.support {
        flags::Support::Done => flag.about.to_owned(),
        flags::Support::NotHere(why) => format!("Not supported here: {why}."),
        flags::Support::Renamed(now) => format!("Old name of --{now}."),
        flags::Support::Ignored(why) => format!("Not used: {why}."),
    };
    if name.len() < COLUMN { format!("{name:<COLUMN$} {about}\n") } else { format!("{name}\n{:COLUMN$} {about}\n", "") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kafka, world::Silent};

    #[test]
    fn what_is_not_here_says_why() {
        let mut world = Silent::default();
        let tool = kafka::find("kafka-acls").expect("its name is known");
        assert_eq!(tool.run(&["--list".to_owned()], &mut world), 1);
        assert!(world.out.is_empty() && world.err.contains("authenticate"), "{}", world.err);
    }

    #[test]
    fn every_tool_has_help_and_a_version() {
        for tool in kafka::TOOLS {
            let help = tool.help();
            assert!(tool.flags.iter().all(|flag| help.contains(&format!("--{}", flag.name))), "{help}");
            let mut world = Silent::default();
            assert_eq!(tool.begin(&["--version".to_owned()], &mut world), Err(0), "{}", tool.name);
            assert_eq!(world.out, "4.3.0\n");
        }
    }

    #[test]
    fn a_retired_name_leads_to_a_flag_that_works() {
        for tool in kafka::TOOLS {
            for flag in tool.flags {
                if let flags::Support::Renamed(now) = flag.support {
                    let found = tool.flags.iter().find(|flag| flag.name == now);
                    let works = found.is_some_and(|found| found.support == flags::Support::Done);
                    assert!(works, "{}: --{} leads to --{now}", tool.name, flag.name);
                }
            }
        }
    }
}
