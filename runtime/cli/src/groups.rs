//! What a group's coordinator tells of it: state, members and their partitions, committed offsets.
//!
//! Owns ConsumerGroupDescribe with its fallback DescribeGroups, and OffsetFetch. Invariant: the members keep the order of the answer.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use kafka_protocol::{
    messages::{
        ConsumerGroupDescribeRequest, ConsumerProtocolAssignment, DescribeGroupsRequest, GroupId, OffsetFetchRequest,
        consumer_group_describe_response::{Assignment, DescribedGroup},
    },
    protocol::{Decodable, Message},
};

use crate::{
    admin::{Admin, Coordinates, Node, To, text},
    failure::Failure,
    offsets::Partition,
};

/// A group.
pub struct Group {
    pub name: String,
    pub state: String,
    pub assignor: String,
    pub coordinator: Node,
    /// The group's epoch and that of its target; `None` for a group of the classic protocol.
    pub epochs: Option<(i32, i32)>,
    pub members: Vec<Member>,
}

/// A member of a group.
pub struct Member {
    pub id: String,
    pub client: String,
    pub host: String,
    /// Sorted.
    pub partitions: Vec<Partition>,
    /// Its epoch and what it is to have; `None` for a member of the classic protocol.
    pub target: Option<(i32, Vec<Partition>)>,
}

/// A committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    pub offset: i64,
    pub epoch: Option<i32>,
}

/// Describes a group.
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
