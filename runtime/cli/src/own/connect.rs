//! `connectd connect`: connectors of a worker, over its REST API; any worker that speaks Kafka Connect's.
//!
//! Owns its flags. Leaves showing to [`show`], changing to [`change`], connectors' files to [`file`]. Invariant: with `--dry-run` nothing is
//! changed, and what is printed begins with "would".

use super::{
    outcome::{Common, Done},
    rest::{Rest, Worker},
};
use crate::world::World;

mod change;
mod file;
mod show;

/// `connectd connect`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Connectors {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    worker: Worker,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Connectors, and whether to do it.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
struct Named {
    /// The connectors
    #[arg(value_name = "CONNECTOR", required = true)]
    names: Vec<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Connectors' files, and whether to do it.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
struct Files {
    /// Properties or JSON, a file per connector
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
enum Action {
    /// List connectors and their states
    List,
    /// Show the states of connectors and tasks, and why what failed has failed
    Status {
        /// The connectors
        #[arg(value_name = "CONNECTOR", required = true)]
        names: Vec<String>,
    },
    /// Create connectors from their files
    Create(Files),
    /// Create connectors, or change them to what their files say
    Apply(Files),
    /// Show what `apply` would change
    Diff {
        /// Properties or JSON, a file per connector
        #[arg(value_name = "FILE", required = true)]
        files: Vec<String>,
    },
    /// Say what is wrong with a connector's file
    Validate {
        /// Properties or JSON
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Pause connectors: their tasks stay, and do nothing
    Pause(Named),
    /// Go on after `pause` or `stop`
    Resume(Named),
    /// Stop connectors: their tasks end
    Stop(Named),
    /// Restart connectors and their tasks
    Restart {
        #[command(flatten)]
        named: Named,
        /// Only what has failed
        #[arg(long)]
        only_failed: bool,
        /// Only this task of each
        #[arg(long, value_name = "NUMBER", conflicts_with = "only_failed")]
        task: Option<u32>,
    },
    /// Delete connectors; their offsets stay
    Delete(Named),
    /// Show, set or forget the offsets of a connector
    Offsets {
        /// The connector
        #[arg(value_name = "CONNECTOR")]
        name: String,
        /// Set them to those in a JSON file, in the form in which they are shown with --json; the connector must be stopped
        #[arg(long, value_name = "FILE", conflicts_with = "reset")]
        set: Option<String>,
        /// Forget them; the connector must be stopped
        #[arg(long)]
        reset: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Print a connector's configuration as a properties file
    Export {
        /// The connector
        #[arg(value_name = "CONNECTOR")]
        name: String,
    },
}

impl Connectors {
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::List => "connect list",
            Action::Status { .. } => "connect status",
            Action::Create(_) => "connect create",
            Action::Apply(_) => "connect apply",
            Action::Diff { .. } => "connect diff",
            Action::Validate { .. } => "connect validate",
            Action::Pause(_) => "connect pause",
            Action::Resume(_) => "connect resume",
            Action::Stop(_) => "connect stop",
            Action::Restart { .. } => "connect restart",
            Action::Delete(_) => "connect delete",
            Action::Offsets { .. } => "connect offsets",
            Action::Export { .. } => "connect export",
        }
    }

    pub(super) fn run(&self, world: &mut dyn World) -> Done {
        let rest = &mut Rest::new(&self.worker, world)?;
        match &self.action {
            Action::List => show::list(rest),
            Action::Status { names } => show::status(rest, names),
            Action::Create(Files { files, dry_run }) => change::create(rest, files, *dry_run),
            Action::Apply(Files { files, dry_run }) => change::apply(rest, files, *dry_run),
            Action::Diff { files } => change::apply(rest, files, true),
            Action::Validate { file } => file::validate(rest, file),
            Action::Pause(named) => change::state(rest, named, change::PAUSE),
            Action::Resume(named) => change::state(rest, named, change::RESUME),
            Action::Stop(named) => change::state(rest, named, change::STOP),
            Action::Restart { named, only_failed, task } => change::restart(rest, named, *only_failed, *task),
            Action::Delete(named) => change::state(rest, named, change::DELETE),
            Action::Offsets { name, set, reset, dry_run } => match (set, reset) {
                (Some(file), _) => change::set_offsets(rest, name, file, *dry_run),
                (None, true) => change::forget_offsets(rest, name, *dry_run),
                (None, false) => show::offsets(rest, name),
            },
            Action::Export { name } => show::export(rest, name),
        }
    }
}
