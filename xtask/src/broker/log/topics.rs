//! CreateTopics, CreatePartitions, DeleteTopics and IncrementalAlterConfigs: what is refused, and with which error.

use super::topic;
use crate::broker::ask::text;
use crate::broker::stage::Stage;
use anyhow::Result;
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest,
};

fn wanted(name: &str, partitions: i32, factor: i16) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(text(name).into())
        .with_num_partitions(partitions)
        .with_replication_factor(factor)
}

fn assigned(name: &str, partitions: &[(i32, &[i32])]) -> CreatableTopic {
    let assignment = |(index, brokers): &(i32, &[i32])| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*index)
            .with_broker_ids(brokers.iter().map(|id| (*id).into()).collect())
    };
    wanted(name, -1, -1).with_assignments(partitions.iter().map(assignment).collect())
}

fn with(topic: CreatableTopic, configs: &[(&str, Option<&str>)]) -> CreatableTopic {
    let config = |(name, value): &(&str, Option<&str>)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(value.map(text))
    };
    topic.with_configs(configs.iter().map(config).collect())
}

/// In an order that means nothing, without texts, and with the configs' values left to another script.
fn told(mut response: CreateTopicsResponse) -> CreateTopicsResponse {
    response.topics.sort_by_key(|topic| topic.name.clone());
    for topic in &mut response.topics {
        topic.error_message = topic.error_message.take().map(|_| text("..."));
        topic.configs = None;
        // Kafka gives ids to topics that are only tried.
        topic.topic_id = Default::default();
    }
    response
}

/// Topics that cannot be, and some that can.
pub fn making(stage: &mut Stage) -> Result<()> {
    topic(stage, "made", 1, &[])?;
    let mut wire = stage.connect("admin")?;
    let long = "x".repeat(249);
    let longer = "x".repeat(250);
    let cases: Vec<(&str, Vec<CreatableTopic>)> = vec![
        ("one that is there", vec![wanted("made", 1, 1)]),
        ("names", ["", ".", "..", "a/b", "a b", "ä", "a,b", "a:b"].map(|name| wanted(name, 1, 1)).into()),
        ("long names", vec![wanted(&long, 1, 1), wanted(&longer, 1, 1)]),
        (
            "internal ones",
            vec![
                wanted("__consumer_offsets", 1, 1),
                wanted("__cluster_metadata", 1, 1),
                wanted("__share_group_state", 1, 1),
            ],
        ),
        ("no partitions", vec![wanted("p0", 0, 1), wanted("p-2", -2, 1)]),
        ("defaults", vec![wanted("default", -1, -1)]),
        ("replication factors", vec![wanted("r0", 1, 0), wanted("r2", 1, 2), wanted("r-2", 1, -2)]),
        ("assigned", vec![assigned("assigned", &[(0, &[1]), (1, &[1])])]),
        ("assigned out of order", vec![assigned("order", &[(1, &[1]), (0, &[1])])]),
        ("assigned with a gap", vec![assigned("gap", &[(0, &[1]), (2, &[1])])]),
        ("assigned from 1 on", vec![assigned("from-1", &[(1, &[1])])]),
        ("assigned twice", vec![assigned("again", &[(0, &[1]), (0, &[1])])]),
        ("assigned to nobody", vec![assigned("nobody", &[(0, &[])])]),
        ("assigned to another", vec![assigned("another", &[(0, &[7])])]),
        ("assigned to one twice", vec![assigned("duplicate", &[(0, &[1, 1])])]),
        ("assigned to two", vec![assigned("two", &[(0, &[1, 7])])]),
        ("assigned and counted", vec![assigned("counted", &[(0, &[1])]).with_num_partitions(1)]),
        ("assigned and replicated", vec![assigned("replicated", &[(0, &[1])]).with_replication_factor(1)]),
        ("an unknown config", vec![with(wanted("c1", 1, 1), &[("no.such.config", Some("x"))])]),
        ("a bad number", vec![with(wanted("c2", 1, 1), &[("retention.ms", Some("soon"))])]),
        ("a number out of range", vec![with(wanted("c3", 1, 1), &[("retention.ms", Some("-2"))])]),
        ("a bad policy", vec![with(wanted("c4", 1, 1), &[("cleanup.policy", Some("shred"))])]),
        ("a null config", vec![with(wanted("c5", 1, 1), &[("retention.ms", None)])]),
        ("no replicas in sync", vec![with(wanted("c7", 1, 1), &[("min.insync.replicas", Some("0"))])]),
        ("more replicas in sync than there are", vec![with(wanted("c8", 1, 1), &[("min.insync.replicas", Some("2"))])]),
        ("segments too small", vec![with(wanted("c9", 1, 1), &[("segment.bytes", Some("10"))])]),
        (
            "local retention above all",
            vec![with(wanted("c10", 1, 1), &[("local.retention.ms", Some("5")), ("retention.ms", Some("1"))])],
        ),
        ("good and bad at once", vec![wanted("good", 1, 1), wanted("bad name", 1, 1)]),
        ("none", vec![]),
    ];
    for (what, topics) in cases {
        let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(30_000);
        let trial = request.clone().with_validate_only(true);
        stage.note(format!("{what}, only to see"), told(wire.ask(7, &trial)?));
        stage.note(what, told(wire.ask(7, &request)?));
    }
    for version in 2..=6 {
        let request = CreateTopicsRequest::default()
            .with_topics(vec![wanted(&format!("made-by-{version}"), 2, 1)])
            .with_timeout_ms(30_000);
        stage.note(format!("version {version}"), told(wire.ask(version, &request)?));
    }
    for version in 1..=6 {
        let names = [format!("made-by-{version}"), "no-such-topic".to_owned()];
        let by_state = |name: &String| DeleteTopicState::default().with_name(Some(text(name).into()));
        let request = DeleteTopicsRequest::default().with_timeout_ms(30_000);
        let request = match version {
            6 => request.with_topics(names.iter().map(by_state).collect()),
            _ => request.with_topic_names(names.iter().map(|name| text(name).into()).collect()),
        };
        let mut answer = wire.ask(version, &request)?;
        answer.responses.sort_by_key(|topic| topic.name.clone());
        stage.note(format!("deleted, version {version}"), answer);
    }
    let nothing = DeleteTopicState::default().with_name(None);
    let both = DeleteTopicState::default()
        .with_name(Some(text("made").into()))
        .with_topic_id("00000000-0000-0000-0000-000000000077".parse()?);
    let unknown = DeleteTopicState::default().with_topic_id("00000000-0000-0000-0000-000000000078".parse()?);
    for (what, state) in [("nothing", nothing), ("a name and an id", both), ("an unknown id", unknown)] {
        let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(30_000);
        let mut answer = wire.ask(6, &request)?;
        answer.responses.iter_mut().for_each(|topic| topic.error_message = None);
        stage.note(format!("deleting {what}"), answer);
    }
    Ok(())
}

/// CreatePartitions.
pub fn growing(stage: &mut Stage) -> Result<()> {
    topic(stage, "growing", 2, &[])?;
    let mut wire = stage.connect("admin")?;
    let to = |name: &str, count| {
        CreatePartitionsTopic::default().with_name(text(name).into()).with_count(count).with_assignments(None)
    };
    let on = |brokers: &[&[i32]]| {
        let assignment = |ids: &&[i32]| {
            CreatePartitionsAssignment::default().with_broker_ids(ids.iter().map(|id| (*id).into()).collect())
        };
        Some(brokers.iter().map(assignment).collect::<Vec<_>>())
    };
    let cases: Vec<(&str, Vec<CreatePartitionsTopic>)> = vec![
        ("fewer", vec![to("growing", 1)]),
        ("as many", vec![to("growing", 2)]),
        ("none", vec![to("growing", 0)]),
        ("negative", vec![to("growing", -1)]),
        ("of no topic", vec![to("no-such-topic", 3)]),
        ("assigned to another", vec![to("growing", 3).with_assignments(on(&[&[7]]))]),
        ("assigned to nobody", vec![to("growing", 3).with_assignments(on(&[&[]]))]),
        ("too few assignments", vec![to("growing", 4).with_assignments(on(&[&[1]]))]),
        ("too many assignments", vec![to("growing", 3).with_assignments(on(&[&[1], &[1]]))]),
        ("assigned to one twice", vec![to("growing", 3).with_assignments(on(&[&[1, 1]]))]),
        ("assigned", vec![to("growing", 3).with_assignments(on(&[&[1]]))]),
        ("one more", vec![to("growing", 4)]),
        ("nothing", vec![]),
    ];
    for (what, topics) in cases {
        let request = CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(30_000);
        for only in [true, false] {
            let mut answer = wire.ask(3, &request.clone().with_validate_only(only))?;
            answer.results.sort_by_key(|topic| topic.name.clone());
            answer.results.iter_mut().for_each(|topic| topic.error_message = None);
            stage.note(format!("{what}, only to see: {only}"), answer);
        }
    }
    Ok(())
}

/// IncrementalAlterConfigs of topics.
pub fn configs(stage: &mut Stage) -> Result<()> {
    topic(stage, "configs", 1, &[])?;
    let mut wire = stage.connect("admin")?;
    const SET: i8 = 0;
    const DELETE: i8 = 1;
    const APPEND: i8 = 2;
    const SUBTRACT: i8 = 3;
    let op = |name: &str, operation: i8, value: Option<&str>| {
        AlterableConfig::default().with_name(text(name)).with_config_operation(operation).with_value(value.map(text))
    };
    let of = |kind: i8, name: &str, configs: Vec<AlterableConfig>| {
        AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(name)).with_configs(configs)
    };
    let cases: Vec<(&str, Vec<AlterConfigsResource>)> = vec![
        ("set", vec![of(2, "configs", vec![op("retention.ms", SET, Some("1000"))])]),
        ("unknown", vec![of(2, "configs", vec![op("no.such.config", SET, Some("1"))])]),
        ("unknown, deleted", vec![of(2, "configs", vec![op("no.such.config", DELETE, None)])]),
        ("a bad value", vec![of(2, "configs", vec![op("retention.ms", SET, Some("soon"))])]),
        ("out of range", vec![of(2, "configs", vec![op("retention.ms", SET, Some("-2"))])]),
        ("a null", vec![of(2, "configs", vec![op("retention.ms", SET, None)])]),
        (
            "one twice",
            vec![of(2, "configs", vec![op("retention.ms", SET, Some("1")), op("retention.ms", SET, Some("2"))])],
        ),
        ("appended to what is no list", vec![of(2, "configs", vec![op("retention.ms", APPEND, Some("1"))])]),
        ("appended", vec![of(2, "configs", vec![op("cleanup.policy", APPEND, Some("compact"))])]),
        ("appended again", vec![of(2, "configs", vec![op("cleanup.policy", APPEND, Some("compact"))])]),
        ("subtracted", vec![of(2, "configs", vec![op("cleanup.policy", SUBTRACT, Some("delete"))])]),
        ("subtracted what is not there", vec![of(2, "configs", vec![op("cleanup.policy", SUBTRACT, Some("delete"))])]),
        ("deleted", vec![of(2, "configs", vec![op("retention.ms", DELETE, None)])]),
        ("no topic", vec![of(2, "no-such-topic", vec![op("retention.ms", SET, Some("1"))])]),
        ("no name", vec![of(2, "", vec![op("retention.ms", SET, Some("1"))])]),
        ("no such type", vec![of(99, "configs", vec![op("retention.ms", SET, Some("1"))])]),
        ("one resource twice", vec![of(2, "configs", vec![]), of(2, "configs", vec![])]),
        ("another broker", vec![of(4, "7", vec![op("log.retention.ms", SET, Some("1"))])]),
        ("a broker that is no number", vec![of(4, "x", vec![op("log.retention.ms", SET, Some("1"))])]),
        ("a setting for this start only", vec![of(4, "1", vec![op("node.id", SET, Some("5"))])]),
        ("nothing of nothing", vec![]),
    ];
    for (what, resources) in cases {
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources);
        for only in [true, false] {
            let mut answer = wire.ask(1, &request.clone().with_validate_only(only))?;
            answer.responses.iter_mut().for_each(|resource| resource.error_message = None);
            stage.note(format!("{what}, only to see: {only}"), answer);
        }
    }
    Ok(())
}
