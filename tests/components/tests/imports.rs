//! What a guest can do with the host's functions alone: call one for ever, or leave more and more with the host.

use components::pipe::batch;
use components::{config, engine, engine_with, load};
use runtime_core::exchange::TopicPartition;
use runtime_core::scalar::Scalar;
use runtime_host::{Env, HostError, Plugin, Settings};

fn deed(call: &str, deed: &str) -> Vec<(String, String)> {
    config(&[("in", call), ("do", deed)])
}

async fn poll(plugin: &Plugin, what: &str, env: Env) -> Result<(), HostError> {
    let mut task = plugin.source_task(env).await.expect("it instantiates");
    task.start(&deed("poll", what)).await?;
    task.poll(1, 10, 1000).await.map(drop)
}

async fn put(plugin: &Plugin, what: &str) -> Result<(), HostError> {
    let mut task = plugin.sink_task(Env::default()).await.expect("it instantiates");
    task.start(&deed("put", what)).await?;
    task.open(&[TopicPartition { topic: "t".to_owned(), partition: 0 }]).await?;
    task.put(&batch(&["x"])).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_around_any_import_is_stopped() {
    let plugin = load(&engine(), "hostile").await;
    let mut running = Vec::new();
    for what in [
        "loop-stopping",
        "loop-clock",
        "loop-name",
        "loop-task",
        "loop-config",
        "loop-log",
        "loop-debug",
        "loop-stderr",
        "loop-state",
        "loop-offsets",
        "loop-open",
        "loop-stdin",
        "loop-stdout",
        "loop-allocating",
    ] {
        let plugin = plugin.clone();
        running.push((what, "poll", tokio::spawn(async move { poll(&plugin, what, Env::default()).await })));
    }
    for what in ["loop-assignment", "loop-state", "loop-log"] {
        let plugin = plugin.clone();
        running.push((what, "put", tokio::spawn(async move { put(&plugin, what).await })));
    }
    for (what, expected, ended) in running {
        match ended.await.expect("the host does not panic") {
            Err(HostError::Deadline { call, .. }) => assert_eq!(call, expected, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_leaves_no_more_with_the_host_than_a_batch() {
    let plugin = load(&engine_with(Settings::default()), "hostile").await;
    for what in ["pile-pauses", "pile-errors", "pile-state"] {
        let piled = put(&plugin, what).await;
        assert!(matches!(&piled, Err(HostError::TooMuch { call: "put", .. })), "{what}: {piled:?}");
    }
    // One large offset that was committed, asked for a thousand times.
    let map = |name: &str, value| vec![(name.to_owned(), value)];
    let offsets = [(map("at", Scalar::Int(1)), map("to", Scalar::Text("x".repeat(1 << 20))))].into();
    let piled = poll(&plugin, "pile-offsets", Env { offsets, ..Env::default() }).await;
    assert!(matches!(&piled, Err(HostError::TooMuch { call: "poll", .. })), "{piled:?}");
}

#[tokio::test]
async fn an_error_is_cut_to_what_people_read() {
    let plugin = load(&engine_with(Settings::default()), "hostile").await;
    match poll(&plugin, "long-error", Env::default()).await {
        Err(HostError::Connector(error)) => {
            let lengths = (error.message.len(), error.code.len(), error.attrs.len(), error.attrs[0].1.len());
            assert_eq!(lengths, ((8 << 10) + 3, 256 + 3, 1, 256 + 3));
            assert!(error.message.starts_with("long long") && error.message.ends_with("..."));
        }
        other => panic!("{other:?}"),
    }
}
