//! Configs that were altered at run time hold after a restart: a topic's own, the node's and the cluster's.

use broker_core::request::{AlterConfigs, ConfigChange, ConfigResource, ConfigSource, Reply, Request};

use super::Story;
use crate::disk::Death;

fn alter(story: &mut Story, resource: &ConfigResource, name: &str, change: ConfigChange) {
    let altered =
        AlterConfigs { resource: resource.clone(), replace: false, changes: vec![(name.to_string(), change)] };
    let Reply::AlterConfigs(outcomes) =
        story.ask(Request::AlterConfigs { resources: vec![altered], validate_only: false })
    else {
        panic!("an alteration gets its own kind of answer");
    };
    assert_eq!(outcomes[0].1, Ok(()));
}

/// The value that holds of a topic's config, and where it comes from.
fn config(story: &mut Story, name: &str) -> (String, ConfigSource) {
    let topic = ConfigResource::Topic("t".into());
    let Reply::DescribeConfigs(mut described) = story.ask(Request::DescribeConfigs(vec![topic])) else {
        panic!("a description gets its own kind of answer");
    };
    let entries = described.remove(0).1.expect("the topic exists");
    let entry = entries.into_iter().find(|entry| entry.name == name).expect("Kafka has this config");
    (entry.value.expect("it is no secret"), entry.source)
}

#[test]
fn what_was_altered_stays_altered() {
    for checkpoint in [false, true] {
        let mut story = Story::new();
        story.create("t");
        let (topic, node, cluster) = (
            ConfigResource::Topic("t".into()),
            ConfigResource::Broker("1".into()),
            ConfigResource::Broker(String::new()),
        );
        let set = |value: &str| ConfigChange::Set(Some(value.to_string()));
        alter(&mut story, &topic, "retention.ms", set("1000"));
        alter(&mut story, &topic, "segment.ms", set("2000"));
        alter(&mut story, &node, "log.segment.bytes", set("3000000"));
        alter(&mut story, &cluster, "log.segment.bytes", set("4000000"));
        alter(&mut story, &cluster, "log.index.interval.bytes", set("5000"));
        alter(&mut story, &topic, "segment.ms", ConfigChange::Delete);
        if checkpoint {
            story.checkpoint();
        }
        for death in [Death::PowerCut, Death::Kill] {
            story.die(death);
            let mut check = |name: &str, value: &str, source| {
                let found = config(&mut story, name);
                assert_eq!(found, (value.to_string(), source), "{name}, {death:?}, checkpoint: {checkpoint}");
            };
            check("retention.ms", "1000", ConfigSource::Topic);
            check("segment.ms", "604800000", ConfigSource::Default);
            check("segment.bytes", "3000000", ConfigSource::Node);
            check("index.interval.bytes", "5000", ConfigSource::Cluster);
        }
    }
}
