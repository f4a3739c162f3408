//! `kafka-cluster`: the cluster's id and its nodes.
//!
//! Owns its flags and lines. Source: Kafka 4.3's ClusterTool, observed.

use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, UnregisterBrokerRequest};

use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    tool::{Run, Sub, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-cluster",
    about: "Say which cluster it is, and which nodes it has.",
    flags: FLAGS,
    commands: COMMANDS,
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER.or("b"),
    value("bootstrap-controller", "host:port", "Where its controllers are.").or("C"),
    COMMAND_CONFIG.or("c"),
    value("config", "file", "").renamed("command-config"),
];

const COMMANDS: &[Sub] = &[
    Sub { name: "cluster-id", about: "Print the cluster's id.", flags: &[] },
    Sub { name: "unregister", about: "Forget a broker.", flags: &[value("id", "id", "The broker.").or("i")] },
    Sub {
        name: "list-endpoints",
        about: "List the nodes.",
        flags: &[switch("include-fenced-brokers", "Those too that are fenced.")],
    },
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let Some(command) = given.command else {
        return Err(Failure::usage("kafka-cluster: error: too few arguments"));
    };
    let mut admin = Admin::new(given, world, "describeCluster")?;
    match command {
        "cluster-id" => cluster_id(&mut admin),
        "list-endpoints" => endpoints(given, &mut admin),
        _ => unregister(given, &mut admin),
    }
    .map(|()| 0)
}

fn cluster_id(admin: &mut Admin<'_>) -> Result<(), Failure> {
    let id = admin.metadata(Some(&[]))?.cluster_id;
    admin.world.out(&match id {
        Some(id) => format!("Cluster ID: {id}\n"),
        None => "No cluster ID found. The Kafka version is probably too old.\n".to_owned(),
    });
    Ok(())
}

fn endpoints(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let of_controllers = given.has("bootstrap-controller");
    let fenced_too = given.has("include-fenced-brokers");
    let kind = if of_controllers { "controller" } else { "broker" };
    let answer = admin.ask(To::Any, |version| {
        let request = DescribeClusterRequest::default();
        let request =
            if version >= 1 { request.with_endpoint_type(if of_controllers { 2 } else { 1 }) } else { request };
        if version >= 2 { request.with_include_fenced_brokers(fenced_too) } else { request }
    })?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, answer.error_message.as_deref()));
    }
    let mut nodes = answer.brokers;
    nodes.sort_by_key(|node| node.broker_id.0);
    let widest = |texts: &mut dyn Iterator<Item = usize>, least: usize| texts.max().unwrap_or(0).max(least);
    let host = widest(&mut nodes.iter().map(|node| node.host.len()), 9);
    let rack = |node: &kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker| {
        node.rack.as_ref().map_or("null".to_owned(), |rack| rack.to_string())
    };
    let rack_width = widest(&mut nodes.iter().map(|node| rack(node).len()), 10);
    let line = |id: &str, its_host: &str, port: &str, its_rack: &str, state: &str, kind: &str| {
        let state = if of_controllers { String::new() } else { format!(" {state:<10}") };
        format!("{id:<10} {its_host:<host$} {port:<10} {its_rack:<rack_width$}{state} {kind:<15}\n")
    };
    let mut text = line("ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE");
    for node in &nodes {
        let state = if node.is_fenced { "fenced" } else { "unfenced" };
        text.push_str(&line(
            &node.broker_id.0.to_string(),
            &node.host,
            &node.port.to_string(),
            &rack(node),
            state,
            kind,
        ));
    }
    admin.world.out(&text);
    Ok(())
}

fn unregister(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let Some(id) = given.parsed::<i32>("id")? else {
        return Err(Failure::usage("kafka-cluster unregister: error: argument --id/-i is required"));
    };
    let answer = admin.ask(To::Controller, |_| UnregisterBrokerRequest::default().with_broker_id(BrokerId(id)))?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, answer.error_message.as_deref()));
    }
    admin.world.out(&format!("Broker {id} is no longer registered.\n"));
    Ok(())
}
