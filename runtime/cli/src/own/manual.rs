//! `connectd completions SHELL` and `connectd man [DIR]`: made from the same tables that the command line is read by.
//!
//! Owns Kafka's tools as clap has commands, for completions and pages alone. Invariant: every command and every flag is in both.

use clap::{Arg, ArgAction, Command, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};
use clap_mangen::Man as Page;
use runtime_core::complaint::Complaint;
use serde_json::json;

use super::outcome::{Common, Done, Outcome, input};
use crate::{
    arguments::Arguments,
    flags::{Flag, Support, Takes},
    kafka,
    tool::Tool,
    world::World,
};

/// `connectd completions`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: For,
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum For {
    /// eval "$(connectd completions bash)" in ~/.bashrc
    Bash,
    /// connectd completions zsh > _connectd in a folder of $fpath
    Zsh,
    /// connectd completions fish > ~/.config/fish/completions/connectd.fish
    Fish,
    /// connectd completions powershell | Out-String | Invoke-Expression
    Powershell,
}

impl Completions {
    pub(super) fn run(&self) -> Outcome {
        let shell = match self.shell {
            For::Bash => Shell::Bash,
            For::Zsh => Shell::Zsh,
            For::Fish => Shell::Fish,
            For::Powershell => Shell::PowerShell,
        };
        let mut script = Vec::new();
        generate(shell, &mut whole(), "connectd", &mut script);
        Outcome::new(json!(null), String::from_utf8_lossy(&script))
    }
}

/// `connectd man`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Man {
    /// Write a page per command there, as in /usr/local/share/man/man1 [default: print connectd's]
    #[arg(value_name = "DIR")]
    folder: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

impl Man {
    pub(super) fn run(&self, world: &mut dyn World) -> Done {
        let pages = pages(&whole(), "connectd");
        let Some(folder) = &self.folder else {
            let (name, page) = pages.into_iter().next().expect("connectd has a page");
            return Ok(Outcome::new(json!({ "name": name, "page": page }), page));
        };
        let mut names = Vec::new();
        for (name, page) in pages {
            let path = format!("{}/{name}.1", folder.trim_end_matches('/'));
            world
                .write(&path, page.as_bytes())
                .map_err(|why| input(Complaint::new("the manual was not written").at(&path).because(why)))?;
            names.push(name);
        }
        let text = format!("{} pages are in {folder}: try man {folder}/connectd.1\n", names.len());
        Ok(Outcome::new(json!({ "folder": folder, "pages": names }), text))
    }
}

/// Our commands, and Kafka's tools beside them.
fn whole() -> Command {
    let tools = kafka::TOOLS.iter().map(|tool| of_tool(tool));
    Arguments::command().subcommands(tools)
}

/// A tool of Kafka's as clap has a command. It is read by [`crate::flags`], not by this.
fn of_tool(tool: &Tool) -> Command {
    let flags = |flags: &'static [Flag]| flags.iter().filter(|flag| flag.support == Support::Done).map(of_flag);
    let subs = tool.commands.iter().map(|sub| Command::new(sub.name).about(sub.about).args(flags(sub.flags)));
    Command::new(tool.name).about(tool.about).args(flags(tool.flags)).subcommands(subs)
}

fn of_flag(flag: &'static Flag) -> Arg {
    let arg = Arg::new(flag.name).long(flag.name).help(flag.about);
    let arg = match flag.short.chars().next() {
        Some(letter) if flag.short.len() == 1 && letter != 'h' => arg.short(letter),
        _ => arg,
    };
    match flag.takes {
        Takes::Nothing => arg.action(ArgAction::SetTrue),
        Takes::Value(kind) => arg.value_name(kind).action(ArgAction::Append),
        Takes::Perhaps(kind) => arg.value_name(kind).num_args(0..=1),
        Takes::Several(kind) => arg.value_name(kind).num_args(1..),
    }
}

/// Names and pages: of the command and of all below it.
fn pages(command: &Command, name: &str) -> Vec<(String, String)> {
    let mut page = Vec::new();
    // clap wants a name that lives as long as the program: there are some sixty, once in a run.
    let title: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let named = command.clone().name(title).disable_help_flag(true);
    Page::new(named).render(&mut page).expect("a vector takes what is written");
    let below = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let below = below.flat_map(|sub| {
        let is_tool = kafka::find(sub.get_name()).is_some();
        let name = if is_tool { sub.get_name().to_owned() } else { format!("{name}-{}", sub.get_name()) };
        pages(sub, &name)
    });
    let mut all = vec![(name.to_owned(), String::from_utf8_lossy(&page).into_owned())];
    all.extend(below);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Silent;

    #[test]
    fn every_shell_knows_commands_and_flags() {
        for shell in [For::Bash, For::Zsh, For::Fish, For::Powershell] {
            let script = Completions { shell }.run().text;
            for word in ["topic", "consume", "dry-run", "kafka-topics", "bootstrap-server", "replication-factor"] {
                assert!(script.contains(word), "{shell:?}: {word}");
            }
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let pages = pages(&whole(), "connectd");
        let has = |name: &str| pages.iter().any(|(found, page)| found == name && page.contains(".TH "));
        for name in ["connectd", "connectd-topic", "connectd-topic-create", "connectd-connect-status", "kafka-topics"] {
            assert!(has(name), "{name}");
        }
        let mut world = Silent::default();
        let refused = Man { folder: Some("x".into()), common: Common::default() }.run(&mut world).unwrap_err();
        assert_eq!(refused.complaint.why, ["read-only"]);
    }

    /// Every leaf of our tree can answer in JSON, but for those whose result is something else by nature.
    #[test]
    fn every_command_answers_in_json() {
        const OTHERS: [&str; 5] = ["standalone", "broker", "demo", "install", "completions"];
        fn check(command: &Command, is_above: bool) {
            let has = is_above || command.get_arguments().any(|arg| arg.get_id() == "json");
            let mut below = command.get_subcommands().peekable();
            if below.peek().is_none() && !OTHERS.contains(&command.get_name()) {
                assert!(has, "{}", command.get_name());
            }
            below.for_each(|sub| check(sub, has));
        }
        Arguments::command().get_subcommands().for_each(|sub| check(sub, false));
    }
}
