//! Who the task is, what was committed for it, and what it asks of the runtime.

use crate::bindings::connect::connector::types::{Error, ScalarMapResult, TopicPartitionResult, TpOffsetResult};
use crate::bindings::connect::connector::{connector_context, sink_context, source_context, task_context};
use crate::convert;
use crate::env::Request;
use crate::store::TaskData;
use runtime_core::scalar;

impl task_context::Host for TaskData {
    fn connector_name(&mut self) -> wasmtime::Result<String> {
        Ok(self.env.connector.clone())
    }

    fn task_id(&mut self) -> wasmtime::Result<u32> {
        Ok(self.env.task)
    }

    fn current_config(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.env.config.clone())
    }

    fn stopping(&mut self) -> wasmtime::Result<bool> {
        Ok(self.env.stop.is_set())
    }

    fn clock_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(self.started.elapsed().as_millis() as u64)
    }
}

impl source_context::Host for TaskData {
    fn offsets(&mut self, partitions: Vec<ScalarMapResult>) -> wasmtime::Result<Vec<Option<ScalarMapResult>>> {
        let mut offsets = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let offset = self.env.offsets.get(&convert::scalar_map(partition));
            // The same large offset can be asked for any number of times.
            self.allowance.take(offset.map_or(0, scalar::bytes))?;
            offsets.push(offset.map(convert::scalar_map_result));
        }
        Ok(offsets)
    }
}

impl sink_context::Host for TaskData {
    fn assignment(&mut self) -> wasmtime::Result<Vec<TopicPartitionResult>> {
        Ok(self.env.assignment.iter().map(convert::topic_partition_result).collect())
    }

    fn pause(&mut self, tps: Vec<TopicPartitionResult>) -> wasmtime::Result<()> {
        self.request(Request::Pause(tps.into_iter().map(convert::topic_partition).collect()))
    }

    fn resume(&mut self, tps: Vec<TopicPartitionResult>) -> wasmtime::Result<()> {
        self.request(Request::Resume(tps.into_iter().map(convert::topic_partition).collect()))
    }

    fn seek(&mut self, offsets: Vec<TpOffsetResult>) -> wasmtime::Result<()> {
        self.request(Request::Seek(offsets.into_iter().map(convert::tp_offset).collect()))
    }

    fn request_commit(&mut self) -> wasmtime::Result<()> {
        self.request(Request::Commit)
    }

    fn retry_after(&mut self, ms: u32) -> wasmtime::Result<()> {
        self.request(Request::RetryAfter(ms))
    }

    fn report_errant(&mut self, index: u32, e: Error) -> wasmtime::Result<()> {
        self.request(Request::Errant { index, error: convert::error(e) })
    }
}

impl connector_context::Host for TaskData {
    fn request_task_reconfiguration(&mut self) -> wasmtime::Result<()> {
        self.request(Request::ReconfigureTasks)
    }

    fn raise(&mut self, e: Error) -> wasmtime::Result<()> {
        self.request(Request::Raise(convert::error(e)))
    }
}
