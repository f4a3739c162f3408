//! A source that returns what no honest SDK builds; its config says which forgery.

wit_bindgen::generate!({ path: "../../../../wit", world: "source-connector", generate_all });

use connect::connector::config_def;
use connect::connector::types::{Batch, Blobs, Error, Format, HeaderCols};
use exports::connect::connector::{connector, plugin, source_task};
use std::cell::RefCell;

type Config = Vec<(String, String)>;

struct Forger;

thread_local! {
    static CONFIG: RefCell<Config> = const { RefCell::new(Vec::new()) };
    static FORGERY: RefCell<String> = const { RefCell::new(String::new()) };
}

impl plugin::Guest for Forger {
    fn describe() -> plugin::Info {
        plugin::Info {
            name: "forger".to_owned(),
            version: "1".to_owned(),
            title: String::new(),
            doc: String::new(),
            roles: vec![plugin::Role::Source],
            accepts: vec![],
            emits: vec![Format::Text],
            wants: vec![],
            attrs: vec![("class.source".to_owned(), "Forger".to_owned())],
        }
    }
    fn config_def(_role: plugin::Role) -> config_def::Definition {
        config_def::Definition { keys: vec![], groups: vec![] }
    }
    fn validate(_role: plugin::Role, _config: Config) -> Vec<config_def::Issue> {
        vec![]
    }
    fn recommend(_role: plugin::Role, _config: Config, _key: String) -> config_def::Recommendation {
        config_def::Recommendation { values: vec![], visible: true }
    }
}

impl connector::Guest for Forger {
    fn start(_role: connector::Role, config: Config) -> Result<(), Error> {
        CONFIG.with(|place| place.replace(config));
        Ok(())
    }
    fn task_configs(_max_tasks: u32, _previous: Vec<Config>) -> Result<Vec<Config>, Error> {
        Ok(vec![CONFIG.take()])
    }
    fn stop() -> Result<(), Error> {
        Ok(())
    }
    fn alter_offsets(_config: Config, _offsets: connector::Altered) -> Result<bool, Error> {
        Ok(true)
    }
}

impl source_task::Guest for Forger {
    fn exactly_once(_config: Config) -> source_task::EosSupport {
        source_task::EosSupport::Unsupported
    }
    fn start(config: Config) -> Result<(), Error> {
        let forgery = config.into_iter().find(|(key, _)| key == "forge").map(|(_, value)| value);
        FORGERY.with(|place| place.replace(forgery.unwrap_or_default()));
        Ok(())
    }
    fn poll(_seq: u64, _max_records: u32, _max_bytes: u32) -> Result<source_task::Polled, Error> {
        Ok(source_task::Polled::Records(FORGERY.with_borrow(|forgery| forge(forgery))))
    }
    fn on_ack(_acks: Vec<source_task::Ack>) -> Result<(), Error> {
        Ok(())
    }
    fn commit() -> Result<(), Error> {
        Ok(())
    }
    fn reconfigure(_config: Config) -> Result<bool, Error> {
        Ok(true)
    }
    fn stop() {}
}

/// Two honest records, and one thing wrong with them.
fn forge(forgery: &str) -> source_task::SourceBatch {
    let mut batch =
        source_task::SourceBatch { records: honest(), partitions: vec![], checkpoints: vec![], txn: vec![] };
    let records = &mut batch.records;
    let checkpoint = |after, partition| source_task::Checkpoint { after, partition, offset: vec![] };
    match forgery {
        "falling-ends" => records.values.ends = ends(&[2, 1]),
        "ends-past-data" => records.values.ends = ends(&[1, 3]),
        "too-few-ends" => records.values.ends = ends(&[1]),
        "no-topic" => records.topics.clear(),
        "topic-past-names" => records.topic_ix = vec![0, 0, 1, 0],
        "half-a-timestamp" => records.timestamps = vec![0; 7],
        "count" => records.count = 3,
        "count-of-nothing" => (records.count, records.values.ends) = (u32::MAX, vec![]),
        "checkpoint-past-batch" => (batch.partitions, batch.checkpoints) = (vec![vec![]], vec![checkpoint(2, 0)]),
        "checkpoint-without-partition" => batch.checkpoints = vec![checkpoint(1, 0)],
        "checkpoints-falling" => {
            (batch.partitions, batch.checkpoints) = (vec![vec![]], vec![checkpoint(1, 0), checkpoint(0, 0)]);
        }
        "aliased-names" => records.topics = aliased(),
        "one-long-header" => long_header(records, 20_000),
        "huge" => records.values.data = vec![0; 40 << 20],
        other => panic!("unknown forgery {other}"),
    }
    batch
}

/// Records with one header each, whose name they share: a megabyte here, twenty gigabytes for a host that writes it into each record.
fn long_header(records: &mut Batch, count: u32) {
    let rising = (1..=count).collect::<Vec<_>>();
    records.count = count;
    records.values = Blobs { ends: vec![], nulls: vec![], data: vec![] };
    records.headers = Some(HeaderCols {
        names: vec!["x".repeat(1 << 20)],
        record_ends: ends(&rising),
        name_ix: vec![0; 2 * count as usize],
        values: Blobs { ends: vec![], nulls: vec![], data: vec![] },
    });
}

fn ends(ends: &[u32]) -> Vec<u8> {
    ends.iter().flat_map(|end| end.to_le_bytes()).collect()
}

/// A million strings of a MiB each, which are all the same MiB: 12 MB here, a terabyte for a host that copies them.
fn aliased() -> Vec<String> {
    let one = "x".repeat(1 << 20).leak();
    // SAFETY: none; that is the point. They are never dropped, because the host traps on them.
    (0..1 << 20).map(|_| unsafe { String::from_raw_parts(one.as_mut_ptr(), one.len(), one.len()) }).collect()
}

fn honest() -> Batch {
    let none = || Blobs { ends: vec![], nulls: vec![], data: vec![] };
    Batch {
        count: 2,
        topics: vec!["t".to_owned()],
        topic_ix: vec![],
        partitions: vec![],
        offsets: vec![],
        timestamps: vec![],
        key_format: Format::Text,
        value_format: Format::Text,
        keys: none(),
        values: Blobs { ends: ends(&[1, 2]), nulls: vec![], data: b"ab".to_vec() },
        headers: None,
        key_schemas: vec![],
        value_schemas: vec![],
    }
}

export!(Forger);
