//! `connectd try`: a connector on a few records, without a worker and without a broker of somebody's.
//!
//! Owns its flags, what it is given, and how its end is shown. Leaves running it to the binary. Invariant: what is shown of a record are
//! the bytes that its topic has, after transforms and converters.

use runtime_core::{
    complaint::Complaint,
    connector_file::{self, ConnectorFile},
};
use serde_json::{Value, json};

use super::outcome::{Common, Done, Outcome, Refused, input};
use crate::{kafka::formatter::shown, world::World};

/// `connectd try`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub component: String,
    /// The connector's file: properties or JSON
    #[arg(long, value_name = "FILE")]
    config: String,
    /// For a sink: a file, each line of which is a record
    #[arg(long = "in", value_name = "FILE")]
    records: Option<String>,
    /// For a source: end after so many records
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub count: u32,
    /// End after so many seconds, done or not
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    pub seconds: u32,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What is tried on what.
pub struct Given {
    /// The connector.
    pub connector: ConnectorFile,
    /// The text of its file.
    pub text: String,
    /// Values of records.
    pub lines: Vec<Vec<u8>>,
}

/// A record that a source has sent.
pub struct Sent {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// How a trial ended.
pub enum Ended {
    /// A source, which has sent these; true if there may be more.
    Source(Vec<Sent>, bool),
    /// A sink, which has acknowledged so many of its records.
    Sink(usize),
}

impl Try {
    /// Reads what is given.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn given(&self, world: &mut dyn World) -> Result<Given, Box<Refused>> {
        let path = &self.config;
        let refused = |why: String| input(connector_file::refused(path, "tried", why));
        let bytes = world.read(path).map_err(|why| refused(connector_file::unreadable(path, why)))?;
        let connector = connector_file::parse(path, &bytes).map_err(refused)?;
        let lines = match &self.records {
            None => Vec::new(),
            Some(path) => {
                let unreadable = |why| input(self.complaint().at(path).because(format!("it cannot be read: {why}")));
                lines(&world.read(path).map_err(unreadable)?)
            }
        };
        Ok(Given { connector, text: String::from_utf8_lossy(&bytes).into_owned(), lines })
    }

    /// That nothing was tried.
    pub fn complaint(&self) -> Complaint {
        Complaint::new(format!("the connector of {} was not tried", self.config))
    }

    /// The connector was refused, in REST's words.
    pub fn refused(&self, given: &Given, why: &str) -> Box<Refused> {
        let why: Vec<&str> = runtime_core::config::infos::reasons(why).collect();
        input(self.complaint().in_file(&self.config, &given.text, &why.join("\n")))
    }

    /// The end of the command.
    pub fn ended(&self, given: &Given, ended: &Ended) -> Done {
        match ended {
            Ended::Sink(acknowledged) => {
                let put = given.lines.len();
                let result = json!({ "role": "sink", "put": put, "acknowledged": acknowledged });
                let outcome = Outcome::new(result, format!("{acknowledged} of {put} records are acknowledged\n"));
                Ok(match put {
                    0 => outcome.warning("there was no record to put; --in names a file of lines"),
                    _ => outcome,
                })
            }
            Ended::Source(sent, is_cut) => {
                let object = |record: &Sent| {
                    json!({
                        "topic": record.topic,
                        "partition": record.partition,
                        "offset": record.offset.to_string(),
                        "key": shown(record.key.as_deref()),
                        "value": shown(record.value.as_deref()),
                    })
                };
                let records: Vec<Value> = sent.iter().map(object).collect();
                let text: String = sent.iter().map(line).collect();
                let more = if *is_cut { ", and there may be more: --count" } else { "" };
                let result = json!({ "role": "source", "records": records, "is_cut": is_cut });
                Ok(Outcome::new(result, format!("{text}{} records{more}\n", sent.len())))
            }
        }
    }
}

/// `topic-0@7 key=value`, or without `key=`.
fn line(record: &Sent) -> String {
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "null".to_owned(),
    };
    let key = record.key.as_ref().map(|_| format!("{}=", text(&record.key))).unwrap_or_default();
    format!("{}-{}@{} {key}{}\n", record.topic, record.partition, record.offset, text(&record.value))
}

/// The lines of a file, without their ends.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    whole.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_records() {
        let check = |text: &str, expected: &[&str]| {
            let expected: Vec<Vec<u8>> = expected.iter().map(|line| line.as_bytes().to_vec()).collect();
            assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
        };
        check("", &[]);
        check("a\nb\n", &["a", "b"]);
        check("a\r\n\nb", &["a", "", "b"]);
        check("\n", &[""]);
    }

    #[test]
    fn records_are_shown() {
        let sent = |key: Option<&str>| Sent {
            topic: "t".into(),
            partition: 0,
            offset: 7,
            key: key.map(|key| key.as_bytes().to_vec()),
            value: Some(b"v".to_vec()),
        };
        assert_eq!(line(&sent(Some("k"))), "t-0@7 k=v\n");
        assert_eq!(line(&sent(None)), "t-0@7 v\n");
        assert_eq!(line(&Sent { value: None, ..sent(None) }), "t-0@7 null\n");
    }
}
