//! What is told of a record that cannot be processed: to the status, the log and the dead letter queue.
//!
//! Owns Kafka's stages, texts and header names (contract 7.5, 7.6). Leaves tolerance to the task machines.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use crate::config::settings::ErrorSettings;
use crate::data::Fault;
use crate::herder::TaskId;
use crate::record::Batch;

/// Where in its way a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A transform, or its predicate.
    Transformation,
    /// The key's converter.
    KeyConverter,
    /// The value's converter.
    ValueConverter,
    /// The converter of a header.
    HeaderConverter,
    /// The connector's `put`.
    TaskPut,
    /// The way of a source's record into its topic.
    KafkaProduce,
}

impl Stage {
    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::TaskPut => "TASK_PUT",
            Self::KafkaProduce => "KAFKA_PRODUCE",
        }
    }
}

/// A record that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its index in the batch that came in.
    pub index: u32,
    /// Where.
    pub stage: Stage,
    /// The class that was at it.
    pub class: Cow<'static, str>,
    /// What is wrong.
    pub fault: Fault,
}

/// Where a record is from, for people: `t-0 offset 5`, or the topic that a source's record is for.
fn place(records: &Batch, index: usize) -> String {
    let topic = records.topic(index);
    match (records.partition(index), records.offset(index)) {
        (Some(partition), Some(offset)) => format!("the record at {topic}-{partition} offset {offset}"),
        _ => format!("a record for topic {topic}"),
    }
}

impl Failed {
    /// The trace of a task that this record ends.
    pub fn trace(&self, records: &Batch) -> String {
        let Self { index, stage, class, fault } = self;
        if *stage == Stage::KafkaProduce {
            return format!(
                "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback\nCaused by: {fault}"
            );
        }
        let (place, stage) = (place(records, *index as usize), stage.name());
        format!(
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\twhile executing stage {stage} with class '{class}' for {place}\nCaused by: {fault}"
        )
    }

    /// The line of `errors.log.enable`; with `include_messages` it says which record it was, not what was in it.
    pub fn log_line(&self, task: &TaskId, records: &Batch, include_messages: bool) -> String {
        let Self { index, stage, class, fault } = self;
        let (connector, number, stage, at) = (&task.connector, task.task, stage.name(), *index as usize);
        let mut line =
            format!("Error encountered in task {connector}-{number}. Executing stage '{stage}' with class '{class}'");
        match (include_messages, records.offset(at)) {
            (false, _) => {}
            (true, Some(offset)) => {
                let (topic, partition) = (records.topic(at), records.partition(at).unwrap_or(-1));
                let timestamp = records.timestamp(at).unwrap_or(-1);
                line.push_str(&format!(", where consumed record is {{topic='{topic}', partition={partition}, offset={offset}, timestamp={timestamp}, timestampType=CreateTime}}"));
            }
            (true, None) => {
                let topic = records.topic(at);
                line.push_str(&format!(", where source record is {{topic='{topic}'}}"));
            }
        }
        format!("{line}. ({fault})")
    }

    /// Kafka's context headers of a dead letter: name and text.
    pub fn context_headers(&self, task: &TaskId, records: &Batch) -> Vec<(String, String)> {
        let Self { index, stage, class, fault } = self;
        let at = *index as usize;
        let header = |name: &str, value: String| (format!("__connect.errors.{name}"), value);
        [
            header("topic", records.topic(at).into()),
            header("partition", format!("{}", records.partition(at).unwrap_or(-1))),
            header("offset", format!("{}", records.offset(at).unwrap_or(-1))),
            header("connector.name", task.connector.clone()),
            header("task.id", format!("{}", task.task)),
            header("stage", stage.name().into()),
            header("class.name", class.clone().into_owned()),
            header("exception.class.name", fault.class.into()),
            header("exception.message", fault.message.clone()),
            header("exception.stacktrace", format!("{fault}\n")),
        ]
        .into()
    }
}

/// What a task does about records that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    /// They are left out, and the task goes on.
    pub tolerate: bool,
    /// Each gets a line in the log.
    pub log: bool,
    /// Which says which record it was.
    pub log_messages: bool,
}

impl From<ErrorSettings> for Policy {
    fn from(settings: ErrorSettings) -> Self {
        Self { tolerate: settings.tolerate, log: settings.log, log_messages: settings.log_messages }
    }
}
