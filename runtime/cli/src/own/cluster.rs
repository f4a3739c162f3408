//! Which cluster a command of ours talks to.
//!
//! Invariant: without a word it is the broker on this machine, where `connectd` itself would start one.

use crate::{admin::Admin, connection::Connection, failure::Failure, world::World};

/// The broker on this machine.
pub const HERE: &str = "localhost:9092";

/// How to reach it.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Where the cluster is
    #[arg(short, long, global = true, value_name = "HOST:PORT", default_value = HERE, help_heading = "Cluster")]
    pub bootstrap_server: String,
    /// Settings for the connection, as Kafka's clients have them
    #[arg(long, global = true, value_name = "FILE", help_heading = "Cluster")]
    pub command_config: Option<String>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { bootstrap_server: HERE.into(), command_config: None }
    }
}

impl Cluster {
    /// A client; `call` is what the Java client calls what is done first.
    ///
    /// # Errors
    /// An address without a port, a file that cannot be read, settings that cannot be honoured.
    pub fn admin<'w>(&self, world: &'w mut dyn World, call: &'static str) -> Result<Admin<'w>, Failure> {
        let connection = Connection::to(Some(&self.bootstrap_server), self.command_config.as_deref(), world)?;
        Ok(Admin::over(connection, world, call))
    }
}
