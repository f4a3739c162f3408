//! connectd's own commands: nouns and verbs, `--json`, `--dry-run`, one way to complain.
//!
//! Owns which commands there are and how they run. Leaves each to its file, what they ask of a cluster to the modules that Kafka's tools
//! ask it through too. Reading order: [`outcome`] is how any of them ends, [`topic`] the first of them.
//! Invariant: stdout holds results, stderr talk; with `--json` stdout holds one object, or one per record.

use crate::world::World;

pub mod cluster;
pub mod config;
pub mod connect;
pub mod doctor;
pub mod group;
pub mod manual;
pub mod outcome;
mod place;
pub mod plugin;
pub mod records;
pub mod rest;
mod scaffold;
pub mod topic;
pub mod trial;

/// A command.
#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// List, describe, create, change and delete topics
    Topic(topic::Topics),
    /// List and describe groups, move their offsets, delete them
    Group(group::Groups),
    /// Send records to a topic
    Produce(records::Produce),
    /// Print the records of a topic
    Consume(records::Consume),
    /// Create, watch and change a worker's connectors
    Connect(connect::Connectors),
    /// List and describe connector classes, validate components, begin a new one
    Plugin(plugin::Plugins),
    /// Run a connector on a few records, without a worker or a broker
    Try(trial::Try),
    /// Explain settings, check files of them
    Config(config::Config),
    /// Check whether connectd can run here, and say what to do if not
    Doctor(doctor::Doctor),
    /// Print completions for a shell
    Completions(manual::Completions),
    /// Print the manual, or write its pages to a folder
    Man(manual::Man),
}

impl Own {
    /// Its name, as in `topic list`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Topic(topics) => topics.name(),
            Self::Group(groups) => groups.name(),
            Self::Produce(_) => "produce",
            Self::Consume(_) => "consume",
            Self::Connect(connectors) => connectors.name(),
            Self::Plugin(plugins) => plugins.name(),
            Self::Try(_) => "try",
            Self::Config(config) => config.name(),
            Self::Doctor(_) => "doctor",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// How its end is shown.
    pub fn common(&self) -> outcome::Common {
        match self {
            Self::Topic(topics) => topics.common.clone(),
            Self::Group(groups) => groups.common.clone(),
            Self::Produce(produce) => produce.common.clone(),
            Self::Consume(consume) => consume.common.clone(),
            Self::Connect(connectors) => connectors.common.clone(),
            Self::Plugin(plugins) => plugins.common.clone(),
            Self::Try(trial) => trial.common.clone(),
            Self::Config(config) => config.common.clone(),
            Self::Doctor(doctor) => doctor.common.clone(),
            Self::Completions(_) => outcome::Common::default(),
            Self::Man(man) => man.common.clone(),
        }
    }

    /// Runs a command that does not need the binary.
    ///
    /// # Panics
    /// For one that does: produce, consume, try, config, doctor, and plugin validate.
    pub fn run(&self, world: &mut dyn World) -> outcome::Done {
        match self {
            Self::Topic(topics) => topics.run(world),
            Self::Group(groups) => groups.run(world),
            Self::Connect(connectors) => connectors.run(world),
            Self::Plugin(plugins) => plugins.run(world),
            Self::Completions(completions) => Ok(completions.run()),
            Self::Man(man) => man.run(world),
            Self::Produce(_) | Self::Consume(_) | Self::Try(_) | Self::Config(_) | Self::Doctor(_) => {
                unreachable!("{} runs in the binary", self.name())
            }
        }
    }
}

/// `name=value` of a command line.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// `topic "a" was`, `topics "a", "b" were`: the subject of a complaint.
fn listed(noun: &str, names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.as_slice() {
        [one] => format!("{noun} {one} was"),
        all => format!("{noun}s {} were", all.join(", ")),
    }
}
