//! What transforms of fields have in common: which half of the record they look at, and how they get into it.
//!
//! Owns Kafka's refusals of values that have no fields (Connect's `Requirements`), and the memory of the last schema that was changed.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use crate::data::{Datum, Fault, Record, Schema, Struct, Value};

/// Which half of a record a transform works on: `$Key` or `$Value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl Side {
    /// That half of a record.
    pub fn of(self, record: &Record) -> &Datum {
        match self {
            Self::Key => &record.key,
            Self::Value => &record.value,
        }
    }

    /// Takes that half out of a record, to be put back changed.
    pub fn take(self, record: &mut Record) -> Datum {
        core::mem::take(self.of_mut(record))
    }

    /// Puts another half into a record.
    pub fn set(self, record: &mut Record, datum: Datum) {
        *self.of_mut(record) = datum;
    }

    fn of_mut(self, record: &mut Record) -> &mut Datum {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }
}

type Entries = Vec<(Value, Value)>;

/// The entries of a map without a schema; `purpose` is for the message.
pub fn require_map(value: Value, purpose: &str) -> Result<Entries, Fault> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(Fault::data(format!(
            "Only Map objects supported in absence of schema for [{purpose}], found: {}",
            other.java_class()
        ))),
    }
}

/// A struct.
pub fn require_struct(value: Value, purpose: &str) -> Result<Struct, Fault> {
    match value {
        Value::Struct(of) => Ok(*of),
        other => {
            Err(Fault::data(format!("Only Struct objects supported for [{purpose}], found: {}", other.java_class())))
        }
    }
}

impl Struct {
    /// The value of the field at `index`; the default in place of a null, if `replace_null` says so.
    pub fn at(&self, index: usize, replace_null: bool) -> Value {
        let value = &self.values[index];
        if replace_null { self.schema.fields()[index].schema.or_default(value).clone() } else { value.clone() }
    }
}

/// Remembers what became of the last schema: topics rarely have two.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    last: Option<(Arc<Schema>, Arc<Schema>)>,
}

impl Memo {
    /// What `make` makes of `schema`, perhaps made before.
    pub fn get(
        &mut self,
        schema: &Arc<Schema>,
        make: impl FnOnce(&Schema) -> Result<Schema, Fault>,
    ) -> Result<Arc<Schema>, Fault> {
        if let Some((from, to)) = &self.last
            && (Arc::ptr_eq(from, schema) || from == schema)
        {
            return Ok(to.clone());
        }
        let made = Arc::new(make(schema)?);
        self.last = Some((schema.clone(), made.clone()));
        Ok(made)
    }
}

/// Removes the entry `name`.
pub fn remove(entries: &mut Entries, name: &str) {
    entries.retain(|(key, _)| !matches!(key, Value::Text(key) if key == name));
}

/// Value of the entry `name`; null if there is none.
pub fn entry(entries: &Entries, name: &str) -> Value {
    let found = entries.iter().find(|(key, _)| matches!(key, Value::Text(key) if key == name));
    found.map_or(Value::Null, |(_, value)| value.clone())
}

/// A schema's fields must have different names.
pub fn no_duplicates(names: impl Iterator<Item = String>) -> Result<(), Fault> {
    let mut seen = alloc::collections::BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return Err(Fault::schema(format!("Cannot create field because of field name duplication {name}")));
        }
        seen.insert(name);
    }
    Ok(())
}
