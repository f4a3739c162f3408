//! The records of coordinators' topics: a key whose first number is its type, and a value whose first number is its version.
//!
//! Owns how a record finds its tables. Leaves the tables to [`super::groups`] and [`super::transactions`].

use super::{
    Damaged, Json, Message,
    groups::{ASSIGNMENT, SUBSCRIPTION},
    version,
};

/// What is remembered under one type of key.
#[derive(Debug)]
pub struct Remembered {
    /// The type.
    pub kind: i16,
    /// Its key.
    pub key: Message,
    /// Its value.
    pub value: Message,
}

pub(super) const fn remembered(kind: i16, key: Message, value: Message) -> Remembered {
    Remembered { kind, key, value }
}

/// Key and value of a record of an internal topic: the type of the key, its JSON, and the version and JSON of the value unless that
/// is null.
pub type Read = (i16, Json, Option<(i16, Json)>);

/// Why a record of an internal topic is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Its type is not in the tables.
    Unknown(i16),
    /// Its bytes are damaged.
    Damaged,
}

/// Reads a record by its tables.
///
/// # Errors
/// It cannot be.
pub fn read(tables: &[&[Remembered]], key: &[u8], value: Option<&[u8]>) -> Result<Read, Unread> {
    let (kind, rest) = version(key).ok_or(Unread::Damaged)?;
    let table = tables.iter().copied().flatten().find(|table| table.kind == kind).ok_or(Unread::Unknown(kind))?;
    let damaged = |Damaged| Unread::Damaged;
    // Types are the versions of keys; the fields of a key never change.
    let key = table.key.json(0, rest).map_err(damaged)?;
    let mut value = value.map(|value| table.value.versioned(value)).transpose().map_err(damaged)?;
    if let Some((_, value)) = &mut value {
        spell_out(value);
    }
    Ok((kind, key, value))
}

/// What a classic group's members said and were told is bytes to the coordinator; of consumers it is known what they mean.
fn spell_out(value: &mut Json) {
    if value.get("protocolType") != Some(&Json::Text("consumer".to_owned())) {
        return;
    }
    let Some(Json::List(members)) = value.get_mut("members") else { return };
    for member in members {
        for (name, table) in [("subscription", &SUBSCRIPTION), ("assignment", &ASSIGNMENT)] {
            if let Some(field) = member.get_mut(name)
                && let Json::Bytes(bytes) = &*field
                && let Ok((_, meant)) = table.versioned(bytes)
            {
                *field = meant;
            }
        }
    }
}
