//! `connectd produce` and `connectd consume`: records in and out of a topic.
//!
//! Owns their flags, turned into what Kafka's console tools are asked, so that the same code runs both. Leaves that to the binary.
//! Invariant: a consumer without a group reads every partition by itself and commits nothing.

use runtime_core::complaint::Complaint;
use serde_json::json;

use super::{
    cluster::Cluster,
    outcome::{Common, Done, Outcome, Refused, because, input},
    place::Place,
};
use crate::{
    failure::Failure,
    kafka::{
        client_options::{self, Pairs},
        console_consumer::{self, From, Start},
        console_producer::{self, Line, Reader},
        formatter::Formatter,
    },
    world::World,
};

/// `connectd produce`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Produce {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Values, a record each [default: the lines of standard input]
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    /// The key of every record
    #[arg(short, long, value_name = "KEY", conflicts_with = "separator")]
    key: Option<String>,
    /// What stands between key and value in every line
    #[arg(short, long, value_name = "TEXT")]
    separator: Option<String>,
    /// A header of every record
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = super::pair)]
    headers: Vec<(String, String)>,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    pub(super) common: Common,
}

/// `connectd consume`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Consume {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Where to begin: start, end, an offset, -N records before the end, @TIME (2026-01-31T12:00:00.000) or @-PT1H
    #[arg(short, long, value_name = "WHERE", default_value = "start", allow_hyphen_values = true)]
    offset: String,
    /// Only this partition
    #[arg(short, long, value_name = "NUMBER", conflicts_with = "group")]
    partition: Option<i32>,
    /// End after so many records
    #[arg(short = 'n', long, value_name = "COUNT")]
    number: Option<u64>,
    /// End at the end of the topic, in place of waiting for more
    #[arg(short, long)]
    exit: bool,
    /// What to print of a record: %v value, %k key, %t topic, %p partition, %o offset, %T time, %h headers, \n, \t, %%
    #[arg(short, long, value_name = "FORMAT", default_value = "%v\\n", conflicts_with = "json")]
    format: String,
    /// Read as a member of this group, from where it is, and commit what was printed
    #[arg(short, long, value_name = "GROUP")]
    group: Option<String>,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Settings of a client: those of the file, and where the cluster is.
fn settings(cluster: &Cluster, id: &str, world: &mut dyn World) -> Result<Pairs, Failure> {
    let mut settings = match &cluster.command_config {
        Some(path) => client_options::file(path, world)?,
        None => Pairs::new(),
    };
    settings.insert("bootstrap.servers".into(), cluster.bootstrap_server.clone());
    settings.entry("client.id".into()).or_insert_with(|| id.into());
    Ok(settings)
}

impl Produce {
    /// What the producer is asked.
    ///
    /// # Errors
    /// A file of settings that cannot be read.
    pub fn asked(&self, world: &mut dyn World) -> Result<console_producer::Asked, Box<Refused>> {
        let what = self.what();
        let mut producer = settings(&self.cluster, "connectd-produce", world).map_err(because(what))?;
        producer.entry("linger.ms".into()).or_insert_with(|| "5".into());
        producer.entry("acks".into()).or_insert_with(|| "-1".into());
        let mut reader = Pairs::new();
        if let Some(separator) = &self.separator {
            reader.insert("parse.key".into(), "true".into());
            reader.insert("key.separator".into(), separator.clone());
        }
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
        Ok(console_producer::Asked {
            topic: self.topic.clone(),
            max_block_ms: producer.get("max.block.ms").and_then(|text| text.parse().ok()).unwrap_or(10_000),
            producer,
            reader: Reader::new(&reader).map_err(because(self.what()))?,
            sync: false,
            values: self.values.clone(),
            every: Line { headers: headers.collect(), key: self.key.clone(), value: None },
        })
    }

    fn what(&self) -> String {
        format!("nothing was sent to topic \"{}\"", self.topic)
    }

    /// The end of it: how many records were sent, and how many not.
    pub fn sent(&self, outcome: Result<(u64, u64), Failure>) -> Done {
        let (sent, failed) = outcome.map_err(because(self.what()))?;
        let result = json!({ "topic": self.topic, "sent": sent.to_string(), "failed": failed.to_string() });
        let outcome = Outcome { is_bad: failed > 0, ..Outcome::new(result, String::new()) };
        Ok(match failed {
            0 => outcome,
            _ => outcome.warning(format!("{failed} of {} records were not sent", sent + failed)),
        })
    }
}

impl Consume {
    /// What the consumer is asked.
    ///
    /// # Errors
    /// A place to begin that is none; a format with an unknown letter.
    pub fn asked(&self, world: &mut dyn World) -> Result<console_consumer::Asked, Box<Refused>> {
        let bad = |why: String, help: &str| input(Complaint::new(self.what()).because(why).help(help));
        let start = start(&self.offset, world.now_ms())
            .map_err(|why| bad(why, "say start, end, 42, -10, @2026-01-31T12:00:00.000 or @-PT1H"))?;
        let formatter = match self.common.json {
            true => Formatter::Json,
            false => Formatter::template(&self.format)
                .map_err(|why| bad(why, "there are %v, %k, %t, %p, %o, %T, %h, %%, \\n, \\t and \\0"))?,
        };
        let mut consumer = settings(&self.cluster, "connectd-consume", world).map_err(because(self.what()))?;
        // Whoever misspells a topic wants to be told, and not to have it made.
        consumer.entry("allow.auto.create.topics".into()).or_insert_with(|| "false".into());
        let from = match (&self.group, self.partition) {
            (Some(group), _) => {
                consumer.insert("group.id".into(), group.clone());
                let reset = if start == Start::Latest { "latest" } else { "earliest" };
                consumer.insert("auto.offset.reset".into(), reset.into());
                From::Topic(self.topic.clone())
            }
            (None, Some(partition)) => From::Partition(self.topic.clone(), partition, start),
            (None, None) => From::Every(self.topic.clone(), start),
        };
        Ok(console_consumer::Asked {
            from,
            consumer,
            formatter,
            max_messages: self.number,
            timeout_ms: None,
            skip_errors: false,
            events: false,
            until_the_end: self.exit,
        })
    }

    fn what(&self) -> String {
        format!("topic \"{}\" was not read", self.topic)
    }

    /// The end of it. Records were printed already, with `--json` an object each.
    pub fn ended(&self, outcome: Result<u8, Failure>) -> Result<u8, Box<Refused>> {
        outcome.map_err(because(self.what()))
    }
}

/// Where a reader without a past begins: it can go back from the end, and not ahead of it.
fn start(text: &str, now_ms: i64) -> Result<Start, String> {
    match Place::read(text, now_ms)? {
        Place::Start => Ok(Start::Earliest),
        Place::End => Ok(Start::Latest),
        Place::At(offset) if offset >= 0 => Ok(Start::At(offset)),
        Place::Back(count) => Ok(Start::Back(count)),
        Place::Time(ms) => Ok(Start::Time(ms)),
        Place::At(_) | Place::Ahead(_) => {
            Err(format!("\"{text}\" lies before the start or after the end of every log"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_begin() {
        let check = |text: &str, expected: Start| assert_eq!(start(text, 10_000_000), Ok(expected), "{text}");
        check("start", Start::Earliest);
        check("end", Start::Latest);
        check("42", Start::At(42));
        check("-10", Start::Back(10));
        check("@-PT1H", Start::Time(6_400_000));
        assert!(start("x", 0).is_err() && start("+1", 0).is_err());
    }
}
