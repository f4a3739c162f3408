//! What the worker can run: connectors, and the stock transforms, predicates and converters.
//!
//! Owns the look-up by class name or alias, with Kafka's refusal and the nearest name, and the listing for REST (contract
//! 4.6). Leaves finding components to the edge. Invariant: the listing is in Kafka's order, whatever order plug-ins came in.

use super::infos::ConfigKeyInfo;
use super::{
    keys,
    nearest::nearest,
    version::{self, VersionRange},
};
use crate::convert;
use crate::plugin::{Definition, PluginInfo, Role, aliases};
use crate::rest::PluginRow;
use crate::transform;
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// A plug-in in one role.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// Its own class name, which REST shows.
    pub class: String,
    /// Every full class name that selects it, its own first.
    pub classes: Vec<String>,
    /// As what.
    pub role: Role,
    /// Its version.
    pub version: String,
    /// Its keys.
    pub definition: Definition,
}

impl Plugin {
    /// A plug-in that described itself, as `role`; `None` if it is not that, or names no class for it.
    pub fn new(info: &PluginInfo, role: Role, definition: Definition) -> Option<Self> {
        let classes: Vec<String> = info.classes(role).map(ToOwned::to_owned).collect();
        let class = classes.first().filter(|_| info.roles.contains(&role))?.clone();
        Some(Self { class, classes, role, version: info.version.clone(), definition })
    }

    fn answers_to(&self, name: &str) -> bool {
        self.classes.iter().any(|class| class == name || aliases(self.role, class).any(|alias| alias == name))
    }
}

/// Why a configuration names no connector that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassError {
    /// It has no `connector.class`.
    Missing(String),
    /// It names one that is not there.
    Unknown(String),
    /// What it refers to cannot be read.
    Reference(String),
}

impl ClassError {
    /// The message for the user: a 400 for POST and PUT, a 500 for validate (which Kafka prefixes with the exception).
    pub fn message(&self) -> &str {
        let (Self::Missing(message) | Self::Unknown(message) | Self::Reference(message)) = self;
        message
    }
}

/// Why there are no keys to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// No plug-in of that name: a 404.
    Unknown(String),
    /// None of that version: a 400.
    Version(String),
}

/// Which of the versions that `class` has is the first in the range that was asked for.
fn in_range(class: &str, asked: Option<&str>, there: &[&str]) -> Result<usize, KeysError> {
    let Some(asked) = asked else { return Ok(0) };
    let range = VersionRange::parse(asked).map_err(KeysError::Version)?;
    let refused = || {
        let there = there.join(", ");
        format!("Plugin {class} not found that matches the version range {range}, available versions: [{there}]")
    };
    there.iter().position(|version| range.contains(version)).ok_or_else(|| KeysError::Version(refused()))
}

/// Everything that can be named in a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    stock_version: String,
    plugins: Vec<Plugin>,
}

impl Catalog {
    /// The catalogue of `plugins` and of the stock transforms, predicates and converters, whose version is `stock_version`.
    pub fn new(stock_version: impl Into<String>, mut plugins: Vec<Plugin>) -> Self {
        let stock_version = stock_version.into();
        plugins.extend(transform::plugins(&stock_version));
        let rank = |role| match role {
            Role::Sink => 0,
            Role::Source => 1,
            Role::Transform => 2,
            Role::Predicate => 3,
            Role::Converter => 4,
            Role::HeaderConverter => 5,
        };
        plugins.sort_by(|a, b| {
            let name = (rank(a.role), &a.class).cmp(&(rank(b.role), &b.class));
            name.then_with(|| version::compare(&b.version, &a.version))
        });
        Self { stock_version, plugins }
    }

    /// Version of what is stock.
    pub fn stock_version(&self) -> &str {
        &self.stock_version
    }

    /// Every plug-in, in the order of the listing.
    pub fn plugins(&self) -> &[Plugin] {
        &self.plugins
    }

    /// The latest version of the connector that a configuration's `connector.class` selects. Neither blanks nor case are forgiven, as in Kafka.
    pub fn connector(&self, class: &str) -> Result<&Plugin, ClassError> {
        let connectors = || self.plugins.iter().filter(|plugin| matches!(plugin.role, Role::Sink | Role::Source));
        if let Some(plugin) = connectors().find(|plugin| plugin.answers_to(class)) {
            return Ok(plugin);
        }
        let names = connectors()
            .flat_map(|plugin| &plugin.classes)
            .map(|class| format!("'{class}'"))
            .collect::<Vec<_>>()
            .join(", ");
        let known = connectors().flat_map(|plugin| {
            plugin.classes.iter().flat_map(|class| core::iter::once(class.as_str()).chain(aliases(plugin.role, class)))
        });
        let hint = nearest(class, known).map(|name| format!(". Did you mean {name}?")).unwrap_or_default();
        Err(ClassError::Unknown(format!(
            "Failed to find any class that implements Connector and which name matches {class}, available connectors are: {names}{hint}"
        )))
    }

    /// Every version of that connector, the latest first; empty if there is none of that name.
    pub fn versions<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Plugin> {
        let found = self.connector(class).ok();
        let same = move |plugin: &&Plugin| {
            found.is_some_and(|found| (found.role, &found.class) == (plugin.role, &plugin.class))
        };
        self.plugins.iter().filter(same)
    }

    /// The plug-in in `role` that is called `name`.
    pub fn find(&self, role: Role, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.role == role && plugin.answers_to(name))
    }

    /// Classes of the plug-ins in `role`.
    pub fn classes(&self, role: Role) -> Vec<String> {
        self.plugins.iter().filter(|plugin| plugin.role == role).map(|plugin| plugin.class.clone()).collect()
    }

    /// Answer of `GET /connector-plugins`.
    pub fn rows(&self, connectors_only: bool) -> Vec<PluginRow> {
        let wanted = |plugin: &&Plugin| !connectors_only || matches!(plugin.role, Role::Sink | Role::Source);
        let own = |plugin: &Plugin| PluginRow {
            class: plugin.class.clone(),
            kind: plugin.role.name(),
            version: Some(plugin.version.clone()),
        };
        let mut rows: Vec<PluginRow> = self.plugins.iter().filter(wanted).map(own).collect();
        if !connectors_only {
            let stock = |kind| {
                move |class: &str| PluginRow { class: class.into(), kind, version: Some(self.stock_version.clone()) }
            };
            rows.extend(convert::CLASSES.into_iter().map(stock(Role::Converter.name())));
            rows.extend(convert::header_classes().into_iter().map(stock(Role::HeaderConverter.name())));
        }
        rows
    }

    /// Answer of `GET /connector-plugins/{name}/config`: a connector's own keys and then the framework's, or a converter's keys; of
    /// a version in the range `version`, the latest if there is none.
    pub fn config_keys(&self, name: &str, version: Option<&str>) -> Result<Vec<ConfigKeyInfo>, KeysError> {
        let unknown = || KeysError::Unknown(format!("Unknown plugin {name}."));
        let mut all = match self.plugins.iter().find(|plugin| plugin.answers_to(name)) {
            Some(latest) => {
                let same = |plugin: &&Plugin| (plugin.role, &plugin.class) == (latest.role, &latest.class);
                let there: Vec<&Plugin> = self.plugins.iter().filter(same).collect();
                let versions = there.iter().map(|plugin| plugin.version.as_str()).collect::<Vec<_>>();
                let plugin = there[in_range(&latest.class, version, &versions)?];
                let mut all = plugin.definition.keys.clone();
                match plugin.role {
                    Role::Source => all.extend(keys::common().into_iter().chain(keys::source())),
                    Role::Sink => all.extend(keys::common().into_iter().chain(keys::sink())),
                    _ => {}
                }
                for key in all.iter_mut().filter(|key| key.name == "connector.plugin.version") {
                    key.default = Some(plugin.version.clone());
                }
                all
            }
            None => {
                let class = convert::find_header_class(name).ok_or_else(unknown)?;
                in_range(class, version, &[&self.stock_version])?;
                keys::converter(class)
            }
        };
        Ok(all.drain(..).map(|key| ConfigKeyInfo::of(&key)).collect())
    }
}
