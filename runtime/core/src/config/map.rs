//! A connector's or worker's settings as somebody wrote them: text by name, in their order.
//!
//! Owns the order (Kafka answers with the keys in the order of the request) and the rule that a repeated key keeps its
//! first place and its last value, as Java's maps do. Leaves the meaning of every key to `validate` and `worker_config`.
//! Invariant: no key is in it twice.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Settings: text by name, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConfigMap {
    entries: Vec<(String, String)>,
}

impl ConfigMap {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `key`, as it was written.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// True if `key` is set.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key`; one that was set keeps its place. Returns its former value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        let (key, value) = (key.into(), value.into());
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => Some(core::mem::replace(old, value)),
            None => {
                self.entries.push((key, value));
                None
            }
        }
    }

    /// Takes `key` out. Returns its value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Every setting, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The settings whose name begins with `prefix`, without it, in order.
    pub fn under(&self, prefix: &str) -> ConfigMap {
        let entries = self.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value)));
        Self { entries: entries.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() }
    }

    /// Number of settings.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if nothing is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// As Java prints a map, for the messages that quote one: `{name=a, file=b}`.
    pub fn to_java(&self) -> String {
        let pairs: Vec<String> = self.iter().map(|(key, value)| alloc::format!("{key}={value}")).collect();
        alloc::format!("{{{}}}", pairs.join(", "))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for ConfigMap {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut entries: Vec<(String, String)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (key, value) in pairs {
            let (key, value) = (key.into(), value.into());
            match places.get(&key) {
                Some(place) => entries[*place].1 = value,
                None => {
                    places.insert(key.clone(), entries.len());
                    entries.push((key, value));
                }
            }
        }
        Self { entries }
    }
}

impl Serialize for ConfigMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in &self.entries {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_keeps_its_first_place_and_its_last_value() {
        let map: ConfigMap = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        assert_eq!(map.to_java(), "{a=3, b=2}");
        assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"a":"3","b":"2"}"#);
    }

    #[test]
    fn a_prefix_selects_and_is_dropped() {
        let map: ConfigMap = [("broker.a", "1"), ("b", "2"), ("broker.c", "3")].into_iter().collect();
        assert_eq!(map.under("broker.").to_java(), "{a=1, c=3}");
    }
}
