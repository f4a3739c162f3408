//! Prints what reading and writing lines through the sandbox costs: `cargo run --release -p components --example crossing`.

use components::folder::Folder;
use components::pipe::{FileSink, FileSource, batch};
use components::{engine_with, load_ours};
use runtime_core::exchange::Polled;
use runtime_host::Settings;
use std::time::Instant;

const LINES: usize = 2_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let begun = Instant::now();
    let engine = engine_with(Settings::default());
    let (source, sink) = (load_ours(&engine, "file-source").await, load_ours(&engine, "file-sink").await);
    println!("engine and two plug-ins: {:?}", begun.elapsed());
    let folder = Folder::new();
    let lines: Vec<String> = (0..LINES).map(|n| format!("{n:0>99}")).collect();
    let path = folder.write("in", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    for batch_size in ["500", "2000", "10000"] {
        let begun = Instant::now();
        let mut task = FileSource::start(&source, &path, &[("batch.size", batch_size)]).await;
        let mut seen = 0;
        while seen < LINES {
            if let Polled::Records(batch) = task.poll().await.unwrap() {
                seen += batch.records.count as usize;
            }
        }
        report(&format!("source, {batch_size} a poll"), begun);
    }
    for size in [500, 2000] {
        let batches: Vec<_> = lines.chunks(size).map(batch).collect();
        let mut task = FileSink::start(&sink, &folder.file(&format!("out-{size}"))).await.unwrap();
        let begun = Instant::now();
        for batch in &batches {
            assert!(task.task().put(batch).await.unwrap().is_empty());
        }
        report(&format!("sink, {size} a put"), begun);
    }
}

fn report(what: &str, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what}: {:.0} ns a line, {:.2} M lines/s", seconds * 1e9 / LINES as f64, LINES as f64 / seconds / 1e6);
}
