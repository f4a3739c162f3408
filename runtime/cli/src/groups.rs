//! Groups, asked of their coordinators: listed, described, deleted, their offsets read and committed.
//!
//! Owns the requests of whatever tool has to do with groups, ConsumerGroupDescribe with its fallback DescribeGroups among them. Leaves
//! flags and texts to the tools. Invariant: the members keep the order of the answer.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use kafka_protocol::{
    messages::{
        ConsumerGroupDescribeRequest, ConsumerProtocolAssignment, DeleteGroupsRequest, DescribeGroupsRequest, GroupId,
        ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
        consumer_group_describe_response::{Assignment, DescribedGroup},
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
    protocol::{Decodable, Message},
};

use crate::{
    admin::{Admin, Coordinates, Node, To, text, topic_name},
    failure::Failure,
    java::hash_order,
    offsets::Partition,
};

pub mod lag;

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its state, as in `Stable`; `Dead` where there is no such group.
    pub state: String,
    /// How partitions are shared out; empty if that is not known.
    pub assignor: String,
    /// The broker that coordinates it.
    pub coordinator: Node,
    /// The group's epoch and that of its target; `None` for a group of the classic protocol.
    pub epochs: Option<(i32, i32)>,
    /// In the order of the answer.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// The client's id.
    pub client: String,
    /// Where it comes from.
    pub host: String,
    /// Sorted.
    pub partitions: Vec<Partition>,
    /// Its epoch and what it is to have; `None` for a member of the classic protocol.
    pub target: Option<(i32, Vec<Partition>)>,
}

/// A committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Of the next record.
    pub offset: i64,
    /// The leader's epoch, if it was told.
    pub epoch: Option<i32>,
}

/// Describes a group.
///
/// # Errors
/// What the coordinator says, such as `GroupIdNotFoundException`; nobody answers in time.
pub fn describe(admin: &mut Admin<'_>, name: &str) -> Result<Group, Failure> {
    admin.retrying(|admin| {
        let coordinator = admin.coordinator(Coordinates::Group, name)?;
        let to = To::Broker(coordinator.id);
        if admin.serves::<ConsumerGroupDescribeRequest>(to)? {
            let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text(name))]);
            let answer = admin.ask(to, |_| request)?;
            match answer.groups.into_iter().next() {
                // A group of the classic protocol, or none.
                Some(group) if matches!(group.error_code, 35 | 69) => {}
                Some(group) if group.error_code != 0 => {
                    return Err(Failure::kafka(group.error_code, group.error_message.as_deref()));
                }
                Some(group) => return Ok(modern(coordinator, group)),
                None => {}
            }
        }
        classic(admin, coordinator, name)
    })
}

fn modern(coordinator: Node, group: DescribedGroup) -> Group {
    let partitions = |assignment: &Assignment| {
        let topics = assignment.topic_partitions.iter();
        let topics = topics
            .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_name.to_string(), *partition)));
        sorted(topics.collect())
    };
    let members = group.members.iter().map(|member| Member {
        id: member.member_id.to_string(),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        partitions: partitions(&member.assignment),
        target: Some((member.member_epoch, partitions(&member.target_assignment))),
    });
    Group {
        name: group.group_id.to_string(),
        state: group.group_state.to_string(),
        assignor: group.assignor_name.to_string(),
        coordinator,
        epochs: Some((group.group_epoch, group.assignment_epoch)),
        members: members.collect(),
    }
}

fn classic(admin: &mut Admin<'_>, coordinator: Node, name: &str) -> Result<Group, Failure> {
    let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(name))]);
    let answer = admin.ask(To::Broker(coordinator.id), |_| request)?;
    let group = answer.groups.into_iter().next().ok_or_else(|| Failure::kafka(69, None))?;
    if group.error_code != 0 {
        return Err(Failure::kafka(group.error_code, group.error_message.as_deref()));
    }
    let members = group.members.iter().map(|member| Member {
        id: member.member_id.to_string(),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        partitions: assignment(&member.member_assignment),
        target: None,
    });
    Ok(Group {
        name: name.to_owned(),
        state: group.group_state.to_string(),
        assignor: group.protocol_data.to_string(),
        coordinator,
        epochs: None,
        members: members.collect(),
    })
}

/// The partitions in a member's assignment: a version and Kafka's own structure. Of what is something else, none.
fn assignment(bytes: &Bytes) -> Vec<Partition> {
    let mut bytes = bytes.clone();
    if bytes.remaining() < 2 {
        return Vec::new();
    }
    let newest = ConsumerProtocolAssignment::VERSIONS.max;
    let Ok(assignment) =
        ConsumerProtocolAssignment::decode(&mut bytes.clone().split_off(2), bytes.get_i16().clamp(0, newest))
    else {
        return Vec::new();
    };
    let topics = assignment.assigned_partitions.iter();
    sorted(
        topics
            .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic.to_string(), *partition)))
            .collect(),
    )
}

fn sorted(mut partitions: Vec<Partition>) -> Vec<Partition> {
    partitions.sort();
    partitions
}

/// The offsets that the group has committed.
///
/// # Errors
/// What the coordinator says; nobody answers in time.
pub fn committed(admin: &mut Admin<'_>, name: &str) -> Result<BTreeMap<Partition, Committed>, Failure> {
    admin.retrying(|admin| {
        let coordinator = admin.coordinator(Coordinates::Group, name)?;
        let request = OffsetFetchRequest::default().with_group_id(GroupId(text(name))).with_topics(None);
        // Version 8 has several groups at once, of which there is no need here.
        let answer = admin.ask_within(To::Broker(coordinator.id), (2, 7), |_| request)?;
        if answer.error_code != 0 {
            return Err(Failure::kafka(answer.error_code, None));
        }
        let mut offsets = BTreeMap::new();
        for topic in &answer.topics {
            for partition in
                topic.partitions.iter().filter(|partition| partition.error_code == 0 && partition.committed_offset >= 0)
            {
                let epoch = Some(partition.committed_leader_epoch).filter(|epoch| *epoch >= 0);
                let committed = Committed { offset: partition.committed_offset, epoch };
                offsets.insert((topic.name.to_string(), partition.partition_index), committed);
            }
        }
        Ok(offsets)
    })
}

/// A group as ListGroups tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its state; `Unknown` of a broker that does not tell.
    pub state: String,
    /// `Classic` or `Consumer`; `Unknown` of a broker that does not tell.
    pub kind: String,
}

/// Every consumer group, in the order in which Kafka's tool has them.
///
/// # Errors
/// What a broker says; nobody answers in time.
pub fn listed(admin: &mut Admin<'_>) -> Result<Vec<Listed>, Failure> {
    let mut groups: Vec<Listed> = Vec::new();
    for node in admin.nodes()? {
        let answer = admin.retrying(|admin| {
            let answer = admin.ask(To::Broker(node.id), |version| {
                let request = ListGroupsRequest::default();
                if version >= 5 { request.with_types_filter(vec![text("consumer"), text("classic")]) } else { request }
            })?;
            if answer.error_code == 0 { Ok(answer) } else { Err(Failure::kafka(answer.error_code, None)) }
        })?;
        for group in answer.groups {
            if matches!(group.protocol_type.as_str(), "consumer" | "") {
                let or_unknown = |text: &str| if text.is_empty() { "Unknown".to_owned() } else { capital(text) };
                groups.push(Listed {
                    name: group.group_id.to_string(),
                    state: or_unknown(&group.group_state),
                    kind: or_unknown(&group.group_type),
                });
            }
        }
    }
    Ok(hash_order(groups, |group| group.name.clone()))
}

fn capital(text: &str) -> String {
    text[..1].to_uppercase() + &text[1..]
}

/// Deletes a group that has no members.
///
/// # Errors
/// What the coordinator says, such as `GroupNotEmptyException`; nobody answers in time.
pub fn delete(admin: &mut Admin<'_>, name: &str) -> Result<(), Failure> {
    admin.retrying(|admin| {
        let coordinator = admin.coordinator(Coordinates::Group, name)?;
        let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(name))]);
        let answer = admin.ask(To::Broker(coordinator.id), |_| request)?;
        match answer.results.first() {
            Some(result) if result.error_code != 0 => Err(Failure::kafka(result.error_code, None)),
            _ => Ok(()),
        }
    })
}

/// Commits offsets for a group that has no members; nothing where there are none.
///
/// # Errors
/// What the coordinator says, such as `UnknownMemberIdException` for a group that has members; nobody answers in time.
pub fn commit(admin: &mut Admin<'_>, name: &str, offsets: &[(Partition, i64)]) -> Result<(), Failure> {
    if offsets.is_empty() {
        return Ok(());
    }
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for ((topic, partition), offset) in offsets {
        let partition = OffsetCommitRequestPartition::default().with_partition_index(*partition);
        let partition = partition.with_committed_offset(*offset).with_committed_metadata(Some(text("")));
        topics.entry(topic).or_default().push(partition);
    }
    let topic = |(name, partitions): (&&str, &Vec<OffsetCommitRequestPartition>)| {
        OffsetCommitRequestTopic::default().with_name(topic_name(name)).with_partitions(partitions.clone())
    };
    admin.retrying(|admin| {
        let coordinator = admin.coordinator(Coordinates::Group, name)?;
        let request =
            OffsetCommitRequest::default().with_group_id(GroupId(text(name))).with_generation_id_or_member_epoch(-1);
        let request = request.with_topics(topics.iter().map(topic).collect());
        // Version 9 is the same for a group without members; version 10 names topics by id.
        let answer = admin.ask_within(To::Broker(coordinator.id), (2, 8), |_| request)?;
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        match partitions.map(|partition| partition.error_code).find(|code| *code != 0) {
            Some(code) => Err(Failure::kafka(code, None)),
            None => Ok(()),
        }
    })
}
