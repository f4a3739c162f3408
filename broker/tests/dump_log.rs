//! Kafka's own tool reads every file of a log that was written, compacted and closed here.
//!
//! Needs Java and the real Kafka's jars (`cargo xtask kafka` brings them); says `skipped` without.

mod kafka;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use broker::{Handle, Node, settings::Settings};
use broker_core::{
    request::{
        Batch, ConnId, CreateTopics, InitProducerId, JoinGroup, Member, NewTopic, OffsetCommit, OffsetToCommit,
        Produce, Reply, Request, SyncGroup, TransactionReply, TransactionRequest, TransactionalProducer,
    },
    settings::CleanerSettings,
};
use broker_store::batch::{BatchInfo, Builder, TRANSACTIONAL};
use broker_wire::{builder::BatchBuilder, codec::Codec};
use bytes::Bytes;

const BATCHES: usize = 120;
const KEYS: usize = 7;

fn settings(dir: &Path) -> Settings {
    let defaults = [("segment.bytes", "3000"), ("index.interval.bytes", "300"), ("min.cleanable.dirty.ratio", "0")];
    let mut settings = Settings { log_dir: dir.into(), ..Settings::default() };
    settings.listeners.iter_mut().for_each(|listener| listener.port = 0);
    settings.topic_defaults.extend(defaults.map(|(key, value)| (key.to_owned(), value.to_owned())));
    settings.cleaner = CleanerSettings { backoff_ms: 100, ..CleanerSettings::default() };
    settings
}

async fn ask(handle: &Handle, conn: ConnId, request: Request) -> Reply {
    handle.request(conn, request).await.expect("a broker")
}

async fn create(handle: &Handle, conn: ConnId, name: &str, policy: &str) {
    let new = NewTopic {
        name: name.into(),
        partitions: 1,
        replication_factor: -1,
        assignments: Vec::new(),
        configs: vec![("cleanup.policy".into(), Some(policy.into()))],
    };
    let reply =
        ask(handle, conn, Request::CreateTopics(CreateTopics { topics: vec![new], validate_only: false })).await;
    assert!(matches!(&reply, Reply::CreateTopics(topics) if topics[0].outcome.is_ok()), "{reply:?}");
}

async fn fill(handle: &Handle, conn: ConnId, topic: &str) {
    for number in 0..BATCHES {
        let mut builder = BatchBuilder::new(Codec::ALL[number % Codec::ALL.len()]);
        for record in 0..3 {
            let (key, value) = (format!("key-{}", (number + record) % KEYS), format!("value-{number}-{record}"));
            // Some are tombstones.
            let value = Some(value.as_bytes()).filter(|_| number < BATCHES / 2 || record > 0);
            let timestamp = 1_700_000_000_000 + number as i64;
            builder.append(timestamp, Some(key.as_bytes()), value, &[("h", Some(b"1"))]);
        }
        let bytes = builder.finish(None).expect("it is not too large").expect("it has records");
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        let topics = vec![(topic.into(), vec![(0, Ok(Batch { info, bytes }))])];
        let reply = ask(handle, conn, Request::Produce(Produce { acks: -1, transactional_id: None, topics })).await;
        assert!(matches!(&reply, Reply::Produce(topics) if topics[0].partitions[0].outcome.is_ok()), "{reply:?}");
    }
}

/// What a transactional producer leaves: two transactions, of which the first is aborted.
async fn transactions(handle: &Handle, conn: ConnId) {
    let transactional_id = "id".to_owned();
    let init =
        InitProducerId { transactional_id: Some(transactional_id.clone()), timeout_ms: 60_000, current: (-1, -1) };
    let reply = ask(handle, conn, Request::InitProducerId(init)).await;
    let Reply::InitProducerId(Ok((producer_id, epoch))) = reply else { panic!("{reply:?}") };
    let producer = TransactionalProducer { transactional_id: transactional_id.clone(), producer_id, epoch };
    for (sequence, commit) in [(0, false), (1, true)] {
        let topics = vec![("plain".to_owned(), vec![0])];
        let add = TransactionRequest::AddPartitions { producer: producer.clone(), topics };
        ask(handle, conn, Request::Transaction(add)).await;
        let mut builder = Builder::new().producer(producer_id, epoch, sequence).attributes(TRANSACTIONAL);
        builder.push(1_700_000_000_000, None, Some(b"in a transaction"), &[]);
        let bytes = Bytes::from(builder.finish());
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        let topics = vec![("plain".into(), vec![(0, Ok(Batch { info, bytes }))])];
        let produce = Produce { acks: -1, transactional_id: Some(transactional_id.clone()), topics };
        let reply = ask(handle, conn, Request::Produce(produce)).await;
        assert!(matches!(&reply, Reply::Produce(topics) if topics[0].partitions[0].outcome.is_ok()), "{reply:?}");
        let end = TransactionRequest::End { producer: producer.clone(), commit };
        let reply = ask(handle, conn, Request::Transaction(end)).await;
        assert!(matches!(reply, Reply::Transaction(TransactionReply::End(Ok(())))), "{reply:?}");
    }
}

/// A group of one member that commits an offset, and one that its member leaves.
async fn groups(handle: &Handle, conn: ConnId) {
    for group in ["staying", "leaving"] {
        let join = JoinGroup {
            group: group.into(),
            member: String::new(),
            instance: Some("instance".into()),
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            require_known_member: false,
            session_timeout_ms: 60_000,
            rebalance_timeout_ms: 60_000,
            protocol_type: "consumer".into(),
            protocols: vec![("range".into(), SUBSCRIPTION.into())],
            in_process: false,
        };
        let reply = ask(handle, conn, Request::JoinGroup(join)).await;
        let Reply::JoinGroup(Ok(joined)) = reply else { panic!("{reply:?}") };
        let who = Member {
            group: group.into(),
            generation: joined.generation,
            member: joined.member.clone(),
            instance: None,
        };
        let assignments = vec![(joined.member.clone(), ASSIGNMENT.into())];
        let sync = SyncGroup { who: who.clone(), protocol: None, assignments };
        let reply = ask(handle, conn, Request::SyncGroup(sync)).await;
        assert!(matches!(reply, Reply::SyncGroup(Ok(_))), "{reply:?}");
        if group == "leaving" {
            let members = vec![(joined.member, None)];
            ask(handle, conn, Request::LeaveGroup { group: group.into(), members }).await;
        } else {
            let offset = OffsetToCommit { partition: 0, offset: 77, leader_epoch: -1, metadata: String::new() };
            let commit = OffsetCommit { who, topics: vec![("plain".into(), vec![offset])] };
            ask(handle, conn, Request::OffsetCommit(commit)).await;
        }
    }
}

/// A consumer's words (`ConsumerProtocolSubscription` and `ConsumerProtocolAssignment`, version 0) for the topic `t`.
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
const ASSIGNMENT: &[u8] = b"\0\0\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x05\xff\xff\xff\xff";

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a log's folder");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found.sort();
    found
}

/// What the tool says of these files.
fn dump(libs: &Path, files: &[PathBuf], more: &[&str]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let mut tool = kafka::java(libs, "org.apache.kafka.tools.DumpLogSegments");
    kafka::printed(tool.args(["--files", &files.join(",")]).args(more)).concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn kafkas_own_tool_reads_every_file() {
    let Some(libs) = kafka::libs() else { return };
    let data = tempfile::tempdir().expect("a folder");
    let node = Node::start(settings(data.path())).await.expect("a broker");
    let handle = node.handle();
    let conn = handle.connect();
    for (topic, policy) in [("plain", "delete"), ("table", "compact")] {
        create(&handle, conn, topic, policy).await;
        fill(&handle, conn, topic).await;
    }
    groups(&handle, conn).await;
    transactions(&handle, conn).await;
    let (plain, table) = (data.path().join("plain-0"), data.path().join("table-0"));
    // It has been compacted when new files wait to take the place of the old.
    let patience = Instant::now() + Duration::from_secs(60);
    while !table.is_dir() || files(&table, ".swap").is_empty() || !files(&table, ".cleaned").is_empty() {
        assert!(Instant::now() < patience, "nothing is compacted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(handle);
    node.stop().await.expect("a clean stop");
    // The next start finishes the swap.
    let node = Node::start(settings(data.path())).await.expect("a broker");
    node.stop().await.expect("a clean stop");

    for dir in [&plain, &table] {
        assert!(files(dir, ".swap").is_empty() && files(dir, ".cleaned").is_empty(), "{:?}", files(dir, ""));
        let text = dump(&libs, &files(dir, ".log"), &["--deep-iteration", "--print-data-log"]);
        assert!(text.contains("baseOffset") && text.contains("payload: value-119-2"), "{text}");
        assert!(!text.contains("isvalid: false"), "{text}");
        let indexes = [files(dir, ".index"), files(dir, ".timeindex")].concat();
        let text = dump(&libs, &indexes, &["--index-sanity-check"]);
        assert!(text.contains("passed sanity check") && !text.contains("mismatch"), "{text}");
        let text = dump(&libs, &indexes, &[]);
        assert!(!text.contains("mismatch") && !text.contains("out of order"), "{text}");
    }
    let end = 3 * BATCHES + 4;
    let text = dump(&libs, &files(&plain, ".snapshot"), &[]);
    let expected = format!("lastOffset: {} offsetDelta: 0", end - 2);
    assert!(text.contains("producerId: 0 producerEpoch: 0 coordinatorEpoch: 0") && text.contains(&expected), "{text}");
    let text = dump(&libs, &files(&plain, ".txnindex"), &[]);
    let expected = format!("firstOffset: {} lastOffset: {} lastStableOffset: {}", end - 4, end - 3, end - 2);
    assert!(text.contains(&expected), "{expected} is not in: {text}");
    let text = dump(&libs, &files(&data.path().join("__consumer_offsets-0"), ".log"), &["--offsets-decoder"]);
    for expected in [
        r#"{"type":"2","data":{"group":"staying"}} payload: {"version":"3","data":{"protocolType":"consumer","generation":1"#,
        r#""groupInstanceId":"instance","clientId":"client","clientHost":"/127.0.0.1","rebalanceTimeout":60000"#,
        r#""subscription":{"topics":["t"],"userData":null},"assignment":{"assignedPartitions":[{"topic":"t","partitions":[5]}]"#,
        r#"{"type":"1","data":{"group":"staying","topic":"plain","partition":0}} payload: {"version":"3","data":{"offset":77"#,
        r#"{"type":"2","data":{"group":"leaving"}} payload: {"version":"3","data":{"protocolType":"consumer","generation":2,"protocol":null"#,
    ] {
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
    let count = |dir: &Path| {
        let text = dump(&libs, &files(dir, ".log"), &["--deep-iteration", "--print-data-log"]);
        text.lines().filter(|line| line.contains("keySize")).count()
    };
    assert_eq!(count(&plain), end, "nothing of it is gone");
    let left = count(&table);
    assert!((KEYS..3 * BATCHES / 2).contains(&left), "{left} records are left");
}
