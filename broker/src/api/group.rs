//! FindCoordinator 0 to 3, JoinGroup 0 to 7, SyncGroup 0 to 5, Heartbeat 0 to 4, LeaveGroup 0 to 4, DescribeGroups 0 to 6,
//! ListGroups 0 to 5, DeleteGroups 0 to 2, OffsetDelete 0. JoinGroup 4 brought MEMBER_ID_REQUIRED, 5 static members, LeaveGroup 3 batches.

use broker_core::{
    error::Error,
    request::{
        GroupDescription, JoinGroup, Joined, ListedGroup, Member, MemberDescription, Request, SyncGroup, Synced,
        TopicReply,
    },
};
use broker_wire::{
    ErrorCode, RequestHeader, Response, StrBytes,
    messages::{
        BrokerId, DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
        FindCoordinatorRequest, FindCoordinatorResponse, GroupId, HeartbeatRequest, HeartbeatResponse,
        JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
        ListGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse, SyncGroupRequest, SyncGroupResponse,
        delete_groups_response::DeletableGroupResult,
        describe_groups_response::{DescribedGroup, DescribedGroupMember},
        join_group_response::JoinGroupResponseMember,
        leave_group_response::MemberResponse,
        list_groups_response,
        offset_delete_request::OffsetDeleteRequestTopic,
        offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic},
    },
};

use super::{Shape, Step, code, operations, text, topic_name};
use crate::connection::Peer;

fn id(group: &str) -> GroupId {
    GroupId(text(group))
}

fn owned(value: Option<StrBytes>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// This node coordinates every group and every transaction.
pub fn find_coordinator(peer: &Peer, version: i16, request: &FindCoordinatorRequest) -> FindCoordinatorResponse {
    let response = FindCoordinatorResponse::default().with_node_id(BrokerId(-1)).with_port(-1);
    let refuse =
        |error: ErrorCode, why: &str| response.clone().with_error_code(error.0).with_error_message(Some(text(why)));
    match request.key_type {
        0 if request.key.is_empty() && version > 0 => refuse(ErrorCode::INVALID_GROUP_ID, "The group id is empty."),
        0 | 1 => response.with_node_id(BrokerId(peer.node_id)).with_host(text(&peer.host)).with_port(peer.port),
        _ => refuse(ErrorCode::INVALID_REQUEST, "There are no coordinators of this type."),
    }
}

pub fn ask_join(peer: &Peer, header: &RequestHeader, request: JoinGroupRequest) -> Step {
    let join = JoinGroup {
        group: request.group_id.to_string(),
        member: request.member_id.to_string(),
        instance: owned(request.group_instance_id),
        client_id: header.client_id.to_string(),
        client_host: format!("/{}", peer.address.ip()),
        require_known_member: header.version >= 4,
        session_timeout_ms: request.session_timeout_ms,
        // Version 0 had one timeout for both.
        rebalance_timeout_ms: if header.version == 0 {
            request.session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name.to_string(), protocol.metadata))
            .collect(),
        in_process: false,
    };
    Step::Ask(Request::JoinGroup(join), Shape::JoinGroup)
}

pub fn answer_join(version: i16, outcome: Result<Joined, (Error, String)>) -> JoinGroupResponse {
    match outcome {
        Ok(joined) => {
            let member = |(id, instance, metadata): (String, Option<String>, _)| {
                JoinGroupResponseMember::default()
                    .with_member_id(text(&id))
                    .with_group_instance_id(instance.as_deref().map(text))
                    .with_metadata(metadata)
            };
            JoinGroupResponse::default()
                .with_generation_id(joined.generation)
                .with_protocol_type(Some(text(&joined.protocol_type)))
                .with_protocol_name(Some(text(&joined.protocol)))
                .with_leader(text(&joined.leader))
                .with_member_id(text(&joined.member))
                .with_members(joined.members.into_iter().map(member).collect())
        }
        Err((error, member)) => JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_member_id(text(&member))
            // Before version 7 a null name cannot be said.
            .with_protocol_name(if version < 7 { Some(text("")) } else { None }),
    }
}

pub fn ask_sync(version: i16, request: SyncGroupRequest) -> Step {
    let protocol = owned(request.protocol_type).zip(owned(request.protocol_name));
    // Version 5 brought them, and Kafka takes no other without.
    if version >= 5 && protocol.is_none() {
        return Step::Answer(Response::SyncGroup(answer_sync(Err(Error::InconsistentGroupProtocol))));
    }
    let sync = SyncGroup {
        who: Member {
            group: request.group_id.to_string(),
            generation: request.generation_id,
            member: request.member_id.to_string(),
            instance: owned(request.group_instance_id),
        },
        protocol,
        assignments: request.assignments.into_iter().map(|a| (a.member_id.to_string(), a.assignment)).collect(),
    };
    Step::Ask(Request::SyncGroup(sync), Shape::SyncGroup)
}

pub fn answer_sync(outcome: Result<Synced, Error>) -> SyncGroupResponse {
    let response = SyncGroupResponse::default().with_error_code(code(&outcome));
    match outcome {
        Ok(synced) => response
            .with_protocol_type(Some(text(&synced.protocol_type)))
            .with_protocol_name(Some(text(&synced.protocol)))
            .with_assignment(synced.assignment),
        Err(_) => response,
    }
}

pub fn ask_heartbeat(request: HeartbeatRequest) -> Step {
    let member = Member {
        group: request.group_id.to_string(),
        generation: request.generation_id,
        member: request.member_id.to_string(),
        instance: owned(request.group_instance_id),
    };
    Step::Ask(Request::Heartbeat(member), Shape::Heartbeat)
}

pub fn answer_heartbeat(outcome: Result<(), Error>) -> HeartbeatResponse {
    HeartbeatResponse::default().with_error_code(code(&outcome))
}

pub fn ask_leave(version: i16, request: LeaveGroupRequest) -> Step {
    let members = if version < 3 {
        vec![(request.member_id.to_string(), None)]
    } else {
        request
            .members
            .into_iter()
            .map(|member| (member.member_id.to_string(), owned(member.group_instance_id)))
            .collect()
    };
    Step::Ask(Request::LeaveGroup { group: request.group_id.to_string(), members }, Shape::LeaveGroup)
}

type Left = Result<Vec<(String, Option<String>, Result<(), Error>)>, Error>;

pub fn answer_leave(version: i16, outcome: Left) -> LeaveGroupResponse {
    let response = LeaveGroupResponse::default();
    match outcome {
        Err(error) => response.with_error_code(error.code()),
        // Before version 3 there is one member, and its error is the whole answer.
        Ok(members) if version < 3 => {
            response.with_error_code(members.first().map_or(0, |(.., outcome)| code(outcome)))
        }
        Ok(members) => {
            let member = |(id, instance, outcome): (String, Option<String>, Result<(), Error>)| {
                MemberResponse::default()
                    .with_member_id(text(&id))
                    .with_group_instance_id(instance.as_deref().map(text))
                    .with_error_code(code(&outcome))
            };
            response.with_members(members.into_iter().map(member).collect())
        }
    }
}

pub fn ask_describe(request: DescribeGroupsRequest) -> Step {
    Step::Ask(
        Request::DescribeGroups(request.groups.iter().map(|group| group.to_string()).collect()),
        Shape::DescribeGroups { operations: request.include_authorized_operations },
    )
}

pub fn answer_describe(version: i16, with_operations: bool, groups: Vec<GroupDescription>) -> DescribeGroupsResponse {
    let member = |version: i16, member: MemberDescription| {
        // Version 4 brought static members.
        let instance = member.instance.filter(|_| version >= 4);
        DescribedGroupMember::default()
            .with_member_id(text(&member.member))
            .with_group_instance_id(instance.as_deref().map(text))
            .with_client_id(text(&member.client_id))
            .with_client_host(text(&member.client_host))
            .with_member_metadata(member.metadata)
            .with_member_assignment(member.assignment)
    };
    let group = |group: GroupDescription| {
        // Up to version 5 an unknown group is Dead, and that is no error (broker-contract 1.5 #32).
        let error = group.error.filter(|error| version >= 6 || *error != Error::GroupIdNotFound);
        let why = error.filter(|_| version >= 6).map(|_| format!("Group {} not found.", group.group));
        DescribedGroup::default()
            .with_error_code(error.map_or(0, |error| error.code()))
            .with_error_message(why.as_deref().map(text))
            .with_authorized_operations(operations(with_operations && why.is_none(), operations::GROUP))
            .with_group_id(id(&group.group))
            .with_group_state(text(group.state))
            .with_protocol_type(text(&group.protocol_type))
            .with_protocol_data(text(&group.protocol))
            .with_members(group.members.into_iter().map(|described| member(version, described)).collect())
    };
    DescribeGroupsResponse::default().with_groups(groups.into_iter().map(group).collect())
}

/// The only type of groups there is (KIP-848).
const CLASSIC: &str = "classic";

pub fn ask_list(request: ListGroupsRequest) -> Step {
    if !request.types_filter.is_empty() && !request.types_filter.iter().any(|kind| kind.eq_ignore_ascii_case(CLASSIC)) {
        return Step::Answer(Response::ListGroups(ListGroupsResponse::default()));
    }
    let states = request.states_filter.iter().map(ToString::to_string).collect();
    Step::Ask(Request::ListGroups { states }, Shape::ListGroups)
}

pub fn answer_list(version: i16, groups: Vec<ListedGroup>) -> ListGroupsResponse {
    let group = |group: ListedGroup| {
        list_groups_response::ListedGroup::default()
            .with_group_id(id(&group.group))
            .with_protocol_type(text(&group.protocol_type))
            .with_group_state(text(group.state))
            .with_group_type(text(if version >= 5 { CLASSIC } else { "" }))
    };
    ListGroupsResponse::default().with_groups(groups.into_iter().map(group).collect())
}

pub fn ask_delete(request: DeleteGroupsRequest) -> Step {
    Step::Ask(
        Request::DeleteGroups(request.groups_names.iter().map(|group| group.to_string()).collect()),
        Shape::DeleteGroups,
    )
}

pub fn answer_delete(groups: Vec<(String, Result<(), Error>)>) -> DeleteGroupsResponse {
    let group = |(group, outcome): (String, Result<(), Error>)| {
        DeletableGroupResult::default().with_group_id(id(&group)).with_error_code(code(&outcome))
    };
    DeleteGroupsResponse::default().with_results(groups.into_iter().map(group).collect())
}

pub fn ask_delete_offsets(request: OffsetDeleteRequest) -> Step {
    let topic = |topic: OffsetDeleteRequestTopic| {
        (topic.name.to_string(), topic.partitions.iter().map(|partition| partition.partition_index).collect())
    };
    let topics = request.topics.into_iter().map(topic).collect();
    Step::Ask(Request::OffsetDelete { group: request.group_id.to_string(), topics }, Shape::OffsetDelete)
}

pub fn answer_delete_offsets(
    outcome: Result<Vec<TopicReply<(i32, Result<(), Error>)>>, Error>,
) -> OffsetDeleteResponse {
    let response = OffsetDeleteResponse::default().with_error_code(code(&outcome));
    let topic = |topic: TopicReply<(i32, Result<(), Error>)>| {
        let partition = |(index, outcome): (i32, Result<(), Error>)| {
            OffsetDeleteResponsePartition::default().with_partition_index(index).with_error_code(code(&outcome))
        };
        OffsetDeleteResponseTopic::default()
            .with_name(topic_name(&topic.topic))
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    response.with_topics(outcome.unwrap_or_default().into_iter().map(topic).collect())
}
