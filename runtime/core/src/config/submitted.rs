//! A configuration as it comes in JSON, from a file or over REST.
//!
//! Owns Kafka's reading of the JSON: a flat object; text is taken, numbers and booleans become their literal text (`1.50`
//! stays `1.50`), null is kept apart (it removes a key in PATCH and is an error elsewhere), arrays and objects are refused.
//! Leaves the keys' meaning to `validate`. Invariant: no key is both set and null.

use super::ConfigMap;
use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec::Vec};
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A configuration from outside, with its nulls.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Submitted {
    /// What is set, in order.
    pub config: ConfigMap,
    /// Keys that were given as null, in order.
    pub nulls: Vec<String>,
}

impl Submitted {
    /// Reads one flat JSON object. The error says what is wrong and where.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| alloc::format!("{error}"))
    }

    /// The same with `name`, the one of the URL or of the POST body, as its last setting unless it is there already. The
    /// error is the message of a 400.
    pub fn named(mut self, name: &str) -> Result<Self, String> {
        match self.config.get("name") {
            Some(inner) if inner != name => {
                return Err(alloc::format!(
                    "Connector name configuration ({inner}) doesn't match connector name in the URL ({name})"
                ));
            }
            Some(_) => {}
            None => {
                self.nulls.retain(|key| key != "name");
                self.config.insert("name", name);
            }
        }
        Ok(self)
    }

    /// `stored` with this patch applied: what is set here replaces, what is null here is removed (KIP-477).
    pub fn patch(&self, stored: &ConfigMap) -> ConfigMap {
        let mut patched = stored.clone();
        for key in &self.nulls {
            patched.remove(key);
        }
        for (key, value) in self.config.iter() {
            patched.insert(key, value);
        }
        patched
    }
}

impl From<ConfigMap> for Submitted {
    fn from(config: ConfigMap) -> Self {
        Self { config, nulls: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for Submitted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FlatObject)
    }
}

struct FlatObject;

impl<'de> Visitor<'de> for FlatObject {
    type Value = Submitted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of settings, like {\"file\": \"test.txt\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Submitted, A::Error> {
        let mut pairs: Vec<(String, Option<String>)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        while let Some((key, raw)) = map.next_entry::<String, &RawValue>()? {
            let value = scalar_text(&key, raw.get()).map_err(A::Error::custom)?;
            match places.get(&key) {
                Some(place) => pairs[*place].1 = value,
                None => {
                    places.insert(key.clone(), pairs.len());
                    pairs.push((key, value));
                }
            }
        }
        let nulls = pairs.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.clone()).collect();
        Ok(Submitted { config: pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect(), nulls })
    }
}

/// Text of one JSON value; `None` for null.
fn scalar_text(key: &str, json: &str) -> Result<Option<String>, String> {
    let refused =
        |what| Err(alloc::format!("the value of \"{key}\" is {what}; write it as text, as in \"{key}\": \"a,b\""));
    match json.as_bytes().first() {
        Some(b'[') => refused("an array"),
        Some(b'{') => refused("an object"),
        Some(b'"') => {
            let text: Cow<'_, str> = serde_json::from_str(json).map_err(|error| alloc::format!("{error}"))?;
            Ok(Some(text.into_owned()))
        }
        _ if json == "null" => Ok(None),
        _ => Ok(Some(json.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, config: &str, nulls: &[&str]) {
        let submitted = Submitted::from_json(json.as_bytes()).unwrap();
        assert_eq!(
            (submitted.config.to_java().as_str(), submitted.nulls.as_slice().len()),
            (config, nulls.len()),
            "{json}"
        );
        assert_eq!(submitted.nulls, nulls);
    }

    #[test]
    fn scalars_become_their_literal_text() {
        check(
            r#"{"b":"x","a":1.50,"c":true,"d":1e3,"e":0.10,"f":"é\u0001"}"#,
            "{b=x, a=1.50, c=true, d=1e3, e=0.10, f=é\u{1}}",
            &[],
        );
        check(r#"{"a":1,"b":null,"a":2}"#, "{a=2}", &["b"]);
        check(r#"{"a":null,"a":"x","b":"y","b":null}"#, "{a=x}", &["b"]);
        check("{}", "{}", &[]);
    }

    #[test]
    fn arrays_objects_and_other_shapes_are_refused() {
        for json in [r#"{"a":[1]}"#, r#"{"a":{"x":1}}"#, "[1]", "null", "", "{", r#"{"a":1}x"#, "1", r#""a""#] {
            assert!(Submitted::from_json(json.as_bytes()).is_err(), "{json}");
        }
        let message = Submitted::from_json(br#"{"batch.size":[1]}"#).unwrap_err();
        assert!(message.starts_with("the value of \"batch.size\" is an array; write it as text"), "{message}");
    }

    #[test]
    fn a_patch_sets_and_removes() {
        let stored: ConfigMap = [("a", "1"), ("b", "2")].into_iter().collect();
        let patch = Submitted::from_json(br#"{"b":null,"a":3,"c":"4","z":null}"#).unwrap();
        assert_eq!(patch.patch(&stored).to_java(), "{a=3, c=4}");
    }

    #[test]
    fn the_name_of_the_url_is_put_in() {
        let named =
            |json: &[u8]| Submitted::from_json(json).unwrap().named("a").map(|submitted| submitted.config.to_java());
        assert_eq!(named(br#"{"x":1}"#).as_deref(), Ok("{x=1, name=a}"));
        assert_eq!(named(br#"{"name":"a","x":1}"#).as_deref(), Ok("{name=a, x=1}"));
        let message = "Connector name configuration (b) doesn't match connector name in the URL (a)";
        assert_eq!(named(br#"{"name":"b"}"#), Err(message.into()));
    }
}
