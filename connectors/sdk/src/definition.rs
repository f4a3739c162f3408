//! The definition of a connector's configuration: data, from which the host validates and the connector parses.
//!
//! Owns its builder. Leaves parsing to `config`. Invariant: names are unique.

use crate::bindings::base::exports::connect::connector::plugin as wit;

pub use crate::bindings::base::connect::connector::config_def::{Importance, Kind, Rule, Width};

/// All keys of a connector.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    pub(crate) keys: Vec<Key>,
}

/// One configuration key, made by chaining.
#[derive(Clone, Debug)]
pub struct Key(pub(crate) crate::bindings::base::connect::connector::config_def::Key);

impl Definition {
    /// The keys, in the order in which they are shown.
    ///
    /// # Panics
    /// If two have the same name.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let keys: Vec<Key> = keys.into_iter().collect();
        for (at, key) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other.0.name != key.0.name), "two keys `{}`", key.0.name);
        }
        Self { keys }
    }

    pub(crate) fn into_wit(self) -> wit::Definition {
        wit::Definition { keys: self.keys.into_iter().map(|key| key.0).collect(), groups: Vec::new() }
    }
}

impl Key {
    /// A key that need not be given; without [`Key::default`] it then has no value (Kafka's null).
    pub fn new(name: &str, kind: Kind, importance: Importance, doc: &str) -> Self {
        Self(crate::bindings::base::connect::connector::config_def::Key {
            name: name.to_owned(),
            kind,
            default: None,
            required: false,
            rules: Vec::new(),
            importance,
            doc: doc.to_owned(),
            group: String::new(),
            order: 0,
            width: Width::None,
            display_name: name.to_owned(),
            dependents: Vec::new(),
            dynamic: false,
            hot: false,
            attrs: Vec::new(),
        })
    }

    /// Its value where none is given.
    pub fn default(mut self, value: impl ToString) -> Self {
        self.0.default = Some(value.to_string());
        self
    }

    /// A value must be given.
    pub fn required(mut self) -> Self {
        self.0.required = true;
        self
    }

    /// The value must not be the empty text.
    pub fn non_empty(self) -> Self {
        self.rule(Rule::NonEmpty)
    }

    /// The value is a number and at least `min`.
    pub fn at_least(self, min: u32) -> Self {
        self.rule(Rule::Range((Some(min.into()), None)))
    }

    /// The value is a number from `min` to `max`, both included.
    pub fn between(self, min: u32, max: u32) -> Self {
        self.rule(Rule::Range((Some(min.into()), Some(max.into()))))
    }

    /// The value is one of these.
    pub fn one_of(self, values: &[&str]) -> Self {
        self.rule(Rule::OneOf(values.iter().map(|value| (*value).to_owned()).collect()))
    }

    /// Kafka's connector of the same class does not have it.
    pub fn extension(mut self) -> Self {
        self.0.attrs.push(("extension".to_owned(), "true".to_owned()));
        self
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.0.rules.push(rule);
        self
    }
}
