//! The layout of every request we serve, one table each, from Kafka's message definitions.
//!
//! Owns nothing but these tables. A test decodes and encodes generated requests of every version with `kafka-protocol`
//! and compares bytes, so a table that drifts from the decoder fails. `nullable` follows the decoder, which takes null in
//! every version of a field that is nullable in one.

use kafka_protocol::{protocol::StrBytes};

use super::schema::{Element, Field, Layout, Message, Struct, Tag, Type};

mod acl;
mod cluster;
mod config;
mod credential;
mod group;
mod records;
mod replica;
mod topic;
mod transaction;

pub use acl::*;
pub use cluster::*;
pub use config::*;
pub use credential::*;
pub use group::*;
pub use records::*;
pub use replica::*;
pub use topic::*;
pub use transaction::*;

const BOOL: Type = Type::Fixed(1);
const INT8: Type = Type::Fixed(1);
const INT16: Type = Type::Fixed(2);
const INT32: Type = Type::Fixed(4);
const INT64: Type = Type::Fixed(8);
const UUID: Type = Type::Fixed(16);
const STRING: Type = Type::String { nullable: false };
const NULLABLE_STRING: Type = Type::String { nullable: true };
const BYTES: Type = Type::Bytes { nullable: false };
const NULLABLE_BYTES: Type = Type::Bytes { nullable: true };

const INT8_ELEMENT: &Element = &Element::new::<i8>(Layout::One(INT8));
const INT32_ELEMENT: &Element = &Element::new::<i32>(Layout::One(INT32));
const STRING_ELEMENT: &Element = &Element::new::<StrBytes>(Layout::One(STRING));

const fn message(flexible: i16, fields: &'static [Field]) -> Message {
    Message { flexible, body: Struct { fields, tags: &[] } }
}

const fn structure<T>(fields: &'static [Field]) -> Element {
    Element::new::<T>(Layout::Struct(Struct { fields, tags: &[] }))
}

const fn field(name: &'static str, kind: Type) -> Field {
    Field::new(name, kind)
}

const fn array(name: &'static str, of: &'static Element) -> Field {
    Field::new(name, Type::Array { of, nullable: false })
}

const fn nullable_array(name: &'static str, of: &'static Element) -> Field {
    Field::new(name, Type::Array { of, nullable: true })
}

