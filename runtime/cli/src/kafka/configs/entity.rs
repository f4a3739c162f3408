//! Whose settings `kafka-configs` is asked for: `--entity-type` with `--entity-name`, or one of the short flags.
//!
//! Owns the types and their words.

use crate::{failure::Failure, flags::Given};

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
pub(super) struct Entity {
    /// One of [`TYPES`].
    pub kind: &'static str,
    /// A name; empty for the default of all; `None` for all there are.
    pub name: Option<String>,
}

impl Entity {
    /// The type's number on the wire; `None` for quotas.
    pub fn resource(&self) -> Option<i8> {
        match self.kind {
            "topics" => Some(2),
            "brokers" => Some(4),
            "broker-loggers" => Some(8),
            "client-metrics" => Some(16),
            "groups" => Some(32),
            _ => None,
        }
    }

    pub fn singular(&self) -> &'static str {
        &self.kind[..self.kind.len() - usize::from(self.kind != "client-metrics")]
    }
}

/// The entities of the command line: one, or a user and a client.
pub(super) fn entities(given: &Given) -> Result<Vec<Entity>, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular() {
        let check = |kind: &'static str, expected: &str| assert_eq!(Entity { kind, name: None }.singular(), expected);
        check("topics", "topic");
        check("broker-loggers", "broker-logger");
        check("client-metrics", "client-metrics");
    }
}
