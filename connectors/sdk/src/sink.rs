//! Sink connectors: what their author writes.

use crate::{About, Batch, Config, Definition, Error, Issue, RawConfig, TopicPartition, TpOffset};

/// Records that could not be put, by their index in the batch; empty if all were accepted.
pub type Put = Vec<(u32, Error)>;

/// A sink connector; one value of it is one task.
pub trait SinkConnector: Sized + 'static {
    /// Who it is and what it wants.
    fn about() -> About;

    /// Its configuration.
    fn definition() -> Definition;

    /// What is wrong with a configuration beyond what the definition says.
    fn validate(_config: &Config) -> Vec<Issue> {
        Vec::new()
    }

    /// Configurations of its tasks; one task unless it says otherwise.
    fn task_configs(config: &Config, _max_tasks: u32) -> Result<Vec<RawConfig>, Error> {
        Ok(vec![config.raw().clone()])
    }

    /// Somebody alters its offsets: an error refuses it. True if something kept elsewhere was altered, too.
    fn alter_offsets(_config: &Config) -> Result<bool, Error> {
        Ok(true)
    }

    /// Starts a task.
    fn start(config: &Config) -> Result<Self, Error>;

    /// It gets these partitions from now on.
    fn open(&mut self, _partitions: &[TopicPartition]) -> Result<(), Error> {
        Ok(())
    }

    /// Takes records. After a retriable error the same batch comes again.
    fn put(&mut self, batch: &Batch) -> Result<Put, Error>;

    /// Makes durable what was put, and returns the offsets that may be committed: `current` are those after everything that
    /// was put. None: commit nothing now.
    fn pre_commit(&mut self, current: Vec<TpOffset>) -> Result<Vec<TpOffset>, Error> {
        Ok(current)
    }

    /// It gets these partitions no more.
    fn close(&mut self, _partitions: &[TopicPartition]) -> Result<(), Error> {
        Ok(())
    }

    /// Takes a new configuration without a restart; false: restart it.
    fn reconfigure(&mut self, _config: &Config) -> Result<bool, Error> {
        Ok(false)
    }

    /// The task ends.
    fn stop(&mut self) {}
}
