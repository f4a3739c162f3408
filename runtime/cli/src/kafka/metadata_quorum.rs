//! `kafka-metadata-quorum`: who keeps the cluster's metadata.
//!
//! Owns its lines. Source: Kafka 4.3's MetadataQuorumCommand, observed. Invariant: voters are shown and never changed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kafka_protocol::messages::{
    DescribeQuorumRequest, DescribeQuorumResponse,
    describe_quorum_request::{PartitionData as WantedPartition, TopicData as WantedTopic},
    describe_quorum_response::{PartitionData, ReplicaState},
};

use crate::{
    admin::{Admin, To, topic_name},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    table::tabbed,
    tool::{Run, Sub, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-metadata-quorum",
    about: "Show who keeps the cluster's metadata.",
    flags: FLAGS,
    commands: COMMANDS,
    run: Run::Here(run),
};

const FLAGS: &[Flag] =
    &[BOOTSTRAP_SERVER, value("bootstrap-controller", "host:port", "Where its controllers are."), COMMAND_CONFIG];

const WHY: &str = "voters are shown here and not changed";

const COMMANDS: &[Sub] = &[
    Sub {
        name: "describe",
        about: "Show it.",
        flags: &[
            switch("status", "The quorum as a whole."),
            switch("replication", "A line for each node.").or("re"),
            switch("human-readable", "Times as so long ago.").or("hr"),
        ],
    },
    Sub { name: "add-controller", about: "Add a voter.", flags: &[switch("dry-run", "").not_here(WHY)] },
    Sub {
        name: "remove-controller",
        about: "Remove a voter.",
        flags: &[
            value("controller-id", "id", "").or("i").not_here(WHY),
            value("controller-directory-id", "id", "").or("d").not_here(WHY),
            switch("dry-run", "").not_here(WHY),
        ],
    },
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    match given.command {
        Some("describe") => {}
        Some(other) => {
            return Err(Failure::new(format!("known, but not supported here: {other} ({WHY}). Nothing was changed.")));
        }
        None => return Err(Failure::usage("kafka-metadata-quorum: error: too few arguments")),
    }
    let (status, replication) = (given.has("status"), given.has("replication"));
    if status == replication {
        return Err(Failure::new("One of --status or --replication must be specified with describe sub-command"));
    }
    let mut admin = Admin::new(given, world, "describeMetadataQuorum")?;
    let partition = WantedPartition::default().with_partition_index(0);
    let topic =
        WantedTopic::default().with_topic_name(topic_name("__cluster_metadata")).with_partitions(vec![partition]);
    let answer = admin.ask(To::Controller, |_| DescribeQuorumRequest::default().with_topics(vec![topic]))?;
    let quorum = found(&answer)?;
    let text = match status {
        true => {
            let cluster = admin.metadata(Some(&[]))?.cluster_id.map(|id| id.to_string()).unwrap_or_default();
            of_quorum(&cluster, quorum, &answer)
        }
        false => of_nodes(quorum, given.has("human-readable"), admin.world.now_ms()),
    };
    admin.world.out(&text);
    Ok(0)
}

fn found(answer: &DescribeQuorumResponse) -> Result<&PartitionData, Failure> {
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, answer.error_message.as_deref()));
    }
    let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
    let partition = partition.ok_or_else(|| Failure::kafka(3, None))?;
    match partition.error_code {
        0 => Ok(partition),
        code => Err(Failure::kafka(code, partition.error_message.as_deref())),
    }
}

fn of_quorum(cluster: &str, quorum: &PartitionData, answer: &DescribeQuorumResponse) -> String {
    let leader = quorum.current_voters.iter().find(|voter| voter.replica_id == quorum.leader_id);
    let followers = || quorum.current_voters.iter().chain(&quorum.observers);
    let lag = |replica: &ReplicaState| leader.map_or(0, |leader| leader.log_end_offset - replica.log_end_offset);
    let late = |replica: &ReplicaState| {
        leader.map_or(0, |leader| match replica.last_caught_up_timestamp {
            -1 => -1,
            time => leader.last_caught_up_timestamp - time,
        })
    };
    let node = |replica: &ReplicaState| {
        let endpoints = answer.nodes.iter().find(|node| node.node_id == replica.replica_id).map(|node| &node.listeners);
        let endpoints =
            endpoints.into_iter().flatten().map(|at| format!("\"{}://{}:{}\"", &*at.name, &*at.host, at.port));
        let endpoints: Vec<String> = endpoints.collect();
        let directory = match replica.replica_directory_id.as_bytes() {
            [0, ..] if replica.replica_directory_id.is_nil() => String::new(),
            id => format!(", \"directoryId\": \"{}\"", URL_SAFE_NO_PAD.encode(id)),
        };
        let endpoints =
            if endpoints.is_empty() { String::new() } else { format!(", \"endpoints\": [{}]", endpoints.join(", ")) };
        format!("{{\"id\": {}{directory}{endpoints}}}", replica.replica_id.0)
    };
    let nodes = |replicas: &[ReplicaState]| replicas.iter().map(node).collect::<Vec<String>>().join(", ");
    let rows = [
        ("ClusterId:", cluster.to_owned()),
        ("LeaderId:", quorum.leader_id.0.to_string()),
        ("LeaderEpoch:", quorum.leader_epoch.to_string()),
        ("HighWatermark:", quorum.high_watermark.to_string()),
        ("MaxFollowerLag:", followers().map(lag).max().unwrap_or(0).to_string()),
        ("MaxFollowerLagTimeMs:", followers().map(late).max().unwrap_or(0).to_string()),
        ("CurrentVoters:", format!("[{}]", nodes(&quorum.current_voters))),
        ("CurrentObservers:", format!("[{}]", nodes(&quorum.observers))),
    ];
    rows.iter().map(|(name, value)| format!("{name:<24}{value}\n")).collect()
}

fn of_nodes(quorum: &PartitionData, human: bool, now_ms: i64) -> String {
    let end = quorum
        .current_voters
        .iter()
        .find(|voter| voter.replica_id == quorum.leader_id)
        .map(|leader| leader.log_end_offset);
    let time = |timestamp: i64| {
        if human && timestamp >= 0 { format!("{} ms ago", now_ms - timestamp) } else { timestamp.to_string() }
    };
    let row = |replica: &ReplicaState, status: &str| {
        let status = if replica.replica_id == quorum.leader_id { "Leader" } else { status };
        vec![
            replica.replica_id.0.to_string(),
            URL_SAFE_NO_PAD.encode(replica.replica_directory_id.as_bytes()),
            replica.log_end_offset.to_string(),
            end.map_or(0, |end| end - replica.log_end_offset).to_string(),
            time(replica.last_fetch_timestamp),
            time(replica.last_caught_up_timestamp),
            status.to_owned(),
        ]
    };
    let voters = quorum.current_voters.iter().map(|replica| row(replica, "Follower"));
    let mut rows: Vec<Vec<String>> =
        voters.chain(quorum.observers.iter().map(|replica| row(replica, "Observer"))).collect();
    rows.sort_by_key(|row| row[6] != "Leader");
    let header =
        ["NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status"];
    tabbed(&header, &rows)
}
