//! The verdict on a configuration, as `PUT /connector-plugins/{type}/config/validate` answers it (contract 4.5).
//!
//! Owns the fields and their order (Kafka 4.3: `order_in_group` between group and width), and the message of a refused POST
//! or PUT. Leaves the verdict itself to `validate`. Invariant: `error_count` is the number of errors in the rows.

use super::{
    ConfigMap,
    unknown::{Unknown, unknown},
};
use crate::plugin::{ConfigKey, Importance, Issue, Width};
use alloc::{format, string::String, vec::Vec};
use serde::Serialize;

const HEAD: &str = "Connector configuration is invalid and contains the following";
const TAIL: &str = "You can also find the above list of errors at the endpoint \
                    `/connector-plugins/{connectorType}/config/validate`";

/// What a refusal of POST or PUT says of the configuration, line by line, without what Kafka puts around it.
pub fn reasons(refusal: &str) -> impl Iterator<Item = &str> {
    refusal.lines().filter(|line| !line.starts_with(HEAD) && *line != TAIL && !line.trim().is_empty())
}

/// Verdict on a whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigInfos {
    /// The connector class, as submitted.
    pub name: String,
    /// Number of errors.
    pub error_count: usize,
    /// Groups of keys, in the order in which a form shows them.
    pub groups: Vec<String>,
    /// One row per key.
    pub configs: Vec<ConfigInfo>,
}

/// One row: a key's definition and the value it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigInfo {
    /// `None` for a key that nobody defines, such as a client override.
    pub definition: Option<ConfigKeyInfo>,
    /// Its value, and what is wrong with it.
    pub value: ConfigValueInfo,
}

/// Definition of a key; also the element of `GET /connector-plugins/{name}/config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigKeyInfo {
    /// Its name.
    pub name: String,
    /// `STRING`, `INT`, ...
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether a value must be given.
    pub required: bool,
    /// As text; null if there is none.
    pub default_value: Option<String>,
    /// `HIGH`, `MEDIUM` or `LOW`.
    pub importance: &'static str,
    /// For people.
    pub documentation: String,
    /// Null if it is in none.
    pub group: Option<String>,
    /// Its place in the group; -1 without one.
    pub order_in_group: i64,
    /// `NONE`, `SHORT`, `MEDIUM` or `LONG`.
    pub width: &'static str,
    /// Its name in a form.
    pub display_name: String,
    /// Keys that depend on it.
    pub dependents: Vec<String>,
}

/// Value of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigValueInfo {
    /// The key's name.
    pub name: String,
    /// The value, or the default; null if there is none or it cannot be read; `[hidden]` for a password.
    pub value: Option<String>,
    /// Values to offer.
    pub recommended_values: Vec<String>,
    /// What is wrong with it.
    pub errors: Vec<String>,
    /// Whether a form shows it.
    pub visible: bool,
}

impl ConfigKeyInfo {
    /// The definition of `key`, as REST shows it.
    pub fn of(key: &ConfigKey) -> Self {
        let grouped = !key.group.is_empty();
        let default = key.default.as_deref().and_then(|text| super::value::parse(key.kind, text).ok());
        Self {
            name: key.name.clone(),
            kind: key.kind.name(),
            required: key.required,
            default_value: default.map(|value| value.to_text()),
            importance: match key.importance {
                Importance::High => "HIGH",
                Importance::Medium => "MEDIUM",
                Importance::Low => "LOW",
            },
            documentation: key.doc.clone(),
            group: grouped.then(|| key.group.clone()),
            order_in_group: if grouped { key.order.into() } else { -1 },
            width: match key.width {
                Width::None => "NONE",
                Width::Short => "SHORT",
                Width::Medium => "MEDIUM",
                Width::Long => "LONG",
            },
            display_name: if key.display_name.is_empty() { key.name.clone() } else { key.display_name.clone() },
            dependents: key.dependents.clone(),
        }
    }
}

impl ConfigInfos {
    /// Adds what the plug-in itself found wrong. A key that is not in the rows gets one, without a definition.
    pub fn add_issues(&mut self, issues: impl IntoIterator<Item = Issue>) {
        for issue in issues {
            self.error(&issue.key, issue.message);
        }
    }

    /// Adds an error to the row of `key`.
    pub(super) fn error(&mut self, key: &str, message: String) {
        self.error_count += 1;
        match self.configs.iter_mut().find(|row| row.value.name == key) {
            Some(row) => row.value.errors.push(message),
            None => self.configs.push(ConfigInfo {
                definition: None,
                value: ConfigValueInfo {
                    name: key.into(),
                    value: None,
                    recommended_values: Vec::new(),
                    errors: [message].into(),
                    visible: true,
                },
            }),
        }
    }

    /// Shows references where values came from them, and no error that quotes such a value.
    pub fn hide_resolved(&mut self, raw: &ConfigMap, resolved: &ConfigMap) {
        for row in &mut self.configs {
            let ConfigValueInfo { name, value, errors, .. } = &mut row.value;
            let (Some(reference), Some(secret)) = (raw.get(name), resolved.get(name)) else { continue };
            if reference != secret {
                *value = Some(reference.into());
                errors.iter_mut().for_each(|error| *error = error.replace(secret.trim(), reference));
            }
        }
    }

    /// Keys of the configuration that nobody reads.
    pub fn unknown(&self, config: &ConfigMap) -> Vec<Unknown> {
        let known = self.configs.iter().filter(|row| row.definition.is_some()).map(|row| row.value.name.as_str());
        unknown(config, &known.collect::<Vec<_>>())
    }

    /// The message of the 400 with which POST and PUT refuse `config`, whose verdict this is; `None` if there is no error. After Kafka's
    /// words come keys that were misspelt: they may be why another one is missing.
    pub fn refusal(&self, config: &ConfigMap) -> Option<String> {
        if self.error_count == 0 {
            return None;
        }
        let errors: Vec<&str> = self.configs.iter().flat_map(|row| &row.value.errors).map(String::as_str).collect();
        let slips = self.unknown(config).into_iter().filter(|key| key.is_slip).map(|key| format!("\n{}", key.says));
        Some(format!(
            "{HEAD} {} error(s):\n{}\n{TAIL}{}",
            self.error_count,
            errors.join("\n"),
            slips.collect::<String>()
        ))
    }
}
