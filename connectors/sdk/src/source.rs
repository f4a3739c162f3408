//! Source connectors: what their author writes.

use crate::{About, Ack, Config, Definition, EosSupport, Error, Issue, RawConfig, Records, ScalarMap};

/// A source partition and the offset that somebody wants to set for it; none: forget it.
pub use crate::bindings::base::exports::connect::connector::connector::SourceOffset;

/// The answer to a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// What was pushed is all for now; if nothing was, poll again soon.
    Ready,
    /// Poll again after so many milliseconds, or sooner if a file changed. What was pushed is sent first.
    Idle(u32),
    /// There is nothing to come, ever again.
    Finished,
}

/// A source connector; one value of it is one task.
pub trait SourceConnector: Sized + 'static {
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
    fn alter_offsets(_config: &Config, _offsets: &[SourceOffset]) -> Result<bool, Error> {
        Ok(false)
    }

    /// Whether nothing comes twice if offsets are committed with the records.
    fn exactly_once(_config: &Config) -> EosSupport {
        EosSupport::Unsupported
    }

    /// Starts a task.
    fn start(config: &Config) -> Result<Self, Error>;

    /// Pushes records, with a checkpoint behind those from which it could go on. Never waits.
    fn poll(&mut self, out: &mut Records) -> Result<Poll, Error>;

    /// Records of earlier polls were delivered, filtered or skipped.
    fn acked(&mut self, _acks: &[Ack]) -> Result<(), Error> {
        Ok(())
    }

    /// Offsets are durable.
    fn committed(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Takes a new configuration without a restart; false: restart it.
    fn reconfigure(&mut self, _config: &Config) -> Result<bool, Error> {
        Ok(false)
    }

    /// The task ends.
    fn stop(&mut self) {}
}

/// A source partition or offset of one entry.
pub fn map(name: &str, value: crate::Scalar) -> ScalarMap {
    vec![(name.to_owned(), value)]
}
