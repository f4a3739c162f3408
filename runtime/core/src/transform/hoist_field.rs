//! HoistField: the record becomes the one field of a struct or map.

use alloc::string::String;

use super::fields::{Memo, Side};
use super::keys::{Check, Keys, Row, Unset};
use crate::data::{Datum, Fault, Field, Kind as Type, Record, Schema, Value};
use crate::plugin::{Importance, Kind};

/// Its keys.
pub const KEYS: &[Row] =
    &[("field", Kind::Text, Unset::Required, Importance::Medium, Check::Any, "Name of the field that is made.")];

/// The transform.
#[derive(Clone, Debug)]
pub struct HoistField {
    side: Side,
    field: String,
    memo: Memo,
}

impl HoistField {
    /// Reads its configuration.
    pub fn new(side: Side, keys: &Keys<'_>) -> Self {
        Self { side, field: keys.text("field").unwrap_or_default(), memo: Memo::default() }
    }

    /// The record in its field, null too.
    pub fn apply(&mut self, mut record: Record) -> Result<Record, Fault> {
        let Datum { schema, value } = self.side.take(&mut record);
        let field = &*self.field;
        let hoisted = match schema {
            None => Datum::schemaless(Value::Map([(Value::text(field), value)].into())),
            Some(schema) => {
                let around = |inner: &Schema| Ok(Schema::of(Type::Struct([Field::new(field, inner.clone())].into())));
                let updated = self.memo.get(&schema, around)?;
                let of = Schema::build(&updated, [value].into())?;
                Datum::new(updated, Value::Struct(of.into()))
            }
        };
        self.side.set(&mut record, hoisted);
        Ok(record)
    }
}
