//! Scalar maps: what a source partition and a source offset are made of.
//!
//! Owns the values that may stand in them and their order. Leaves their JSON and Kafka forms to the offset codec.
//! Invariant: two scalars compare equal only if they have the same type and the same bits, so that a map can be a key.

use alloc::{string::String, vec::Vec};
use core::cmp::Ordering;

/// One value of a source partition or offset (Connect's primitive types).
#[derive(Clone, Debug)]
pub enum Scalar {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// Any of Connect's integers.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// Connect's STRING.
    Text(String),
    /// Connect's BYTES.
    Bytes(Vec<u8>),
}

/// Names and values, in the order in which the connector wrote them: a source partition or a source offset.
pub type ScalarMap = Vec<(String, Scalar)>;

/// About what a map takes in memory, in bytes.
pub fn bytes(map: &ScalarMap) -> usize {
    let value = |value: &Scalar| match value {
        Scalar::Text(text) => text.len(),
        Scalar::Bytes(bytes) => bytes.len(),
        Scalar::Null | Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_) => 0,
    };
    map.iter().map(|(name, of)| size_of::<(String, Scalar)>() + name.len() + value(of)).sum()
}

impl Scalar {
    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Float(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
        }
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scalar {}

/// Value of `key` in a map.
pub fn get<'a>(map: &'a [(String, Scalar)], key: &str) -> Option<&'a Scalar> {
    map.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{borrow::ToOwned, collections::BTreeMap, vec};

    #[test]
    fn maps_serve_as_keys() {
        let key = |value| vec![("filename".to_owned(), value)];
        let values = [
            Scalar::Null,
            Scalar::Bool(false),
            Scalar::Int(0),
            Scalar::Float(0.0),
            Scalar::Float(-0.0),
            Scalar::Float(f64::NAN),
            Scalar::Text("".to_owned()),
            Scalar::Bytes(vec![]),
        ];
        let map: BTreeMap<ScalarMap, usize> = values.iter().cloned().map(key).zip(0..).collect();
        assert_eq!(map.len(), values.len());
        for (number, value) in values.into_iter().enumerate() {
            assert_eq!(map.get(&key(value)), Some(&number));
        }
    }
}
