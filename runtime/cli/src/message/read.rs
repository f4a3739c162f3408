//! From a table and bytes to JSON.
//!
//! Owns Kafka's encodings: fixed numbers, lengths of both kinds, tagged fields. Invariant: it ends, and makes no more values than there
//! are bytes.

use base64::Engine;

use super::{Damaged, Field, Json, Kind};

/// The bytes that are left of a message.
pub(super) struct Reader<'a> {
    pub rest: &'a [u8],
    pub version: i16,
    pub flexible: bool,
}

impl<'a> Reader<'a> {
    pub fn object(&mut self, fields: &'static [Field]) -> Result<Json, Damaged> {
        let mut read = Vec::with_capacity(fields.len());
        for (place, field) in fields.iter().enumerate() {
            if field.versions.contains(&self.version) && field.tag.is_none() {
                read.push((place, field.name, self.value(field.kind)?));
            }
        }
        if self.flexible {
            self.tagged(fields, &mut read)?;
            // In the order of the table, whatever the order of the bytes.
            read.sort_by_key(|(place, ..)| *place);
        }
        Ok(Json::Object(read.into_iter().map(|(_, name, value)| (name, value)).collect()))
    }

    /// The tagged fields that are not as they are by default.
    fn tagged(&mut self, fields: &'static [Field], read: &mut Vec<(usize, &'static str, Json)>) -> Result<(), Damaged> {
        for _ in 0..self.varint()? {
            let (tag, len) = (self.varint()?, self.varint()?);
            let bytes = self.take(len as usize)?;
            let known = fields.iter().enumerate().find(|(_, field)| {
                field.versions.contains(&self.version) && field.tag.is_some_and(|(number, _)| number == tag)
            });
            let Some((place, field)) = known else { continue };
            let value = Reader { rest: bytes, ..*self }.tagged_value(field.kind)?;
            if field.tag.is_none_or(|(_, default)| value.to_string() != default) {
                read.push((place, field.name, value));
            }
        }
        Ok(())
    }

    /// As other values; but whether a struct is there, a varint says.
    fn tagged_value(&mut self, kind: Kind) -> Result<Json, Damaged> {
        match kind {
            Kind::MaybeStruct(_) if self.varint()? == 0 => Ok(Json::Null),
            Kind::MaybeStruct(fields) => self.object(fields),
            other => self.value(other),
        }
    }

    fn value(&mut self, kind: Kind) -> Result<Json, Damaged> {
        Ok(match kind {
            Kind::Bool => Json::Bool(self.number::<1>()? != [0]),
            Kind::I8 => Json::Number(i8::from_be_bytes(self.number()?).into()),
            Kind::I16 => Json::Number(i16::from_be_bytes(self.number()?).into()),
            Kind::U16 => Json::Number(u16::from_be_bytes(self.number()?).into()),
            Kind::I32 => Json::Number(i32::from_be_bytes(self.number()?).into()),
            Kind::I64 => Json::Number(i64::from_be_bytes(self.number()?)),
            Kind::F64 => Json::Double(f64::from_be_bytes(self.number()?)),
            Kind::Uuid => Json::Text(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(self.take(16)?)),
            Kind::Text => match self.length(2)? {
                Some(len) => Json::Text(std::str::from_utf8(self.take(len)?).map_err(|_| Damaged)?.to_owned()),
                None => Json::Null,
            },
            Kind::Bytes => match self.length(4)? {
                Some(len) => Json::Bytes(self.take(len)?.to_vec()),
                None => Json::Null,
            },
            Kind::List(of) => match self.length(4)? {
                // Everything in a list takes a byte at least.
                Some(len) if len > self.rest.len() => return Err(Damaged),
                Some(len) => Json::List((0..len).map(|_| self.value(*of)).collect::<Result<_, _>>()?),
                None => Json::Null,
            },
            Kind::Struct(fields) => self.object(fields)?,
            Kind::MaybeStruct(fields) => match self.number::<1>()? {
                [0xff] => Json::Null,
                _ => self.object(fields)?,
            },
        })
    }

    /// How much follows: a varint of one more, or a number of so many bytes; none if it is null.
    fn length(&mut self, bytes: usize) -> Result<Option<usize>, Damaged> {
        if self.flexible {
            return Ok((self.varint()? as usize).checked_sub(1));
        }
        let len =
            if bytes == 2 { i16::from_be_bytes(self.number()?).into() } else { i32::from_be_bytes(self.number()?) };
        Ok(usize::try_from(len).ok())
    }

    fn varint(&mut self) -> Result<u32, Damaged> {
        varint(&mut self.rest)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*number)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Damaged)?;
        self.rest = rest;
        Ok(head)
    }
}

/// An unsigned varint of at most five bytes.
pub(super) fn varint(rest: &mut &[u8]) -> Result<u32, Damaged> {
    let mut number = 0u32;
    for shift in (0..35).step_by(7) {
        let (byte, behind) = rest.split_first().ok_or(Damaged)?;
        *rest = behind;
        number |= u32::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Damaged)
}
