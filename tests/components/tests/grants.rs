//! A file grant with a root: nothing leads out of it.

use components::folder::Folder;
use components::{config, engine_with, load_ours};
use runtime_core::exchange::Polled;
use runtime_host::{Env, FileGrant, FileMode, HostError, Plugin, Settings};
use std::os::unix::fs::symlink;
use std::path::Path;

async fn append(plugin: &Plugin, root: &Path, path: &Path) -> Result<(), HostError> {
    let grant = FileGrant { key: "file".into(), path: path.into(), mode: FileMode::Append, root: Some(root.into()) };
    let mut task = plugin.sink_task(Env { files: vec![grant], ..Env::default() }).await?;
    task.start(&config(&[("file", &path.display().to_string())])).await
}

#[tokio::test]
async fn links_and_dots_do_not_lead_out() {
    let engine = engine_with(Settings::default());
    let (folder, plugin) = (Folder::new(), load_ours(&engine, "file-sink").await);
    let (root, outside) = (folder.file("root"), folder.write("outside", "secret"));
    std::fs::create_dir_all(root.join("sub")).unwrap();
    symlink(&outside, root.join("absolute")).unwrap();
    symlink("../outside", root.join("relative")).unwrap();
    symlink("sub", root.join("inner")).unwrap();
    append(&plugin, &root, &root.join("f")).await.unwrap();
    append(&plugin, &root, &root.join("sub/../f")).await.unwrap();
    append(&plugin, &root, &root.join("inner/f")).await.unwrap();
    for path in
        [root.join("absolute"), root.join("relative"), root.join("../outside"), outside.clone(), "/etc/passwd".into()]
    {
        match append(&plugin, &root, &path).await {
            Err(HostError::Connector(error)) => {
                assert!(error.message.contains("to which this connector is confined"), "{path:?}: {}", error.message);
                assert_eq!(error.code, "file.outside-grant");
            }
            other => panic!("{path:?}: {other:?}"),
        }
    }
    assert_eq!(folder.read("outside"), "secret");
}

#[tokio::test]
async fn a_file_that_the_operator_named_may_be_a_link() {
    let engine = engine_with(Settings::default());
    let (folder, plugin) = (Folder::new(), load_ours(&engine, "file-source").await);
    symlink(folder.write("real", "line\n"), folder.file("link")).unwrap();
    let path = folder.file("link");
    let grant = FileGrant { key: "file".into(), path: path.clone(), mode: FileMode::Read, root: None };
    let mut task = plugin.source_task(Env { files: vec![grant], ..Env::default() }).await.unwrap();
    task.start(&config(&[("topic", "t"), ("file", &path.display().to_string())])).await.unwrap();
    assert!(matches!(task.poll(1, 10, 100).await, Ok(Polled::Records(_))));
}
