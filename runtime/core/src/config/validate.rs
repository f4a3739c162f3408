//! The verdict on a connector's configuration: the framework's keys, the plug-in's keys, converters, transforms.
//!
//! Owns Kafka's rows, their order and its error texts (contract 4.5; observed on Kafka Connect 4.3). Leaves the plug-in's own
//! `validate` to the edge, which adds its issues with `ConfigInfos::add_issues`. Invariant: a configuration without errors
//! can be read by `ConnectorSettings::new`.

use super::catalog::{Catalog, ClassError, Plugin};
use super::infos::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
use super::value::{Value, parse, violation};
use super::version::VersionRange;
use super::{Submitted, keys, nearest::nearest, special, unknown::without_class};
use crate::convert;
use crate::plugin::{ConfigKey, Kind, Role, Rule};
use alloc::{format, string::String, vec::Vec};

/// What a connector's configuration takes from its worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Class of the worker's `key.converter`.
    pub key_converter: String,
    /// Class of the worker's `value.converter`.
    pub value_converter: String,
    /// Class of the worker's `header.converter`.
    pub header_converter: String,
    /// The worker's `connector.client.config.override.policy`.
    pub override_policy: OverridePolicy,
}

/// Which client settings a connector may override (KIP-458, KIP-1188).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Every one.
    All,
    /// None.
    None,
    /// Those that say who is connecting.
    Principal,
    /// These.
    Allowlist(Vec<String>),
}

/// Checks `submitted`. Everything wrong with its keys is in the answer; an error means that there is no connector to ask.
pub fn validate(catalog: &Catalog, defaults: &Defaults, submitted: &Submitted) -> Result<ConfigInfos, ClassError> {
    let class = submitted.config.get("connector.class");
    let class = class.ok_or_else(|| ClassError::Missing(without_class(&submitted.config)))?;
    let latest = catalog.connector(class)?;
    let versions: Vec<&Plugin> = catalog.versions(class).collect();
    let mut verdict = Verdict {
        catalog,
        defaults,
        submitted,
        infos: ConfigInfos { name: class.into(), error_count: 0, groups: Vec::new(), configs: Vec::new() },
    };
    verdict.framework(latest, &versions);
    let Some(plugin) = verdict.wanted_version(latest, &versions) else {
        return Ok(verdict.finish());
    };
    let extras = if plugin.role == Role::Source { keys::source() } else { keys::sink() };
    extras.iter().for_each(|key| verdict.key(key, ""));
    verdict.aliases("transforms", "Transforms", Role::Transform);
    verdict.aliases("predicates", "Predicates", Role::Predicate);
    for key in &plugin.definition.keys {
        verdict.key(key, "");
    }
    plugin.definition.groups.iter().for_each(|group| verdict.group(group));
    special::check(&mut verdict.infos, submitted, plugin.role);
    special::overrides(&mut verdict.infos, submitted, plugin.role, &defaults.override_policy);
    for side in ["key", "value", "header"] {
        verdict.converter(side);
    }
    Ok(verdict.finish())
}

struct Verdict<'a> {
    catalog: &'a Catalog,
    defaults: &'a Defaults,
    submitted: &'a Submitted,
    infos: ConfigInfos,
}

impl Verdict<'_> {
    fn framework(&mut self, latest: &Plugin, versions: &[&Plugin]) {
        for mut key in keys::common() {
            let converter = match key.name.as_str() {
                "key.converter" | "key.converter.plugin.version" => Some(self.converter_class("key")),
                "value.converter" | "value.converter.plugin.version" => Some(self.converter_class("value")),
                "header.converter" | "header.converter.plugin.version" => Some(self.converter_class("header")),
                _ => None,
            };
            // Where the converter is none, or given as null, there is nothing to have a version.
            let null = key
                .name
                .strip_suffix(".plugin.version")
                .is_some_and(|class| self.submitted.nulls.iter().any(|null| null == class));
            let visible = key.kind == Kind::ClassName || !(null || converter == Some(None));
            key.default = match (converter, key.kind) {
                (Some(_), Kind::ClassName) => Some(self.worker_class(&key.name).into()),
                (Some(class), _) => class.map(|_| self.catalog.stock_version().into()),
                _ if key.name == "connector.plugin.version" => Some(latest.version.clone()),
                _ => key.default,
            };
            self.key(&key, "");
            if let Some(row) = self.infos.configs.last_mut() {
                row.value.visible = visible;
                row.value.recommended_values = match key.name.as_str() {
                    "connector.plugin.version" => versions.iter().map(|plugin| plugin.version.clone()).collect(),
                    "header.converter" => convert::header_classes().map(Into::into).into(),
                    _ if key.kind == Kind::ClassName => convert::CLASSES.map(Into::into).into(),
                    _ if key.name.ends_with(".plugin.version") => {
                        row.definition.iter().filter_map(|key| key.default_value.clone()).collect()
                    }
                    _ => Vec::new(),
                };
            }
        }
    }

    fn worker_class(&self, key: &str) -> &str {
        match key {
            "key.converter" => &self.defaults.key_converter,
            "value.converter" => &self.defaults.value_converter,
            _ => &self.defaults.header_converter,
        }
    }

    /// The stock converter for `side` (`key`, `value` or `header`), if the configuration or the worker names one.
    fn converter_class(&self, side: &str) -> Option<&'static str> {
        let key = format!("{side}.converter");
        find_converter(&key, self.submitted.config.get(&key).map_or(self.worker_class(&key), str::trim))
    }

    /// The version of the plug-in that is asked for, if there is one.
    fn wanted_version<'p>(&mut self, latest: &'p Plugin, versions: &[&'p Plugin]) -> Option<&'p Plugin> {
        let Some(wanted) = self.submitted.config.get("connector.plugin.version") else { return Some(latest) };
        let message = match VersionRange::parse(wanted) {
            Ok(range) => match versions.iter().find(|plugin| range.contains(&plugin.version)) {
                Some(plugin) => return Some(plugin),
                None => {
                    let there = versions.iter().map(|plugin| plugin.version.as_str()).collect::<Vec<_>>().join(", ");
                    let class = &latest.class;
                    format!(
                        "Plugin {class} not found that matches the version range {range}, available versions: [{there}]"
                    )
                }
            },
            Err(error) => format!("Invalid value {wanted} for configuration connector.plugin.version: {error}"),
        };
        for key in ["connector.class", "connector.plugin.version"] {
            self.infos.error(key, message.clone());
        }
        None
    }

    /// Rows of the transforms or predicates that the list `list` names.
    fn aliases(&mut self, list: &str, group: &str, role: Role) {
        let what = role.name();
        let mut seen = Vec::new();
        for alias in super::value::list(self.submitted.config.get(list).unwrap_or_default()) {
            if seen.contains(&alias) || seen.len() >= special::MAX_ALIASES {
                continue;
            }
            let prefix = format!("{list}.{alias}.");
            let group = format!("{group}: {alias}");
            let title = if role == Role::Transform { "Transformation" } else { "Predicate" };
            let named = self.submitted.config.get(&format!("{prefix}type")).map(str::trim);
            let plugin = named.and_then(|name| self.catalog.find(role, name));
            let kind_key = keys::alias_key(
                format!("{prefix}type"),
                Kind::ClassName,
                group.clone(),
                0,
                format!("{title} type for {alias}"),
                format!("Class for the '{alias}' {what}."),
            );
            self.key(&kind_key, "");
            if let Some(row) = self.infos.configs.last_mut() {
                row.value.recommended_values = self.catalog.classes(role);
            }
            let mut version = keys::alias_key(
                format!("{prefix}plugin.version"),
                Kind::Text,
                group.clone(),
                1,
                format!("{title} version for {alias}"),
                format!("Version of the '{alias}' {what}."),
            );
            version.default = plugin.map(|plugin| plugin.version.clone());
            self.key(&version, "");
            for (mut key, order) in plugin.map(alias_keys).unwrap_or_default().into_iter().zip(2..) {
                (key.group, key.order) = (group.clone(), order);
                self.key(&key, &prefix);
            }
            self.group(&group);
            seen.push(alias);
        }
    }

    /// Rows of the converter that the configuration itself names for `side`.
    fn converter(&mut self, side: &str) {
        let name = format!("{side}.converter");
        let Some(class) = self.submitted.config.get(&name).and_then(|given| find_converter(&name, given.trim())) else {
            return;
        };
        for mut key in keys::converter(class) {
            if key.name == "converter.type" {
                key.default = Some(side.into());
                self.key(&key, &format!("{name}."));
                if let Some(definition) = self.infos.configs.last_mut().and_then(|row| row.definition.as_mut()) {
                    definition.default_value = None;
                }
            } else {
                self.key(&key, &format!("{name}."));
            }
        }
        if class.ends_with("JsonConverter") {
            ["Serialization", "Schemas"].iter().for_each(|group| self.group(group));
        }
    }

    /// The row of one key, whose name in the configuration has `prefix` before it. A message names the key without it.
    fn key(&mut self, key: &ConfigKey, prefix: &str) {
        let name = format!("{prefix}{}", key.name);
        let given = match self.submitted.config.get(&name) {
            Some(text) => Given::Text(text),
            None if self.submitted.nulls.contains(&name) => Given::Null,
            None => Given::Nothing,
        };
        let (value, mut errors) = judge(key, &name, given);
        let (value, class_error) = self.resolve(&name, given, value);
        errors.extend(class_error);
        self.infos.error_count += errors.len();
        self.group(&key.group);
        let mut definition = ConfigKeyInfo::of(key);
        definition.name.clone_from(&name);
        let value = ConfigValueInfo {
            name,
            value: value.map(|value| value.to_text()),
            recommended_values: Vec::new(),
            errors,
            visible: true,
        };
        self.infos.configs.push(ConfigInfo { definition: Some(definition), value });
    }

    /// A class name as the class it selects, where the key is the framework's.
    fn resolve(&self, name: &str, given: Given<'_>, value: Option<Value>) -> (Option<Value>, Option<String>) {
        let (Some(Value::Class(class)), Given::Text(raw)) = (&value, given) else { return (value, None) };
        let (full, known) = match name {
            "key.converter" | "value.converter" | "header.converter" => {
                (find_converter(name, class), convert::header_classes().map(simple_name).into())
            }
            _ if name.starts_with("transforms.") && name.ends_with(".type") => {
                self.plugin_class(Role::Transform, class)
            }
            _ if name.starts_with("predicates.") && name.ends_with(".type") => {
                self.plugin_class(Role::Predicate, class)
            }
            _ => return (value, None),
        };
        match full {
            None => {
                let near = nearest(simple_name(class), known);
                let hint = near.map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
                (
                    None,
                    Some(format!(
                        "Invalid value {raw} for configuration {name}: Class {raw} could not be found.{hint}"
                    )),
                )
            }
            Some(full) if raw == class => (Some(Value::Class(full.into())), None),
            Some(full) => (Some(Value::Class(full.into())), Some(format!("Failed to load class {raw}: {raw}"))),
        }
    }

    fn plugin_class(&self, role: Role, name: &str) -> (Option<&str>, Vec<&str>) {
        let known =
            self.catalog.plugins().iter().filter(|plugin| plugin.role == role).map(|plugin| simple_name(&plugin.class));
        (self.catalog.find(role, name).map(|plugin| plugin.class.as_str()), known.collect())
    }

    fn group(&mut self, group: &str) {
        if !group.is_empty() && !self.infos.groups.iter().any(|known| known == group) {
            self.infos.groups.push(group.into());
        }
    }

    fn finish(self) -> ConfigInfos {
        self.infos
    }
}

/// What the configuration says of a key.
#[derive(Clone, Copy)]
enum Given<'a> {
    Text(&'a str),
    Null,
    Nothing,
}

/// The value of a key, and what is wrong with it, in Kafka's words.
fn judge(key: &ConfigKey, name: &str, given: Given<'_>) -> (Option<Value>, Vec<String>) {
    let invalid = |shown: &str, why: String| format!("Invalid value {shown} for configuration {}: {why}", key.name);
    // Where there is no default, null is a value like others.
    let optional = key.default.is_none() && !key.required;
    let null_rules = || {
        key.rules
            .iter()
            .filter(|rule| !(optional && matches!(rule, Rule::Range(..))))
            .filter_map(|rule| violation(rule, None))
    };
    match given {
        Given::Text(raw) => match parse(key.kind, raw) {
            Ok(value) => {
                let errors = key
                    .rules
                    .iter()
                    .filter_map(|rule| violation(rule, Some(&value)))
                    .map(|why| invalid(&value.to_java(), why))
                    .collect();
                (Some(value), errors)
            }
            // A value that cannot be read counts as null for the rules, so Kafka reports a range twice.
            Err(why) => (
                None,
                core::iter::once(invalid(raw, why)).chain(null_rules().map(|why| invalid("null", why))).collect(),
            ),
        },
        Given::Null => {
            let errors = null_rules().map(|why| invalid("null", why));
            (None, errors.chain(["Null value can not be supplied as the configuration value.".into()]).collect())
        }
        Given::Nothing => match key.default.as_deref().map(|text| parse(key.kind, text)) {
            Some(Ok(value)) => (Some(value), Vec::new()),
            Some(Err(why)) => (None, [invalid(key.default.as_deref().unwrap_or_default(), why)].into()),
            None if key.required => {
                (None, [format!("Missing required configuration \"{name}\" which has no default value.")].into())
            }
            None => (None, Vec::new()),
        },
    }
}

/// The keys of a transform or predicate under its alias, in the order of `ConfigDef.embed`; each transform takes a predicate (KIP-585).
fn alias_keys(plugin: &Plugin) -> Vec<ConfigKey> {
    let mut keys = plugin.definition.keys.clone();
    if plugin.role == Role::Transform {
        keys.extend(keys::conditional());
    }
    keys.sort_by(|a, b| (!a.required, a.importance, &a.name).cmp(&(!b.required, b.importance, &b.name)));
    keys
}

fn find_converter(key: &str, name: &str) -> Option<&'static str> {
    if key == "header.converter" { convert::find_header_class(name) } else { convert::find_class(name) }
}

fn simple_name(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

#[cfg(test)]
mod tests;
