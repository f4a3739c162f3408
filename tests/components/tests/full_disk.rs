//! The file sink on a disk without room: an error, nothing half written, and nothing lost once there is room again.
//!
//! A limit on file sizes stands for the full disk: writes fail half-way in the same place.

use components::folder::Folder;
use components::pipe::FileSink;
use components::{engine_with, load_ours};
use runtime_core::exchange::ErrorClass;
use runtime_host::{HostError, Settings};
use std::process::Command;

/// Blocks of 512 bytes (of 1 KiB in some shells) that a file may have in the child.
const BLOCKS: &str = "64";

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let limited = "trap '' XFSZ; ulimit -f $1; exec \"$0\" --ignored --exact in_a_process_with_small_files --nocapture";
    let this = std::env::current_exe().unwrap();
    let output = Command::new("sh").args(["-c", limited]).arg(this).arg(BLOCKS).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn in_a_process_with_small_files() {
    let (folder, plugin) = (Folder::new(), load_ours(&engine_with(Settings::default()), "file-sink").await);
    let all: Vec<String> = (0..20).map(|n| format!("{n:0>10000}")).collect();
    let mut sink = FileSink::start(&plugin, &folder.file("f")).await.unwrap();
    let mut put = 0;
    let error = loop {
        match sink.put(&all, put + 1).await {
            Ok(()) => put += 1,
            Err(HostError::Connector(error)) => break error,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(error.class, ErrorClass::Retriable);
    assert!(error.message.starts_with("Couldn't append to"), "{}", error.message);
    let whole = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert!(put >= 3);
    assert_eq!(folder.read("f"), whole(&all[..put]), "the line that did not fit is not there in part");
    // Somebody makes room: the same batch goes through, and the file goes on.
    sink.commit().await.unwrap();
    std::fs::rename(folder.file("f"), folder.file("f.1")).unwrap();
    sink.commit().await.unwrap();
    sink.put(&all, put + 1).await.unwrap();
    assert_eq!(folder.read("f"), whole(&all[put..=put]));
}
