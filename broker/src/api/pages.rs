//! DescribeTopicPartitions 0 (KIP-966): topics and their partitions, page by page.
//!
//! Owns where a page begins and ends. Source of the rules: Kafka 4.3's `DescribeTopicPartitionsRequestHandler` and
//! `KRaftMetadataCache.describeTopicResponse`.

use std::collections::BTreeSet;

use broker_core::{
    error::Error,
    request::{ClusterMetadata, Metadata, Request, TopicMetadata, TopicRef},
};
use broker_wire::{
    Response,
    messages::{
        BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
        describe_topic_partitions_response::{
            Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
        },
    },
};

use super::{Shape, Step, code, operations, topic_name};

/// Kafka's `max.request.partition.size.limit`.
const MOST_PARTITIONS: i32 = 2000;

/// What of the topics an answer holds.
pub(crate) struct Page {
    /// The topic and partition that it begins with.
    from: Option<(String, i32)>,
    /// Most partitions in it.
    limit: i32,
    /// All topics are asked for: one that is deleted meanwhile is left out.
    all: bool,
}

pub fn ask(request: DescribeTopicPartitionsRequest) -> Step {
    let from = request.cursor.as_ref().map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    let names: BTreeSet<String> = request.topics.iter().map(|topic| topic.name.to_string()).collect();
    let all = names.is_empty();
    if let Some((topic, partition)) = &from
        && (*partition < 0 || !(all || names.contains(topic)))
    {
        return Step::Answer(Response::DescribeTopicPartitions(refused(&request)));
    }
    let topics = if all { None } else { Some(names.into_iter().map(TopicRef::Name).collect()) };
    let page = Page { from, limit: request.response_partition_limit.clamp(1, MOST_PARTITIONS), all };
    Step::Ask(
        Request::Metadata(Metadata { topics, allow_auto_topic_creation: false }),
        Shape::DescribeTopicPartitions(page),
    )
}

/// A cursor that points nowhere: each topic asked for has the error.
fn refused(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let topic = |name: &TopicName| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_error_code(Error::InvalidRequest.code())
            .with_name(Some(name.clone()))
    };
    let topics = request.topics.iter().map(|asked| topic(&asked.name)).collect();
    DescribeTopicPartitionsResponse::default().with_topics(topics)
}

pub fn answer(page: &Page, cluster: ClusterMetadata) -> DescribeTopicPartitionsResponse {
    let node = BrokerId(cluster.node_id);
    let mut named: Vec<(String, TopicMetadata)> =
        cluster.topics.into_iter().filter_map(|topic| Some((topic.name.clone()?, topic))).collect();
    named.retain(|(name, topic)| page.has(name) && (topic.partitions.is_ok() || !page.all));
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (mut topics, mut next, mut room) = (Vec::new(), None, page.limit);
    for (name, topic) in named {
        let (first, end) = (page.first_partition(&name), *topic.partitions.as_ref().unwrap_or(&0));
        let until = end.min(first.saturating_add(room));
        if room > 0 {
            topics.push(described(node, &name, &topic, first..until));
        }
        if room == 0 || until < end {
            next = Some(Cursor::default().with_topic_name(topic_name(&name)).with_partition_index(until));
            break;
        }
        room -= (until - first).max(0);
    }
    DescribeTopicPartitionsResponse::default().with_topics(topics).with_next_cursor(next)
}

impl Page {
    fn has(&self, topic: &str) -> bool {
        self.from.as_ref().is_none_or(|(first, _)| topic >= first.as_str())
    }

    fn first_partition(&self, topic: &str) -> i32 {
        self.from.as_ref().filter(|(first, _)| first == topic).map_or(0, |(_, partition)| *partition)
    }
}

fn described(
    node: BrokerId,
    name: &str,
    topic: &TopicMetadata,
    partitions: std::ops::Range<i32>,
) -> DescribeTopicPartitionsResponseTopic {
    let partition = |index| {
        DescribeTopicPartitionsResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(node)
            .with_leader_epoch(0)
            .with_replica_nodes(vec![node])
            .with_isr_nodes(vec![node])
            .with_eligible_leader_replicas(Some(Vec::new()))
            .with_last_known_elr(Some(Vec::new()))
    };
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(code(&topic.partitions))
        .with_name(Some(topic_name(name)))
        .with_topic_id(topic.id)
        .with_is_internal(topic.internal)
        .with_partitions(partitions.map(partition).collect())
        .with_topic_authorized_operations(operations::TOPIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn cluster() -> ClusterMetadata {
        let topic = |name: &str, partitions| TopicMetadata {
            name: Some(name.into()),
            id: Uuid::from_u128(1),
            internal: false,
            partitions,
        };
        let topics = vec![
            topic("c", Ok(2)),
            topic("a", Ok(3)),
            topic("b", Err(Error::UnknownTopicOrPartition)),
            topic("d", Ok(1)),
        ];
        ClusterMetadata { cluster_id: "c".into(), node_id: 1, topics }
    }

    /// Topics with the indexes of their partitions, and the cursor, of each page in turn.
    fn pages(limit: i32, all: bool) -> Vec<String> {
        let mut pages = Vec::new();
        let mut from = None;
        loop {
            let answer = answer(&Page { from, limit, all }, cluster());
            let topic = |topic: &DescribeTopicPartitionsResponseTopic| {
                let indexes: Vec<i32> = topic.partitions.iter().map(|partition| partition.partition_index).collect();
                format!("{}{indexes:?}", topic.name.as_ref().unwrap().as_str())
            };
            pages.push(answer.topics.iter().map(topic).collect::<Vec<_>>().join(" "));
            match answer.next_cursor {
                Some(cursor) => from = Some((cursor.topic_name.to_string(), cursor.partition_index)),
                None => return pages,
            }
        }
    }

    #[test]
    fn every_partition_is_on_one_page() {
        assert_eq!(pages(2000, false), ["a[0, 1, 2] b[] c[0, 1] d[0]"]);
        assert_eq!(pages(6, true), ["a[0, 1, 2] c[0, 1] d[0]"]);
        assert_eq!(pages(3, true), ["a[0, 1, 2]", "c[0, 1] d[0]"]);
        assert_eq!(pages(2, true), ["a[0, 1]", "a[2] c[0]", "c[1] d[0]"]);
        assert_eq!(pages(1, true), ["a[0]", "a[1]", "a[2]", "c[0]", "c[1]", "d[0]"]);
    }

    #[test]
    fn a_cursor_that_points_nowhere_is_refused() {
        use broker_wire::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
        let check = |topics: &[&str], cursor: (&str, i32), refused: bool| {
            let topics = topics.iter().map(|name| TopicRequest::default().with_name(topic_name(name))).collect();
            let cursor = Cursor::default().with_topic_name(topic_name(cursor.0)).with_partition_index(cursor.1);
            let request = DescribeTopicPartitionsRequest::default().with_topics(topics).with_cursor(Some(cursor));
            assert_eq!(matches!(ask(request), Step::Answer(_)), refused);
        };
        check(&["a", "b"], ("b", 0), false);
        check(&["a", "b"], ("b", -1), true);
        check(&["a", "b"], ("c", 0), true);
        check(&[], ("c", 0), false);
    }
}
