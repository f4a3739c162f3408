//! A connector's control plane.

use crate::bindings::exports::connect::connector::connector as wit;
use crate::convert;
use crate::env::Request;
use crate::error::HostError;
use crate::instance::{Instance, call};
use crate::plugin::role_param;
use runtime_core::exchange::AlteredOffsets;
use runtime_core::plugin::Role;

/// One instance of a connector: gives the configurations of its tasks. After any [`HostError`] but
/// [`HostError::Connector`] every call gives [`HostError::Gone`].
pub struct Connector {
    pub(crate) instance: Instance,
    pub(crate) exports: wit::Guest,
}

impl Connector {
    /// Starts it as `role`.
    pub async fn start(&mut self, role: Role, config: &[(String, String)]) -> Result<(), HostError> {
        let config = convert::config(config);
        let role = role_param(role);
        Ok(call!(self, "connector.start", |store| self.exports.call_start(store, role, &config))?
            .map_err(convert::error)?)
    }

    /// Configurations of at most `max_tasks` tasks; `previous` are those of the last time, for stable assignments.
    pub async fn task_configs(
        &mut self,
        max_tasks: u32,
        previous: &[Vec<(String, String)>],
    ) -> Result<Vec<Vec<(String, String)>>, HostError> {
        let previous: Vec<_> = previous.iter().map(|config| convert::config(config)).collect();
        let previous: Vec<_> = previous.iter().map(Vec::as_slice).collect();
        Ok(call!(self, "connector.task-configs", |store| {
            self.exports.call_task_configs(store, max_tasks, &previous)
        })?
        .map_err(convert::error)?)
    }

    /// Stops it.
    pub async fn stop(&mut self) -> Result<(), HostError> {
        Ok(call!(self, "connector.stop", |store| self.exports.call_stop(store))?.map_err(convert::error)?)
    }

    /// Tells it that somebody alters its offsets; it may refuse. True if it altered what it keeps elsewhere, too. Needs no
    /// start.
    pub async fn alter_offsets(
        &mut self,
        config: &[(String, String)],
        offsets: &AlteredOffsets,
    ) -> Result<bool, HostError> {
        let config = convert::config(config);
        let lent = Lent::of(offsets);
        let source: Vec<wit::SourceOffset<'_>>;
        let sink: Vec<wit::SinkOffset<'_>>;
        let altered = match offsets {
            AlteredOffsets::Source(_) => {
                source = lent.source();
                wit::Altered::Source(&source)
            }
            AlteredOffsets::Sink(offsets) => {
                sink = offsets.iter().map(|(tp, offset)| sink_offset(tp, *offset)).collect();
                wit::Altered::Sink(&sink)
            }
        };
        Ok(call!(self, "connector.alter-offsets", |store| self.exports.call_alter_offsets(store, &config, altered))?
            .map_err(convert::error)?)
    }

    /// What it asked of the runtime since the last time.
    pub fn take_requests(&mut self) -> Vec<Request> {
        self.instance.take_requests()
    }
}

type Entry<'a> = (&'a str, crate::bindings::connect::connector::types::ScalarParam<'a>);

/// Source offsets on their way to being lent.
struct Lent<'a>(Vec<(Vec<Entry<'a>>, Option<Vec<Entry<'a>>>)>);

impl<'a> Lent<'a> {
    fn of(offsets: &'a AlteredOffsets) -> Self {
        let AlteredOffsets::Source(offsets) = offsets else { return Self(Vec::new()) };
        let lend = |(partition, offset): &'a (_, Option<_>)| {
            (convert::scalar_map_param(partition), offset.as_ref().map(convert::scalar_map_param))
        };
        Self(offsets.iter().map(lend).collect())
    }

    fn source(&'a self) -> Vec<wit::SourceOffset<'a>> {
        let offset = |(partition, offset): &'a (Vec<Entry<'a>>, Option<Vec<Entry<'a>>>)| wit::SourceOffset {
            partition,
            offset: offset.as_deref(),
        };
        self.0.iter().map(offset).collect()
    }
}

fn sink_offset(tp: &runtime_core::exchange::TopicPartition, offset: Option<i64>) -> wit::SinkOffset<'_> {
    wit::SinkOffset { tp: convert::topic_partition_param(tp), offset }
}
