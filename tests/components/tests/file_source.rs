//! The file source through the host: lines, restarts, rotation, truncation, editors.

use components::folder::Folder;
use components::pipe::{Committed, FileSource, values};
use components::{config, engine_with, load_ours};
use runtime_core::exchange::{AlteredOffsets, ErrorClass, Polled};
use runtime_core::plugin::Role;
use runtime_core::scalar::Scalar;
use runtime_host::{Env, HostError, Plugin, Settings, Stdin};
use std::collections::BTreeMap;
use std::fs;

async fn plugin() -> Plugin {
    load_ours(&engine_with(Settings::default()), "file-source").await
}

fn position(committed: &Committed) -> Option<i64> {
    committed.offsets.values().next().and_then(|offset| offset[0].1.as_int())
}

fn numbered(range: std::ops::Range<usize>) -> (String, Vec<String>) {
    let lines: Vec<String> = range.map(|n| format!("line {n} {}", "é".repeat(n % 7))).collect();
    (lines.iter().map(|line| format!("{line}\n")).collect(), lines)
}

#[tokio::test]
async fn line_ends() {
    let plugin = plugin().await;
    let check = async |file: &[u8], expected: &[&str], bytes: Option<i64>| {
        let folder = Folder::new();
        let mut source = FileSource::start(&plugin, &folder.write("f", file), &[]).await;
        assert_eq!(source.lines().await, expected, "{}", file.escape_ascii());
        assert_eq!(position(&source.committed), bytes, "{}", file.escape_ascii());
    };
    check(b"", &[], None).await;
    check(b"a", &[], None).await;
    check(b"a\n", &["a"], Some(2)).await;
    check(b"a\nb\r\nc\rd\n", &["a", "b", "c", "d"], Some(9)).await;
    check(b"\n\r\n\rx\n", &["", "", "", "x"], Some(6)).await;
    check(b"a\r", &[], None).await;
    check(b"a\r\r", &["a"], Some(2)).await;
    check("é\nz".as_bytes(), &["é"], Some(3)).await;
    check(b"\xff\xfeab\n\xc3\n\xa9\n", &["\u{fffd}\u{fffd}ab", "\u{fffd}", "\u{fffd}"], Some(9)).await;
    check(b"\0\n", &["\0"], Some(2)).await;
}

#[tokio::test]
async fn a_line_waits_for_its_end() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, &folder.write("f", "te"), &[]).await;
    assert!(source.lines().await.is_empty());
    folder.append("f", "st\r");
    assert!(source.lines().await.is_empty());
    folder.append("f", "\nnext\r");
    assert_eq!(source.lines().await, ["test"]);
    folder.append("f", "x");
    assert_eq!(source.lines().await, ["next"]);
    folder.append("f", "\n");
    assert_eq!(source.lines().await, ["x"]);
}

#[tokio::test]
async fn polls_are_as_large_as_asked_for() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let path = folder.write("f", "1\n2\n3\n4\n5\n");
    let sizes = async |settings: &[(&str, &str)], max_records, max_bytes| {
        let mut source = FileSource::start(&plugin, &path, settings).await;
        let mut sizes = Vec::new();
        while let Polled::Records(batch) = source.task.poll(0, max_records, max_bytes).await.unwrap() {
            assert_eq!(batch.checkpoints.len(), 1);
            assert_eq!(batch.checkpoints[0].after + 1, batch.records.count);
            sizes.push(batch.records.count);
        }
        sizes
    };
    assert_eq!(sizes(&[], 500, 1000).await, [5]);
    assert_eq!(sizes(&[("batch.size", "1")], 500, 1000).await, [1, 1, 1, 1, 1]);
    assert_eq!(sizes(&[("batch.size", "2")], 500, 1000).await, [2, 2, 1]);
    assert_eq!(sizes(&[("batch.size", "4")], 3, 1000).await, [3, 2]);
    assert_eq!(sizes(&[], 500, 2).await, [2, 2, 1]);
    assert_eq!(sizes(&[("batch.size", "-1")], 500, 1000).await, [1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn a_record_is_as_kafkas() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let path = folder.write("f", "test\n");
    let mut source = FileSource::start(&plugin, &path, &[]).await;
    let Polled::Records(batch) = source.poll().await.unwrap() else { panic!("a line is there") };
    assert_eq!(values(&batch.records), ["test"]);
    assert_eq!((batch.records.topic(0), batch.records.partition(0), batch.records.keys.get(0)), ("t", None, None));
    let name = path.display().to_string();
    assert_eq!(batch.partitions, [[("filename".to_owned(), Scalar::Text(name))]]);
    assert_eq!(batch.checkpoints[0].offset, [("position".to_owned(), Scalar::Int(5))]);
    assert_eq!(source.task.watched_paths(), [path]);
}

#[tokio::test]
async fn restarts_anywhere_give_the_same_lines() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let text = "one\ntw\u{f6}\r\n\rf\u{1f980}ur\n\n\r\nseven\r\r\nnine\n";
    let lines = ["one", "tw\u{f6}", "", "f\u{1f980}ur", "", "", "seven", "", "nine"];
    for cut in 0..=text.len() {
        let path = folder.write("f", &text.as_bytes()[..cut]);
        let mut source = FileSource::start(&plugin, &path, &[("batch.size", "2")]).await;
        let mut seen = source.lines().await;
        source.crash().await;
        folder.append("f", &text.as_bytes()[cut..]);
        seen.extend(source.lines().await);
        assert_eq!(seen, lines, "cut at {cut}");
    }
}

#[tokio::test]
async fn restarts_between_polls_lose_and_repeat_nothing() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let (text, lines) = numbered(0..5000);
    let mut source = FileSource::start(&plugin, &folder.write("f", text), &[("batch.size", "701")]).await;
    let mut seen = Vec::new();
    while let Polled::Records(batch) = source.poll().await.unwrap() {
        seen.extend(values(&batch.records));
        source.crash().await;
    }
    assert_eq!(seen, lines);
}

#[tokio::test]
async fn a_poll_that_was_not_committed_comes_again() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, &folder.write("f", "a\nb\n"), &[]).await;
    source.task.poll(0, 10, 100).await.unwrap();
    source.crash().await;
    assert_eq!(source.lines().await, ["a", "b"]);
}

#[tokio::test]
async fn kafkas_offsets_without_our_state_are_believed() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let path = folder.write("f", "a\nb\nc\n");
    let start = async |position: i64| {
        let partition = vec![("filename".to_owned(), Scalar::Text(path.display().to_string()))];
        let offset = vec![("position".to_owned(), Scalar::Int(position))];
        let committed = Committed { offsets: BTreeMap::from([(partition, offset)]), ..Committed::default() };
        FileSource::start_from(&plugin, &path, &[], committed).await.lines().await
    };
    assert_eq!(start(2).await, ["b", "c"]);
    assert_eq!(start(0).await, ["a", "b", "c"]);
    assert!(start(6).await.is_empty());
    assert_eq!(start(7).await, ["a", "b", "c"], "beyond the end: it was truncated");
}

#[tokio::test]
async fn a_missing_file_is_waited_for() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, &folder.file("f"), &[]).await;
    assert!(source.lines().await.is_empty());
    assert_eq!(source.task.watched_paths(), [folder.file("f")]);
    folder.write("f", "here\n");
    assert_eq!(source.lines().await, ["here"]);
}

#[tokio::test]
async fn what_is_not_a_file_is_waited_for() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, folder.path(), &[]).await;
    assert!(source.lines().await.is_empty());
    let fifo = folder.file("fifo");
    rustix_mkfifo(&fifo);
    let mut source = FileSource::start(&plugin, &fifo, &[]).await;
    assert!(source.lines().await.is_empty(), "and nobody hangs on a pipe without a writer");
}

fn rustix_mkfifo(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn an_editor_saves() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, &folder.write("f", "1\n2\n"), &[]).await;
    assert_eq!(source.lines().await, ["1", "2"]);
    // A new file in place of the old one, as vim does.
    folder.write("new", "1\n2\n3\n");
    fs::rename(folder.file("new"), folder.file("f")).unwrap();
    assert_eq!(source.lines().await, ["3"]);
    // The old one is moved away, the new one written bit by bit.
    fs::rename(folder.file("f"), folder.file("f~")).unwrap();
    folder.write("f", "1\n2");
    assert!(source.poll_soon().await);
    folder.write("f", "1\n2\n3\n4\n");
    assert_eq!(source.lines().await, ["4"]);
    // In place, as nano does.
    folder.write("f", "");
    assert!(source.poll_soon().await);
    folder.write("f", "1\n2\n3\n4\n5\n");
    assert_eq!(source.lines().await, ["5"]);
    // While nobody looks.
    folder.write("new", "1\n2\n3\n4\n5\n6\n");
    fs::rename(folder.file("new"), folder.file("f")).unwrap();
    source.crash().await;
    assert_eq!(source.lines().await, ["6"]);
}

trait Soon {
    /// One poll, which wants to look again soon.
    async fn poll_soon(&mut self) -> bool;
}

impl Soon for FileSource {
    async fn poll_soon(&mut self) -> bool {
        matches!(self.poll().await, Ok(Polled::Idle(1..1000)))
    }
}

#[tokio::test]
async fn rotation_finishes_the_old_file_first() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, &folder.write("f", "1\n2\n"), &[("batch.size", "1")]).await;
    assert!(matches!(source.poll().await, Ok(Polled::Records(_))));
    folder.append("f", "3\n");
    fs::rename(folder.file("f"), folder.file("f.1")).unwrap();
    folder.append("f.1", "4\nunended");
    folder.write("f", "5\n6\n");
    assert_eq!(source.lines().await, ["2", "3", "4", "unended", "5", "6"]);
    source.crash().await;
    folder.append("f", "7\n");
    assert_eq!(source.lines().await, ["7"]);
}

#[tokio::test]
async fn files_rotated_in_quick_succession_are_all_read() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut source = FileSource::start(&plugin, &folder.write("f", "0\n"), &[]).await;
    let mut seen = source.lines().await;
    for n in 1..6 {
        fs::rename(folder.file("f"), folder.file(&format!("f.{n}"))).unwrap();
        folder.write("f", format!("{n}\n"));
        if let Polled::Records(batch) = source.poll().await.unwrap() {
            seen.extend(values(&batch.records));
        }
    }
    seen.extend(source.lines().await);
    assert_eq!(seen, ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_truncated_file_is_read_from_its_start() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let path = folder.write("f", "1\n2\n3\n");
    let mut source = FileSource::start(&plugin, &path, &[]).await;
    assert_eq!(source.lines().await, ["1", "2", "3"]);
    folder.write("f", "4\n");
    assert_eq!(source.lines().await, ["4"]);
    folder.write("f", "longer than before\n");
    assert_eq!(source.lines().await, ["longer than before"]);
    folder.write("f", "grown beyond, while nobody looked\n");
    source.crash().await;
    assert_eq!(source.lines().await, ["grown beyond, while nobody looked"]);
    folder.write("f", "");
    source.crash().await;
    assert!(source.lines().await.is_empty());
    folder.append("f", "5\n");
    assert_eq!(source.lines().await, ["5"]);
}

#[tokio::test]
async fn another_file_with_the_same_heading_starts_over() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let heading = format!("{}\n", "h".repeat(2000));
    let mut source = FileSource::start(&plugin, &folder.write("f", format!("{heading}1\n")), &[]).await;
    assert_eq!(source.lines().await.len(), 2);
    folder.write("new", format!("{heading}2\n3\n"));
    fs::rename(folder.file("new"), folder.file("f")).unwrap();
    assert_eq!(source.lines().await[1..], ["2", "3"]);
}

#[tokio::test]
async fn a_line_of_a_gigabyte_is_an_error_and_takes_no_memory() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let path = folder.write("f", "short\n");
    fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let mut source = FileSource::start(&plugin, &path, &[]).await;
    assert!(matches!(source.poll().await, Ok(Polled::Records(batch)) if batch.records.count == 1));
    match source.poll().await {
        Err(HostError::Connector(error)) => {
            assert_eq!(error.class, ErrorClass::BadData);
            assert!(error.message.starts_with("At byte 6: A line is longer than 1048576 bytes."), "{}", error.message);
        }
        other => panic!("{other:?}"),
    }
    assert!(source.task.memory_bytes() < 16 << 20, "{}", source.task.memory_bytes());
}

#[tokio::test]
async fn a_line_as_long_as_allowed_passes() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let line = "x".repeat(600_000);
    let mut source = FileSource::start(
        &plugin,
        &folder.write("f", format!("a\n{line}\n{line}y\nb\n")),
        &[("max.line.bytes", "600000")],
    )
    .await;
    let Polled::Records(batch) = source.task.poll(0, 10, 10 << 20).await.unwrap() else { panic!("lines are there") };
    assert_eq!(values(&batch.records), ["a".to_owned(), line]);
    assert!(matches!(source.poll().await, Err(HostError::Connector(_))));
}

#[tokio::test]
async fn standard_input() {
    let plugin = plugin().await;
    let text = (0..10_000).map(|n| format!("{n}\n")).collect::<String>() + "last";
    let env = Env { stdin: Some(Stdin::read_from(std::io::Cursor::new(text)).unwrap()), ..Env::default() };
    let stdin = env.stdin.clone().unwrap();
    let mut task = plugin.source_task(env).await.unwrap();
    task.start(&config(&[("topic", "t"), ("file", "")])).await.unwrap();
    let mut seen = Vec::new();
    loop {
        match task.poll(0, 500, 1 << 20).await.unwrap() {
            Polled::Records(batch) => {
                assert_eq!(batch.partitions, [[("filename".to_owned(), Scalar::Null)]]);
                seen.extend(values(&batch.records));
            }
            Polled::Idle(0) => {}
            Polled::Idle(_) => stdin.readable().await,
            Polled::Finished => break,
        }
    }
    assert_eq!(seen.len(), 10_001);
    assert_eq!(seen[9_999..], ["9999", "last"]);
    let mut task = plugin.source_task(Env::default()).await.unwrap();
    task.start(&config(&[("topic", "t")])).await.unwrap();
    let refused = task.poll(0, 500, 1 << 20).await.unwrap_err();
    assert_eq!(refused.to_string(), "The standard input is not granted to this connector; name a file instead.");
}

#[tokio::test]
async fn description_and_definition_are_kafkas() {
    let plugin = plugin().await;
    let info = plugin.info();
    assert!(info.answers_to(Role::Source, "FileStreamSource"));
    assert!(info.answers_to(Role::Source, "org.apache.kafka.connect.file.FileStreamSourceConnector"));
    assert!(plugin.definition(Role::Sink).is_none());
    let keys = &plugin.definition(Role::Source).unwrap().keys;
    let shown: Vec<_> = keys
        .iter()
        .filter(|key| !key.attrs.contains(&("extension".to_owned(), "true".to_owned())))
        .map(|key| (key.name.as_str(), key.kind.name(), key.default.as_deref(), key.required))
        .collect();
    assert_eq!(
        shown,
        [("file", "STRING", None, false), ("topic", "STRING", None, true), ("batch.size", "INT", Some("2000"), false),]
    );
    let settings = config(&[("topic", "t"), ("file", "f"), ("tasks.max", "4")]);
    let mut connector = plugin.connector(Env::default()).await.unwrap();
    connector.start(Role::Source, &settings).await.unwrap();
    assert_eq!(connector.task_configs(4, &[]).await.unwrap(), [settings]);
    connector.stop().await.unwrap();
}

#[tokio::test]
async fn offsets_can_be_altered_as_in_kafka() {
    let plugin = plugin().await;
    let check = async |file: &str, partition: &str, offset: Option<(&str, Scalar)>, expected: Result<bool, &str>| {
        let partition = vec![(partition.to_owned(), Scalar::Text("f".to_owned()))];
        let offset = offset.map(|(name, value)| vec![(name.to_owned(), value)]);
        let mut connector = plugin.connector(Env::default()).await.unwrap();
        let settings = config(&[("topic", "t"), ("file", file)]);
        let altered = connector.alter_offsets(&settings, &AlteredOffsets::Source(vec![(partition, offset)])).await;
        let altered = altered.map_err(|error| error.to_string());
        match expected {
            Ok(expected) => assert_eq!(altered, Ok(expected)),
            Err(part) => assert!(altered.as_ref().is_err_and(|error| error.contains(part)), "{altered:?}"),
        }
    };
    check("f", "filename", Some(("position", Scalar::Int(7))), Ok(true)).await;
    check("f", "filename", Some(("position", Scalar::Null)), Ok(true)).await;
    check("f", "filename", None, Ok(true)).await;
    check("f", "filename", Some(("position", Scalar::Int(-1))), Err("non-negative")).await;
    check("f", "filename", Some(("position", Scalar::Text("7".to_owned()))), Err("Long")).await;
    check("f", "filename", Some(("pos", Scalar::Int(7))), Err("contain the key 'position'")).await;
    check("f", "file", Some(("position", Scalar::Int(7))), Err("'filename'")).await;
    check("", "filename", Some(("position", Scalar::Int(7))), Err("stdin")).await;
}
