//! `kafka-configs`: what topics, brokers, groups, users and clients are set to, and setting it.
//!
//! Owns its flags, and showing settings. Leaves quotas and SCRAM users to `configs/quotas.rs`, changes to `configs/change.rs`. Source: Kafka 4.3's ConfigCommand, observed.
//! Invariant: what goes wrong stands on stderr alone, exit code 1.

use kafka_protocol::messages::{
    DescribeConfigsRequest, ListConfigResourcesRequest, describe_configs_request::DescribeConfigsResource,
    describe_configs_response::DescribeConfigsResourceResult,
};

use crate::{
    admin::{Admin, To, text},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    java::hash_order,
    tool::{Run, Tool},
    world::World,
};
use change::{added, alter, deleted};
use entity::{Entity, entities};

mod change;
mod entity;
mod quotas;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-configs",
    about: "Show or change the settings of topics, brokers, groups, users and clients.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[
    BOOTSTRAP_SERVER,
    value("bootstrap-controller", "host:port", "Where its controllers are."),
    COMMAND_CONFIG,
    switch("alter", "Change settings."),
    switch("describe", "Show settings."),
    switch("all", "Show those too that are at their defaults."),
    value("entity-type", "type", "topics, clients, users, brokers, ips, client-metrics, groups or broker-loggers."),
    value("entity-name", "name", "Whose settings."),
    switch("entity-default", "The settings of those that have none of their own."),
    value("add-config", "list", "Settings, as in k1=v1,k2=[v1,v2]."),
    value("add-config-file", "file", "Settings, one per line."),
    value("delete-config", "list", "Names of settings that go back to their defaults."),
    value("topic", "name", "Short for --entity-type topics --entity-name."),
    value("client", "name", "Short for --entity-type clients --entity-name."),
    switch("client-defaults", "Short for --entity-type clients --entity-default."),
    value("user", "name", "Short for --entity-type users --entity-name."),
    switch("user-defaults", "Short for --entity-type users --entity-default."),
    value("broker", "id", "Short for --entity-type brokers --entity-name."),
    switch("broker-defaults", "Short for --entity-type brokers --entity-default."),
    value("broker-logger", "id", "Short for --entity-type broker-loggers --entity-name."),
    value("ip", "address", "Short for --entity-type ips --entity-name."),
    switch("ip-defaults", "Short for --entity-type ips --entity-default."),
    value("group", "name", "Short for --entity-type groups --entity-name."),
    value("client-metrics", "name", "Short for --entity-type client-metrics --entity-name."),
    switch("force", "No questions.").ignored("there are no questions to leave out"),
    value("zookeeper", "host:port", "")
        .ignored("there is no ZooKeeper any more; --bootstrap-server says where the cluster is"),
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let entities = check(given)?;
    let mut admin = Admin::new(given, world, "describeConfigs")?;
    let quota = entities.iter().any(|entity| entity.resource().is_none());
    match (given.has("alter"), quota) {
        (true, true) => quotas::alter(given, &mut admin, &entities),
        (false, true) => quotas::describe(&mut admin, &entities),
        (true, false) => alter(given, &mut admin, &entities[0]),
        (false, false) => describe(given, &mut admin, &entities[0]),
    }
    .map(|()| 0)
}

fn check(given: &Given) -> Result<Vec<Entity>, Failure> {
    if given.among(&["alter", "describe"]).len() != 1 {
        return Err(Failure::usage("Command must include exactly one action: --describe, --alter"));
    }
    if given.among(&["bootstrap-server", "bootstrap-controller"]).is_empty() {
        return Err(Failure::new("Either --bootstrap-server or --bootstrap-controller must be specified."));
    }
    let entities = entities(given)?;
    if given.has("alter") {
        let changes = given.among(&["add-config", "add-config-file", "delete-config"]);
        if changes.is_empty() {
            let message =
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter";
            return Err(Failure::new(message));
        }
        given.exclude("add-config", &["add-config-file"])?;
        if entities.iter().any(|entity| entity.name.is_none()) {
            return Err(Failure::new(
                "An entity name must be specified with --alter of ".to_owned() + entities[0].kind,
            ));
        }
    }
    Ok(entities)
}

fn describe(given: &Given, admin: &mut Admin<'_>, entity: &Entity) -> Result<(), Failure> {
    let resource = entity.resource().expect("quotas are described elsewhere");
    let names = match &entity.name {
        Some(name) if !is_there(admin, entity, name)? => {
            let kind = entity.singular();
            admin.world.out(&format!("The {kind} '{name}' doesn't exist and doesn't have dynamic config.\n"));
            return Ok(());
        }
        Some(name) => vec![name.clone()],
        None => all(admin, entity)?,
    };
    for name in names {
        let to = match entity.kind {
            "brokers" | "broker-loggers" if !name.is_empty() => To::Broker(broker(&name)?),
            _ => To::Any,
        };
        let what = DescribeConfigsResource::default().with_resource_type(resource).with_resource_name(text(&name));
        let request = DescribeConfigsRequest::default().with_resources(vec![what]).with_include_synonyms(true);
        let answer = admin.ask(to, |_| request)?;
        let Some(result) = answer.results.into_iter().next() else { continue };
        if result.error_code != 0 {
            return Err(Failure::kafka(result.error_code, result.error_message.as_deref()));
        }
        let all = given.has("all");
        let mut lines = match (name.is_empty(), all) {
            (true, _) => format!("Default configs for {} in the cluster are:\n", entity.kind),
            (false, true) => format!("All configs for {} {name} are:\n", entity.singular()),
            (false, false) => format!("Dynamic configs for {} {name} are:\n", entity.singular()),
        };
        let own = own_source(entity, &name);
        let mut configs = result.configs;
        configs.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        let shown = configs.iter().filter(|config| all || own.is_none_or(|own| config.config_source == own));
        shown.for_each(|config| lines.push_str(&line(config)));
        admin.world.out(&lines);
    }
    Ok(())
}

/// The source of settings that were made on the entity itself; loggers show all.
fn own_source(entity: &Entity, name: &str) -> Option<i8> {
    match entity.kind {
        "topics" => Some(1),
        "brokers" if name.is_empty() => Some(3),
        "brokers" => Some(2),
        "client-metrics" => Some(7),
        "groups" => Some(8),
        _ => None,
    }
}

fn line(config: &DescribeConfigsResourceResult) -> String {
    const SOURCES: [&str; 9] = [
        "UNKNOWN",
        "DYNAMIC_TOPIC_CONFIG",
        "DYNAMIC_BROKER_CONFIG",
        "DYNAMIC_DEFAULT_BROKER_CONFIG",
        "STATIC_BROKER_CONFIG",
        "DEFAULT_CONFIG",
        "DYNAMIC_BROKER_LOGGER_CONFIG",
        "DYNAMIC_CLIENT_METRICS_CONFIG",
        "DYNAMIC_GROUP_CONFIG",
    ];
    let synonym = |synonym: &kafka_protocol::messages::describe_configs_response::DescribeConfigsSynonym| {
        let source = usize::try_from(synonym.source).ok().and_then(|at| SOURCES.get(at)).unwrap_or(&SOURCES[0]);
        format!("{source}:{}={}", synonym.name, synonym.value.as_deref().unwrap_or("null"))
    };
    let synonyms: Vec<String> = config.synonyms.iter().map(synonym).collect();
    let value = config.value.as_deref().unwrap_or("null");
    format!("  {}={value} sensitive={} synonyms={{{}}}\n", config.name, config.is_sensitive, synonyms.join(", "))
}

fn broker(name: &str) -> Result<i32, Failure> {
    name.parse().map_err(|_| {
        Failure::new(format!("The entity name for brokers must be a valid integer broker id, found: {name}"))
    })
}

/// Whether there is such an entity to describe; Kafka asks for topics, groups and client metrics.
fn is_there(admin: &mut Admin<'_>, entity: &Entity, name: &str) -> Result<bool, Failure> {
    match entity.kind {
        "topics" => Ok(topics(admin)?.iter().any(|topic| topic == name)),
        "groups" | "client-metrics" => Ok(listed(admin, entity)?.iter().any(|listed| listed == name)),
        _ => Ok(true),
    }
}

/// Every entity of the kind, in the order in which Kafka's tool has them.
fn all(admin: &mut Admin<'_>, entity: &Entity) -> Result<Vec<String>, Failure> {
    match entity.kind {
        "topics" => Ok(hash_order(topics(admin)?, Clone::clone)),
        "groups" | "client-metrics" => listed(admin, entity),
        _ => {
            let ids = admin.nodes()?.into_iter().map(|node| node.id.to_string());
            Ok(if entity.kind == "brokers" { ids.chain([String::new()]).collect() } else { ids.collect() })
        }
    }
}

fn topics(admin: &mut Admin<'_>) -> Result<Vec<String>, Failure> {
    let metadata = admin.metadata(None)?;
    Ok(metadata.topics.into_iter().filter_map(|topic| topic.name.map(|name| name.to_string())).collect())
}

/// Groups and client metrics that have settings.
fn listed(admin: &mut Admin<'_>, entity: &Entity) -> Result<Vec<String>, Failure> {
    if !admin.serves::<ListConfigResourcesRequest>(To::Any)? {
        return Ok(Vec::new());
    }
    let kind = entity.resource().expect("quotas are described elsewhere");
    let answer = admin.ask(To::Any, |version| {
        let request = ListConfigResourcesRequest::default();
        if version >= 1 { request.with_resource_types(vec![kind]) } else { request }
    })?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, None));
    }
    let of_kind = answer.config_resources.iter().filter(|resource| resource.resource_type == kind);
    Ok(of_kind.map(|resource| resource.resource_name.to_string()).collect())
}
