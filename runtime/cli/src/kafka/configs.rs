//! `kafka-configs`: what topics, brokers, groups, users and clients are set to, and setting it.
//!
//! Owns its flags, entities and texts. Leaves quotas and SCRAM users to `configs/quotas.rs`. Source: Kafka 4.3's ConfigCommand, observed.
//! Invariant: what goes wrong stands on stderr alone, exit code 1.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    DescribeConfigsRequest, ListConfigResourcesRequest, describe_configs_request::DescribeConfigsResource,
    describe_configs_response::DescribeConfigsResourceResult,
};
use runtime_core::properties;

use crate::{
    admin::{Admin, To, text},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, switch, value},
    java::hash_order,
    settings,
    tool::{Run, Tool},
    world::World,
};

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

const TYPES: [&str; 8] = ["topics", "clients", "users", "brokers", "ips", "client-metrics", "groups", "broker-loggers"];

/// Short flags, the type each stands for, and whether a name follows.
const SHORT: [(&str, &str, bool); 12] = [
    ("topic", "topics", true),
    ("client", "clients", true),
    ("client-defaults", "clients", false),
    ("user", "users", true),
    ("user-defaults", "users", false),
    ("broker", "brokers", true),
    ("broker-defaults", "brokers", false),
    ("broker-logger", "broker-loggers", true),
    ("ip", "ips", true),
    ("ip-defaults", "ips", false),
    ("group", "groups", true),
    ("client-metrics", "client-metrics", true),
];

/// Whose settings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entity {
    /// One of [`TYPES`].
    kind: &'static str,
    /// A name; empty for the default of all; `None` for all there are.
    name: Option<String>,
}

impl Entity {
    /// The type's number on the wire; `None` for quotas.
    fn resource(&self) -> Option<i8> {
        match self.kind {
            "topics" => Some(2),
            "brokers" => Some(4),
            "broker-loggers" => Some(8),
            "client-metrics" => Some(16),
            "groups" => Some(32),
            _ => None,
        }
    }

    fn singular(&self) -> &'static str {
        &self.kind[..self.kind.len() - usize::from(self.kind != "client-metrics")]
    }
}

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

fn entities(given: &Given) -> Result<Vec<Entity>, Failure> {
    let mut entities = Vec::new();
    let types = given.all("entity-type");
    // Names go with types in the order in which they stand; a default takes a place too, after the names.
    let mut names = given.all("entity-name").iter().cloned();
    let mut defaults = usize::from(given.has("entity-default"));
    for kind in types {
        let Some(kind) = TYPES.iter().find(|known| *known == kind) else {
            return Err(Failure::new(format!(
                "Invalid entity type {kind}, the entity type must be one of {} with a --bootstrap-server or --bootstrap-controller argument",
                TYPES.join(", ")
            )));
        };
        let name = names.next().or_else(|| {
            let is_default = defaults > 0;
            defaults = 0;
            is_default.then(String::new)
        });
        entities.push(Entity { kind, name });
    }
    for (flag, kind, named) in SHORT.iter().filter(|(flag, ..)| given.has(flag)) {
        let name = if *named { given.one(flag)?.unwrap_or_default().to_owned() } else { String::new() };
        entities.push(Entity { kind, name: Some(name) });
    }
    match entities.as_slice() {
        [] => Err(Failure::new("At least one entity type must be specified")),
        [_] => Ok(entities),
        [a, b] if matches!((a.kind, b.kind), ("users", "clients") | ("clients", "users")) => Ok(entities),
        _ => Err(Failure::new(
            "Only one entity type can be specified, or users and clients together, with --bootstrap-server or --bootstrap-controller",
        )),
    }
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

fn alter(given: &Given, admin: &mut Admin<'_>, entity: &Entity) -> Result<(), Failure> {
    let resource = entity.resource().expect("quotas are altered elsewhere");
    let name = entity.name.as_deref().unwrap_or_default();
    let set = added(given, admin.world)?;
    let to = match entity.kind {
        "brokers" | "broker-loggers" if !name.is_empty() => To::Broker(broker(name)?),
        _ => To::Any,
    };
    admin.calling("incrementalAlterConfigs");
    let change = settings::Change { resource, name, set: &set, unset: &deleted(given) };
    settings::alter(admin, to, change, false)?;
    admin.world.out(&match name.is_empty() {
        true => format!("Completed updating default config for {} in the cluster.\n", entity.kind),
        false => format!("Completed updating config for {} {name}.\n", entity.singular()),
    });
    Ok(())
}

/// What `--add-config` or `--add-config-file` sets.
fn added(given: &Given, world: &mut dyn World) -> Result<BTreeMap<String, String>, Failure> {
    if let Some(path) = given.one("add-config-file")? {
        let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
        let pairs = properties::parse(&bytes).map_err(|bad| Failure::new(format!("{path}, {bad}")))?;
        return Ok(pairs.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    }
    let mut pairs = BTreeMap::new();
    for pair in given.one("add-config")?.map(split_list).unwrap_or_default() {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::new(
                "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  \
                 \"key=[val1,val2]\" to group values which contain commas.",
            ));
        };
        let value = value.trim();
        let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
        pairs.insert(name.trim().to_owned(), inner.to_owned());
    }
    Ok(pairs)
}

fn deleted(given: &Given) -> Vec<String> {
    let names = given.all("delete-config").iter().flat_map(|list| list.split(','));
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Splits at commas outside of brackets.
fn split_list(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0usize, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_settings() {
        let check = |list: &str, expected: &[&str]| assert_eq!(split_list(list), expected, "{list}");
        check("a=1", &["a=1"]);
        check("a=1,b=2", &["a=1", "b=2"]);
        check("a=[x,y], b=2", &["a=[x,y]", "b=2"]);
        check("a=[x,y],b=[z]", &["a=[x,y]", "b=[z]"]);
        check("", &[]);
    }

    #[test]
    fn singular() {
        let check = |kind: &'static str, expected: &str| assert_eq!(Entity { kind, name: None }.singular(), expected);
        check("topics", "topic");
        check("broker-loggers", "broker-logger");
        check("client-metrics", "client-metrics");
    }
}
