//! DescribeConfigs 1 to 4, AlterConfigs 0 to 2, IncrementalAlterConfigs 0 to 1, ListConfigResources 0 to 1.

use broker_core::{
    error::Error,
    request::{AlterConfigs, ConfigChange, ConfigEntry, ConfigResource, ConfigSource, Request},
};
use broker_wire::{
    Response,
    messages::{
        AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ListConfigResourcesRequest,
        ListConfigResourcesResponse, alter_configs_response,
        describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym},
        incremental_alter_configs_response, list_config_resources_response,
    },
};

use super::{Shape, Step, code, text};
use crate::connection::Peer;

/// Which configs of each resource were asked for (`None`: all), and whether with documentation and synonyms.
pub struct WantedConfigs {
    keys: Vec<Option<Vec<String>>>,
    documentation: bool,
    synonyms: bool,
}

#[cfg(test)]
impl WantedConfigs {
    /// All that can be asked of this many resources.
    pub fn everything(resources: usize) -> Self {
        Self { keys: vec![None; resources], documentation: true, synonyms: true }
    }
}

/// Resource types of `ConfigResource.Type`.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;

fn resource(kind: i8, name: &str) -> ConfigResource {
    match kind {
        TOPIC => ConfigResource::Topic(name.into()),
        BROKER => ConfigResource::Broker(name.into()),
        other => ConfigResource::Other(other, name.into()),
    }
}

fn kind_and_name(resource: ConfigResource) -> (i8, String) {
    match resource {
        ConfigResource::Topic(name) => (TOPIC, name),
        ConfigResource::Broker(name) => (BROKER, name),
        ConfigResource::Other(kind, name) => (kind, name),
    }
}

pub fn ask_describe(request: DescribeConfigsRequest) -> Step {
    let mut wanted = WantedConfigs {
        keys: Vec::new(),
        documentation: request.include_documentation,
        synonyms: request.include_synonyms,
    };
    let mut resources = Vec::new();
    for asked in request.resources {
        resources.push(resource(asked.resource_type, &asked.resource_name));
        let keys = asked.configuration_keys.filter(|keys| !keys.is_empty());
        wanted.keys.push(keys.map(|keys| keys.iter().map(ToString::to_string).collect()));
    }
    Step::Ask(Request::DescribeConfigs(resources), Shape::DescribeConfigs(wanted))
}

type Described = Result<Vec<ConfigEntry>, (Error, String)>;

pub fn answer_describe(
    peer: &Peer,
    wanted: &WantedConfigs,
    described: Vec<(ConfigResource, Described)>,
) -> DescribeConfigsResponse {
    let one = |((resource, outcome), keys): ((ConfigResource, Described), &Option<Vec<String>>)| {
        let (kind, name) = kind_and_name(resource);
        let outcome = if kind == BROKER_LOGGER { loggers(peer, &name) } else { outcome };
        let result = DescribeConfigsResult::default().with_resource_type(kind).with_resource_name(text(&name));
        match outcome {
            Ok(entries) => {
                let asked = |entry: &ConfigEntry| keys.as_ref().is_none_or(|keys| keys.contains(&entry.name));
                let entries = entries.into_iter().filter(asked).map(|entry| {
                    let level = kind == BROKER_LOGGER;
                    config_entry(wanted, entry, level)
                });
                result.with_configs(entries.collect())
            }
            Err((error, message)) => result.with_error_code(error.code()).with_error_message(Some(text(&message))),
        }
    };
    DescribeConfigsResponse::default().with_results(described.into_iter().zip(&wanted.keys).map(one).collect())
}

/// There is one logger here that Kafka's tools can see, and its level is that of the process.
fn loggers(peer: &Peer, node: &str) -> Described {
    if *node != peer.node_id.to_string() {
        let why = format!("Unexpected broker id, expected {} but received {node}", peer.node_id);
        return Err((Error::InvalidRequest, why));
    }
    let level = tracing::level_filters::LevelFilter::current().to_string().to_uppercase();
    Ok(vec![ConfigEntry {
        name: "root".into(),
        value: Some(level),
        source: ConfigSource::StaticBroker,
        read_only: true,
        synonyms: Vec::new(),
        kind: 2,
        doc: "The level of the process.",
    }])
}

fn config_entry(wanted: &WantedConfigs, entry: ConfigEntry, level: bool) -> DescribeConfigsResourceResult {
    /// `DYNAMIC_BROKER_LOGGER_CONFIG`.
    const LOGGER: i8 = 6;
    let synonyms = entry.synonyms.iter().filter(|_| wanted.synonyms).map(|synonym| {
        DescribeConfigsSynonym::default()
            .with_name(text(&synonym.name))
            .with_value(Some(text(&synonym.value)))
            .with_source(source(synonym.source))
    });
    DescribeConfigsResourceResult::default()
        .with_name(text(&entry.name))
        .with_value(entry.value.as_deref().map(text))
        .with_read_only(entry.read_only)
        .with_config_source(if level { LOGGER } else { source(entry.source) })
        .with_config_type(entry.kind)
        .with_synonyms(synonyms.collect())
        .with_documentation(wanted.documentation.then(|| text(entry.doc)))
}

/// `DescribeConfigsResponse.ConfigSource`.
pub fn source(source: ConfigSource) -> i8 {
    match source {
        ConfigSource::Topic => 1,
        ConfigSource::Node => 2,
        ConfigSource::Cluster => 3,
        ConfigSource::StaticBroker => 4,
        ConfigSource::Default => 5,
    }
}

pub fn ask_alter(request: AlterConfigsRequest) -> Step {
    let one = |asked: broker_wire::messages::alter_configs_request::AlterConfigsResource| AlterConfigs {
        resource: resource(asked.resource_type, &asked.resource_name),
        replace: true,
        changes: asked
            .configs
            .into_iter()
            .map(|config| (config.name.to_string(), ConfigChange::Set(config.value.map(|value| value.to_string()))))
            .collect(),
    };
    let resources = request.resources.into_iter().map(one).collect();
    Step::Ask(Request::AlterConfigs { resources, validate_only: request.validate_only }, Shape::AlterConfigs)
}

pub fn ask_incremental(request: IncrementalAlterConfigsRequest) -> Step {
    let change = |operation: i8, value: Option<String>| match (operation, value) {
        (0, value) => ConfigChange::Set(value),
        (1, _) => ConfigChange::Delete,
        (2, Some(words)) => ConfigChange::Append(words),
        (3, Some(words)) => ConfigChange::Subtract(words),
        (2 | 3, None) => ConfigChange::Set(None),
        (other, _) => ConfigChange::Unknown(other),
    };
    let one = |asked: broker_wire::messages::incremental_alter_configs_request::AlterConfigsResource| AlterConfigs {
        resource: resource(asked.resource_type, &asked.resource_name),
        replace: false,
        changes: asked
            .configs
            .into_iter()
            .map(|c| (c.name.to_string(), change(c.config_operation, c.value.map(|value| value.to_string()))))
            .collect(),
    };
    let resources = request.resources.into_iter().map(one).collect();
    Step::Ask(Request::AlterConfigs { resources, validate_only: request.validate_only }, Shape::IncrementalAlterConfigs)
}

type Altered = Vec<(ConfigResource, Result<(), (Error, String)>)>;

pub fn answer_alter(altered: Altered) -> AlterConfigsResponse {
    let one = |(resource, outcome): (ConfigResource, Result<(), (Error, String)>)| {
        let (kind, name) = kind_and_name(resource);
        let (code, message) = split(outcome);
        alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(kind)
            .with_resource_name(text(&name))
            .with_error_code(code)
            .with_error_message(message.as_deref().map(text))
    };
    AlterConfigsResponse::default().with_responses(altered.into_iter().map(one).collect())
}

pub fn answer_incremental(altered: Altered) -> IncrementalAlterConfigsResponse {
    let one = |(resource, outcome): (ConfigResource, Result<(), (Error, String)>)| {
        let (kind, name) = kind_and_name(resource);
        let (code, message) = split(outcome);
        incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(kind)
            .with_resource_name(text(&name))
            .with_error_code(code)
            .with_error_message(message.as_deref().map(text))
    };
    IncrementalAlterConfigsResponse::default().with_responses(altered.into_iter().map(one).collect())
}

fn split(outcome: Result<(), (Error, String)>) -> (i16, Option<String>) {
    let outcome = outcome.map_err(|(error, message)| (code::<()>(&Err(error)), message));
    outcome.map_or_else(|(code, message)| (code, Some(message)), |()| (0, None))
}

/// Version 0 knew client metrics alone, of which there are none.
pub fn ask_list(version: i16, request: &ListConfigResourcesRequest) -> Step {
    if version == 0 {
        return Step::Answer(Response::ListConfigResources(ListConfigResourcesResponse::default()));
    }
    Step::Ask(Request::ListConfigResources(request.resource_types.clone()), Shape::ListConfigResources)
}

pub fn answer_list(resources: Vec<(i8, String)>) -> ListConfigResourcesResponse {
    let one = |(kind, name): (i8, String)| {
        list_config_resources_response::ConfigResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(&name))
    };
    ListConfigResourcesResponse::default().with_config_resources(resources.into_iter().map(one).collect())
}
