//! echo through the host: both roles of one component.

use components::pipe::{batch, values};
use components::{config, engine_with, load_ours};
use runtime_core::exchange::Polled;
use runtime_core::plugin::Role;
use runtime_host::{Env, Settings};
use std::time::Duration;

#[tokio::test]
async fn it_speaks_at_its_interval() {
    let plugin = load_ours(&engine_with(Settings::default()), "echo").await;
    assert!(plugin.info().answers_to(Role::Source, "EchoSource") && plugin.info().answers_to(Role::Sink, "EchoSink"));
    let mut task = plugin.source_task(Env::default()).await.unwrap();
    task.start(&config(&[("topic", "t"), ("message", "moo"), ("interval.ms", "20")])).await.unwrap();
    let (mut spoken, mut idle) = (0, 0);
    while spoken < 3 {
        match task.poll(0, 10, 100).await.unwrap() {
            Polled::Records(batch) => {
                assert_eq!((values(&batch.records), batch.records.topic(0)), (vec!["moo".to_owned()], "t"));
                spoken += 1;
            }
            Polled::Idle(ms) => {
                assert!((1..=20).contains(&ms), "{ms}");
                idle += 1;
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
            }
            Polled::Finished => panic!("it never ends"),
        }
    }
    assert!(idle >= 2, "it waits in between");
    let mut task = plugin.source_task(Env::default()).await.unwrap();
    let refused = task.start(&config(&[("topic", "t"), ("interval.ms", "0")])).await.unwrap_err();
    assert_eq!(refused.to_string(), "Invalid value for configuration interval.ms: \"0\" is not at least 1");
}

#[tokio::test]
async fn it_takes_records() {
    let plugin = load_ours(&engine_with(Settings::default()), "echo").await;
    let mut task = plugin.sink_task(Env::default()).await.unwrap();
    task.start(&config(&[])).await.unwrap();
    assert!(task.put(&batch(&["a", "b"])).await.unwrap().is_empty());
}
