//! A loaded component: what it is, and instances of it.
//!
//! Owns its description. Throw-away instances with no capabilities answer for it. Invariant: describing, validating and
//! recommending touch nothing that a task uses.

use crate::bindings::connect::connector::config_def as wit_def;
use crate::bindings::exports::connect::connector::{connector, plugin, sink_task, source_task};
use crate::connector::Connector;
use crate::convert;
use crate::engine::Engine;
use crate::env::Env;
use crate::error::{HostError, LoadError};
use crate::instance::Instance;
use crate::instance::call;
use crate::sink::SinkTask;
use crate::source::SourceTask;
use crate::store::TaskData;
use runtime_core::exchange::EosSupport;
use runtime_core::plugin::{
    ConfigKey, Definition, Importance, Issue, Kind, PluginInfo, Recommendation, Role, Rule, Want, Width,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wasmtime::component::InstancePre;

/// A component that was compiled and has described itself; clones share it.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    engine: Engine,
    pre: InstancePre<TaskData>,
    plugin: plugin::GuestIndices,
    connector: connector::GuestIndices,
    source: Option<source_task::GuestIndices>,
    sink: Option<sink_task::GuestIndices>,
    info: PluginInfo,
    definitions: BTreeMap<Role, Definition>,
}

impl Plugin {
    pub(crate) async fn describe(engine: Engine, pre: InstancePre<TaskData>) -> Result<Self, LoadError> {
        let missing = |error: wasmtime::Error| LoadError::NotAConnector(format!("{error:#}"));
        let plugin = plugin::GuestIndices::new(&pre).map_err(missing)?;
        let connector = connector::GuestIndices::new(&pre).map_err(missing)?;
        let source = source_task::GuestIndices::new(&pre).ok();
        let sink = sink_task::GuestIndices::new(&pre).ok();
        let mut asked = Asked::new(&engine, &pre, &plugin).await.map_err(LoadError::Describe)?;
        let info = asked.describe().await.map_err(LoadError::Describe)?;
        let mut definitions = BTreeMap::new();
        // A role that is named again is asked about once.
        for role in info.roles.iter().copied().collect::<BTreeSet<_>>() {
            let exported = match role {
                Role::Source => source.is_some(),
                Role::Sink => sink.is_some(),
                _ => continue,
            };
            if !exported {
                let name = role.name();
                return Err(LoadError::NotAConnector(format!(
                    "it says it is a {name} but does not export {name}-task."
                )));
            }
            definitions.insert(role, asked.definition(role).await.map_err(LoadError::Describe)?);
        }
        Ok(Self(Arc::new(Inner { engine, pre, plugin, connector, source, sink, info, definitions })))
    }

    /// What it says about itself.
    pub fn info(&self) -> &PluginInfo {
        &self.0.info
    }

    /// Its configuration as `role`; `None` if it does not have that role.
    pub fn definition(&self, role: Role) -> Option<&Definition> {
        self.0.definitions.get(&role)
    }

    /// What it finds wrong with a configuration beyond what its definition says.
    pub async fn validate(&self, role: Role, config: &[(String, String)]) -> Result<Vec<Issue>, HostError> {
        Asked::new(&self.0.engine, &self.0.pre, &self.0.plugin).await?.validate(role, config).await
    }

    /// Values that it recommends for `key`, given the rest of a configuration.
    pub async fn recommend(
        &self,
        role: Role,
        config: &[(String, String)],
        key: &str,
    ) -> Result<Recommendation, HostError> {
        Asked::new(&self.0.engine, &self.0.pre, &self.0.plugin).await?.recommend(role, config, key).await
    }

    /// An instance for the control plane. Its `env` needs only the connector's name and the stop flag.
    pub async fn connector(&self, env: Env) -> Result<Connector, HostError> {
        let indices = &self.0.connector;
        let deadline = self.0.engine.0.settings.call_deadline;
        let made =
            Instance::new(&self.0.engine, &self.0.pre, env, deadline, |store, instance| indices.load(store, instance));
        made.await.map(|(instance, exports)| Connector { instance, exports })
    }

    /// An instance for a source task, not started yet.
    ///
    /// # Panics
    /// If the plug-in is no source.
    pub async fn source_task(&self, env: Env) -> Result<SourceTask, HostError> {
        let indices = self.0.source.as_ref().expect("the plug-in is a source");
        let deadline = self.0.engine.0.settings.call_deadline;
        let made =
            Instance::new(&self.0.engine, &self.0.pre, env, deadline, |store, instance| indices.load(store, instance));
        made.await.map(|(instance, exports)| SourceTask { instance, exports })
    }

    /// An instance for a sink task, not started yet.
    ///
    /// # Panics
    /// If the plug-in is no sink.
    pub async fn sink_task(&self, env: Env) -> Result<SinkTask, HostError> {
        let indices = self.0.sink.as_ref().expect("the plug-in is a sink");
        let deadline = self.0.engine.0.settings.call_deadline;
        let made =
            Instance::new(&self.0.engine, &self.0.pre, env, deadline, |store, instance| indices.load(store, instance));
        made.await.map(|(instance, exports)| SinkTask { instance, exports })
    }

    /// Whether a source with this configuration can promise that nothing comes twice. Asked in a throw-away instance.
    ///
    /// # Panics
    /// If the plug-in is no source.
    pub async fn exactly_once(&self, config: &[(String, String)]) -> Result<EosSupport, HostError> {
        self.source_task(Env::default()).await?.exactly_once(config).await
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("info", &self.0.info).finish_non_exhaustive()
    }
}

/// A throw-away instance that is asked about the plug-in.
struct Asked {
    instance: Instance,
    exports: plugin::Guest,
}

impl Asked {
    async fn new(
        engine: &Engine,
        pre: &InstancePre<TaskData>,
        indices: &plugin::GuestIndices,
    ) -> Result<Self, HostError> {
        let deadline = engine.0.settings.describe_deadline;
        let made =
            Instance::new(engine, pre, Env::default(), deadline, |store, instance| indices.load(store, instance));
        made.await.map(|(instance, exports)| Self { instance, exports })
    }

    async fn describe(&mut self) -> Result<PluginInfo, HostError> {
        call!(self, "describe", |store| self.exports.call_describe(store)).map(info)
    }

    async fn definition(&mut self, as_role: Role) -> Result<Definition, HostError> {
        let made = call!(self, "config-def", |store| self.exports.call_config_def(store, role_param(as_role)))?;
        Ok(Definition { keys: made.keys.into_iter().map(key).collect(), groups: made.groups })
    }

    async fn validate(&mut self, as_role: Role, config: &[(String, String)]) -> Result<Vec<Issue>, HostError> {
        let config = convert::config(config);
        let issues = call!(self, "validate", |store| self.exports.call_validate(store, role_param(as_role), &config))?;
        Ok(issues.into_iter().map(|issue| Issue { key: issue.key, message: issue.message }).collect())
    }

    async fn recommend(
        &mut self,
        as_role: Role,
        config: &[(String, String)],
        key: &str,
    ) -> Result<Recommendation, HostError> {
        let config = convert::config(config);
        let role = role_param(as_role);
        let made = call!(self, "recommend", |store| self.exports.call_recommend(store, role, &config, key))?;
        Ok(Recommendation { values: made.values, visible: made.visible })
    }
}

fn info(info: plugin::Info) -> PluginInfo {
    let want = |want: plugin::Want| Want { capability: want.capability, detail: want.detail, reason: want.reason };
    PluginInfo {
        name: info.name,
        version: info.version,
        title: info.title,
        doc: info.doc,
        roles: info.roles.into_iter().map(role).collect(),
        accepts: info.accepts.into_iter().map(convert::format).collect(),
        emits: info.emits.into_iter().map(convert::format).collect(),
        wants: info.wants.into_iter().map(want).collect(),
        attrs: info.attrs,
    }
}

fn role(role: plugin::Role) -> Role {
    match role {
        plugin::Role::Source => Role::Source,
        plugin::Role::Sink => Role::Sink,
        plugin::Role::Transform => Role::Transform,
        plugin::Role::Predicate => Role::Predicate,
        plugin::Role::Converter => Role::Converter,
        plugin::Role::HeaderConverter => Role::HeaderConverter,
    }
}

pub(crate) fn role_param(role: Role) -> plugin::Role {
    match role {
        Role::Source => plugin::Role::Source,
        Role::Sink => plugin::Role::Sink,
        Role::Transform => plugin::Role::Transform,
        Role::Predicate => plugin::Role::Predicate,
        Role::Converter => plugin::Role::Converter,
        Role::HeaderConverter => plugin::Role::HeaderConverter,
    }
}

fn key(key: wit_def::Key) -> ConfigKey {
    ConfigKey {
        name: key.name,
        kind: kind(key.kind),
        default: key.default,
        required: key.required,
        rules: key.rules.into_iter().map(rule).collect(),
        importance: match key.importance {
            wit_def::Importance::High => Importance::High,
            wit_def::Importance::Medium => Importance::Medium,
            wit_def::Importance::Low => Importance::Low,
        },
        doc: key.doc,
        group: key.group,
        order: key.order,
        width: match key.width {
            wit_def::Width::None => Width::None,
            wit_def::Width::Short => Width::Short,
            wit_def::Width::Medium => Width::Medium,
            wit_def::Width::Long => Width::Long,
        },
        display_name: key.display_name,
        dependents: key.dependents,
        dynamic: key.dynamic,
        hot: key.hot,
        attrs: key.attrs,
    }
}

fn kind(kind: wit_def::Kind) -> Kind {
    match kind {
        wit_def::Kind::Boolean => Kind::Boolean,
        wit_def::Kind::Text => Kind::Text,
        wit_def::Kind::Short => Kind::Short,
        wit_def::Kind::Int => Kind::Int,
        wit_def::Kind::Long => Kind::Long,
        wit_def::Kind::Double => Kind::Double,
        wit_def::Kind::List => Kind::List,
        wit_def::Kind::Password => Kind::Password,
        wit_def::Kind::ClassName => Kind::ClassName,
        wit_def::Kind::Duration => Kind::Duration,
        wit_def::Kind::Size => Kind::Size,
    }
}

fn rule(rule: wit_def::Rule) -> Rule {
    match rule {
        wit_def::Rule::Range((min, max)) => Rule::Range(min, max),
        wit_def::Rule::OneOf(values) => Rule::OneOf(values),
        wit_def::Rule::OneOfCi(values) => Rule::OneOfCi(values),
        wit_def::Rule::NonEmpty => Rule::NonEmpty,
        wit_def::Rule::Pattern(pattern) => Rule::Pattern(pattern),
        wit_def::Rule::ListSize((min, max)) => Rule::ListSize(min, max),
        wit_def::Rule::Custom(name) => Rule::Custom(name),
    }
}
