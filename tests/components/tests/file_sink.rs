//! The file sink through the host: lines, crashes, rotation, full disks.

use components::folder::Folder;
use components::pipe::{FileSink, batch};
use components::{config, engine_with, load_ours};
use runtime_core::exchange::ErrorClass;
use runtime_core::plugin::Role;
use runtime_core::record::{Batch, Blobs};
use runtime_host::{Env, HostError, Plugin, Settings};
use std::fs;

async fn plugin() -> Plugin {
    load_ours(&engine_with(Settings::default()), "file-sink").await
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("line {n}")).collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn values_are_lines() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let mut sink = FileSink::start(&plugin, &folder.file("f")).await.unwrap();
    let mut values = Blobs::default();
    for value in [Some(&b"a"[..]), None, Some(b""), Some("é".as_bytes())] {
        values.push(value);
    }
    let records = Batch { count: 4, topics: vec!["t".to_owned()], values, ..Batch::default() };
    sink.task().put(&records).await.unwrap();
    let nulls = Batch { count: 2, topics: vec!["t".to_owned()], ..Batch::default() };
    sink.task().put(&nulls).await.unwrap();
    assert_eq!(folder.read("f"), "a\nnull\n\né\nnull\nnull\n");
}

#[tokio::test]
async fn a_crash_at_any_line_loses_and_repeats_none() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let all = lines(40);
    for (crash, commit) in (0..all.len()).flat_map(|crash| [0, crash / 2, crash].map(|commit| (crash, commit))) {
        let path = folder.write("f", "old\n");
        let mut sink = FileSink::start(&plugin, &path).await.unwrap();
        sink.put(&all, commit).await.unwrap();
        if commit > 0 {
            sink.commit().await.unwrap();
        }
        sink.put(&all, crash).await.unwrap();
        sink.crash().await.unwrap();
        sink.put(&all, all.len()).await.unwrap();
        sink.commit().await.unwrap();
        assert_eq!(folder.read("f"), format!("old\n{}", text(&all)), "commit {commit}, crash {crash}");
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn cut_lines_are_kept_aside() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let all = lines(3);
    let mut sink = FileSink::start(&plugin, &folder.file("f")).await.unwrap();
    for n in 1..3 {
        sink.put(&all, 1).await.unwrap();
        sink.commit().await.unwrap();
        sink.put(&all, 3).await.unwrap();
        sink.crash().await.unwrap();
        assert_eq!(folder.read(&format!("f.cut-{n}")), text(&all[1..]));
        assert_eq!(folder.read("f"), text(&all[..1]));
    }
}

#[tokio::test]
async fn another_file_is_not_cut() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let all = lines(2);
    let mut sink = FileSink::start(&plugin, &folder.file("f")).await.unwrap();
    sink.put(&all, 1).await.unwrap();
    sink.commit().await.unwrap();
    fs::rename(folder.file("f"), folder.file("f.1")).unwrap();
    folder.write("f", "something else, and longer\n");
    sink.crash().await.unwrap();
    sink.put(&all, 2).await.unwrap();
    assert_eq!(folder.read("f"), "something else, and longer\nline 1\n");
    sink.crash().await.unwrap();
    assert_eq!(folder.read("f"), "something else, and longer\n", "the new file is known since the start");
}

#[tokio::test]
async fn rotation_is_followed_at_a_commit() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let all = lines(3);
    let mut sink = FileSink::start(&plugin, &folder.file("f")).await.unwrap();
    sink.put(&all, 1).await.unwrap();
    fs::rename(folder.file("f"), folder.file("f.1")).unwrap();
    sink.put(&all, 2).await.unwrap();
    sink.commit().await.unwrap();
    sink.put(&all, 3).await.unwrap();
    assert_eq!(folder.read("f.1"), text(&all[..2]));
    assert_eq!(folder.read("f"), text(&all[2..]));
    sink.crash().await.unwrap();
    assert_eq!(folder.read("f"), "");
}

#[tokio::test]
async fn a_file_has_one_writer() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let first = FileSink::start(&plugin, &folder.file("f")).await.unwrap();
    let refused = FileSink::start(&plugin, &folder.file("f")).await.err().expect("the file is taken");
    assert!(
        refused.to_string().ends_with("another task is writing to it; give each sink a file of its own"),
        "{refused}"
    );
    drop(first);
    assert!(FileSink::start(&plugin, &folder.file("f")).await.is_ok());
}

#[tokio::test]
async fn a_missing_folder_fails_the_start() {
    let (folder, plugin) = (Folder::new(), plugin().await);
    let path = folder.file("no/such/f");
    match FileSink::start(&plugin, &path).await.err() {
        Some(HostError::Connector(error)) => {
            assert_eq!(error.class, ErrorClass::Fatal);
            let expected = format!("Couldn't find or create file '{}' for FileStreamSinkTask", path.display());
            assert!(error.message.starts_with(&expected), "{}", error.message);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error() {
    let plugin = plugin().await;
    // A device that is always full, but no regular file.
    match FileSink::start(&plugin, std::path::Path::new("/dev/full")).await.err() {
        Some(HostError::Connector(error)) => {
            assert!(error.message.ends_with("not a regular file"), "{}", error.message)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn description_and_definition_are_kafkas() {
    let plugin = plugin().await;
    assert!(plugin.info().answers_to(Role::Sink, "FileStreamSink"));
    assert!(plugin.info().answers_to(Role::Sink, "org.apache.kafka.connect.file.FileStreamSinkConnector"));
    let keys = &plugin.definition(Role::Sink).unwrap().keys;
    assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["file"]);
}

#[tokio::test]
async fn standard_output_is_granted_or_not() {
    let plugin = plugin().await;
    let mut task = plugin.sink_task(Env { stdout: true, ..Env::default() }).await.unwrap();
    task.start(&config(&[])).await.unwrap();
    task.put(&batch(&["to the standard output"])).await.unwrap();
    let mut task = plugin.sink_task(Env::default()).await.unwrap();
    task.start(&config(&[])).await.unwrap();
    let refused = task.put(&batch(&["x"])).await.unwrap_err();
    assert_eq!(refused.to_string(), "The standard output is not granted to this connector; name a file instead.");
}
