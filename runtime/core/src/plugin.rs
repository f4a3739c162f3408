//! What a plug-in says about itself, and the definition of its configuration.
//!
//! Owns the types (they mirror the WIT interfaces `plugin` and `config-def`). Leaves checking a configuration against a
//! definition to `config`, and asking the component to `runtime-host`. Invariant: everything here is data; nothing in it
//! needs the plug-in to run.

use crate::record::Format;
use alloc::{string::String, vec::Vec};

/// What a plug-in can be used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A source connector.
    Source,
    /// A sink connector.
    Sink,
    /// A single message transform.
    Transform,
    /// A predicate.
    Predicate,
    /// A key or value converter.
    Converter,
    /// A header converter.
    HeaderConverter,
}

impl Role {
    /// Its name in the REST API (`type` of a plug-in).
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Transform => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }

    /// The suffix that an alias of its class leaves out.
    fn suffix(self) -> &'static str {
        match self {
            Self::Source | Self::Sink => "Connector",
            Self::Transform => "Transformation",
            Self::Predicate => "Predicate",
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
        }
    }
}

/// Something a plug-in asks for. The operator grants it or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Kind of capability: `file-read`, `file-append`, `stdin`, `stdout`.
    pub capability: String,
    /// Which one: for files, the config key that holds the path.
    pub detail: String,
    /// Why, for the operator.
    pub reason: String,
}

/// A plug-in's answer to `describe`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PluginInfo {
    /// Short name, such as `file-source`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// A paragraph for people.
    pub doc: String,
    /// What it can be used as.
    pub roles: Vec<Role>,
    /// Formats that a sink takes; others are converted first.
    pub accepts: Vec<Format>,
    /// Formats that a source gives.
    pub emits: Vec<Format>,
    /// What it asks for.
    pub wants: Vec<Want>,
    /// Everything else. `class.source` and `class.sink` hold the class names it answers to, the first one its own.
    pub attrs: Vec<(String, String)>,
}

impl PluginInfo {
    /// Full class names under which a connector's config selects this plug-in as `role`; the first is its own, which the
    /// REST API shows.
    pub fn classes(&self, role: Role) -> impl Iterator<Item = &str> {
        let key = match role {
            Role::Source => "class.source",
            Role::Sink => "class.sink",
            _ => "class",
        };
        self.attrs.iter().filter(move |(name, _)| name == key).map(|(_, class)| class.as_str())
    }

    /// True if `class` selects this plug-in as `role`: a full class name, its simple name, or that without the role's
    /// suffix (source: Connect's `PluginUtils`). Case counts.
    pub fn answers_to(&self, role: Role, class: &str) -> bool {
        self.roles.contains(&role)
            && self.classes(role).any(|full| class == full || aliases(role, full).any(|alias| alias == class))
    }
}

/// Short names of a class: its simple name, and that without the suffix of its role. A class inside of another has none: its simple
/// name, `Key` or `Value`, would be that of many.
pub fn aliases(role: Role, class: &str) -> impl Iterator<Item = &str> {
    let simple = Some(class.rsplit('.').next().unwrap_or(class)).filter(|simple| !simple.contains('$'));
    let pruned = simple.and_then(|simple| simple.strip_suffix(role.suffix())).filter(|rest| !rest.is_empty());
    [simple, pruned].into_iter().flatten()
}

/// Type of a configuration value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// Kafka's STRING.
    Text,
    /// 16 bits, signed.
    Short,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    /// A floating point number.
    Double,
    /// Values with commas between them.
    List,
    /// Text that is never shown.
    Password,
    /// A class name or alias (Kafka's CLASS).
    ClassName,
    /// A span of time: a number of milliseconds, or a number with a unit.
    Duration,
    /// An amount of bytes: a number, or a number with a unit.
    Size,
}

impl Kind {
    /// Its name in the REST API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Text => "STRING",
            Self::Short => "SHORT",
            Self::Int => "INT",
            Self::Long | Self::Duration | Self::Size => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Password => "PASSWORD",
            Self::ClassName => "CLASS",
        }
    }
}

/// How much a user needs to care about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Kafka's HIGH.
    High,
    /// Kafka's MEDIUM.
    Medium,
    /// Kafka's LOW.
    Low,
}

/// Width of the field in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Width {
    /// Not said.
    #[default]
    None,
    /// Narrow.
    Short,
    /// In between.
    Medium,
    /// Wide.
    Long,
}

/// What a value must fulfil beyond its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// A number within these bounds, both included.
    Range(Option<f64>, Option<f64>),
    /// One of these.
    OneOf(Vec<String>),
    /// One of these, in any case.
    OneOfCi(Vec<String>),
    /// Not the empty text.
    NonEmpty,
    /// Matches this regular expression as a whole.
    Pattern(String),
    /// A list with at least and at most so many values.
    ListSize(u32, u32),
    /// Checked by the plug-in's `validate`; the text describes it.
    Custom(String),
}

/// One configuration key (Kafka's `ConfigDef.ConfigKey`).
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigKey {
    /// Its name.
    pub name: String,
    /// Type of its value.
    pub kind: Kind,
    /// The value where none is given, as text; `None` with `required` false is Kafka's null.
    pub default: Option<String>,
    /// A value must be given.
    pub required: bool,
    /// What the value must fulfil.
    pub rules: Vec<Rule>,
    /// How much a user needs to care.
    pub importance: Importance,
    /// For people.
    pub doc: String,
    /// Where it stands in a form; empty for none.
    pub group: String,
    /// Its place in the group, from 1; 0 where there is no group.
    pub order: u32,
    /// Width in a form.
    pub width: Width,
    /// Its name in a form.
    pub display_name: String,
    /// Keys whose values or visibility depend on it.
    pub dependents: Vec<String>,
    /// `recommend` gives values and visibility.
    pub dynamic: bool,
    /// May change without a restart of the task.
    pub hot: bool,
    /// Everything else.
    pub attrs: Vec<(String, String)>,
}

/// All keys of a plug-in in one role.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Definition {
    /// The keys, in the order in which they are shown.
    pub keys: Vec<ConfigKey>,
    /// Groups, in the order in which they are shown.
    pub groups: Vec<String>,
}

impl Definition {
    /// The key called `name`.
    pub fn key(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// What a plug-in recommends for a key, given the rest of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recommendation {
    /// Values to offer.
    pub values: Vec<String>,
    /// Whether the key matters at all now.
    pub visible: bool,
}

/// A fault of a configuration that the plug-in found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The key at fault.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{borrow::ToOwned, vec};

    #[test]
    fn a_class_name_selects_a_plugin_as_in_kafka() {
        let info = PluginInfo {
            roles: vec![Role::Source],
            attrs: vec![(
                "class.source".to_owned(),
                "org.apache.kafka.connect.file.FileStreamSourceConnector".to_owned(),
            )],
            ..PluginInfo::default()
        };
        let check = |class, expected| assert_eq!(info.answers_to(Role::Source, class), expected, "{class}");
        check("org.apache.kafka.connect.file.FileStreamSourceConnector", true);
        check("FileStreamSourceConnector", true);
        check("FileStreamSource", true);
        check("filestreamsource", false);
        check(" FileStreamSource ", false);
        check("FileStream", false);
        check("org.apache.kafka.connect.file.FileStreamSource", false);
        assert!(!info.answers_to(Role::Sink, "FileStreamSource"));
        assert_eq!(aliases(Role::Source, "Connector").collect::<Vec<_>>(), ["Connector"]);
    }
}
