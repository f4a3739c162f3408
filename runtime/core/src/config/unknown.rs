//! Keys of a connector's configuration that nobody reads, and the name that was meant.
//!
//! Owns which keys are nobody's and the words for them, here, in REST and on the command line. Leaves to others what the known keys are.
//! Invariant: a key that begins like a transform's, a converter's or a client's is somebody's.

use alloc::{format, string::String, vec::Vec};

use super::{ConfigMap, nearest::nearest};

/// What begins so belongs to a transform, a converter or a client, which judge their keys themselves.
const PREFIXES: [&str; 9] = [
    "transforms.",
    "predicates.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "topic.creation.",
];

/// A key that nobody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The key.
    pub key: String,
    /// That there is none, and which one was meant.
    pub says: String,
    /// Another key has nearly this name.
    pub is_slip: bool,
}

impl Unknown {
    fn new<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = nearest(key, known);
        let meant = near.map(|near| format!(" Did you mean \"{near}\"?")).unwrap_or_default();
        Self { key: key.into(), says: format!("No such key \"{key}\".{meant}"), is_slip: near.is_some() }
    }
}

/// The keys of `config` that are neither among `known` nor somebody else's, in their order.
pub fn unknown(config: &ConfigMap, known: &[&str]) -> Vec<Unknown> {
    let is_somebodys = |key: &str| known.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    let keys = config.iter().map(|(key, _)| key).filter(|key| !is_somebodys(key));
    keys.map(|key| Unknown::new(key, known.iter().copied())).collect()
}

/// What POST and PUT say to a configuration without `connector.class`: Kafka's words, and on the next line which key was misspelt.
pub fn without_class(config: &ConfigMap) -> String {
    let keys = config.iter().map(|(key, _)| Unknown::new(key, ["connector.class"]));
    let slip = keys.into_iter().find(|key| key.is_slip).map(|key| format!("\n{}", key.says)).unwrap_or_default();
    format!("Connector config {} contains no connector type{slip}", config.to_java())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_keys() {
        let config: ConfigMap =
            [("topicz", "t"), ("transforms.x.y", ""), ("name", "n"), ("whatever", "")].into_iter().collect();
        let found = unknown(&config, &["name", "topics"]);
        let says: Vec<(&str, bool)> = found.iter().map(|key| (key.says.as_str(), key.is_slip)).collect();
        assert_eq!(
            says,
            [("No such key \"topicz\". Did you mean \"topics\"?", true), ("No such key \"whatever\".", false)]
        );
    }

    #[test]
    fn no_class() {
        let check =
            |key: &str, expected: &str| assert_eq!(without_class(&[(key, "x")].into_iter().collect()), expected);
        check("file", "Connector config {file=x} contains no connector type");
        check(
            "connector.clas",
            "Connector config {connector.clas=x} contains no connector type\n\
             No such key \"connector.clas\". Did you mean \"connector.class\"?",
        );
    }
}
