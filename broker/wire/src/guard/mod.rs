//! Checks a request before `kafka-protocol` decodes it: that crate allocates by the numbers in the bytes.
//!
//! Owns the walk over a body by its [`schema`]; the layouts themselves are the tables in [`requests`]. Leaves the header
//! to [`crate::header`]. Nesting is bounded by the tables: nothing on the wire can recurse.
//! Invariant: a body that passes is decoded without an error, to its last byte, within [`memory_allowed`] bytes of memory.

#[rustfmt::skip]
pub mod requests;
pub mod schema;

mod cursor;

pub use cursor::{Cursor, GuardError, Problem};
use schema::{Element, Field, Message, Struct, Type};

/// Memory that decoding may take beside the frame itself: eight times its length, and 768 KiB so that short frames of
/// short names pass. A hundred times is what a hostile frame could ask for otherwise (empty structs in a long array).
pub const fn memory_allowed(body_len: usize) -> usize {
    body_len.saturating_mul(8).saturating_add(768 << 10)
}

/// What one tagged field costs in memory: the first in a struct allocates a node of a `BTreeMap`, the others share nodes.
const FIRST_TAG_MEMORY: usize = 512;
const NEXT_TAG_MEMORY: usize = 128;

/// Walks `body`, a request of `version` without its header, and says what is wrong with it first.
///
/// Bytes after its last field are passed over, as Kafka does: librdkafka 2.16 puts three there when it asks for all topics.
pub fn check(message: &Message, version: i16, body: &[u8]) -> Result<(), GuardError> {
    let mut walk = Walk {
        cursor: Cursor::new(body),
        version,
        flexible: version >= message.flexible,
        memory_left: memory_allowed(body.len()),
    };
    walk.structure(&message.body)
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    version: i16,
    flexible: bool,
    memory_left: usize,
}

impl Walk<'_> {
    fn structure(&mut self, of: &Struct) -> Result<(), GuardError> {
        for field in of.fields {
            if field.exists_in(self.version) {
                self.field(field)?;
            }
        }
        if self.flexible { self.tags(of.tags) } else { Ok(()) }
    }

    fn field(&mut self, field: &Field) -> Result<(), GuardError> {
        match field.kind {
            Type::Fixed(len) => self.cursor.skip(field.name, len),
            Type::String { nullable } => self.string(field.name, nullable),
            Type::Bytes { nullable } => self.bytes(field.name, nullable),
            Type::Array { of, nullable } => self.array(field.name, of, nullable),
            Type::Optional(of) => {
                if self.cursor.presence(field.name)? {
                    self.structure(of)?;
                }
                Ok(())
            }
        }
    }

    fn string(&mut self, name: &'static str, nullable: bool) -> Result<(), GuardError> {
        let at = self.cursor.position();
        let string =
            if self.flexible { self.cursor.compact_string(name)? } else { self.cursor.classic_string(name)? };
        null_or(string.is_none(), nullable, name, at)
    }

    fn bytes(&mut self, name: &'static str, nullable: bool) -> Result<(), GuardError> {
        let at = self.cursor.position();
        let len = self.len(name)?;
        null_or(len.is_none(), nullable, name, at)?;
        self.cursor.skip(name, len.unwrap_or(0))
    }

    fn array(&mut self, name: &'static str, of: &Element, nullable: bool) -> Result<(), GuardError> {
        let at = self.cursor.position();
        let count = self.len(name)?;
        null_or(count.is_none(), nullable, name, at)?;
        let count = count.unwrap_or(0);
        let remaining = self.cursor.remaining();
        if count > remaining / of.least_len(self.version, self.flexible) {
            return Err(GuardError { field: name, at, problem: Problem::Count { count, remaining } });
        }
        self.spend(name, at, count.saturating_mul(of.memory))?;
        match of.layout {
            schema::Layout::One(Type::Fixed(len)) => self.cursor.skip(name, count * len),
            schema::Layout::One(kind) => (0..count).try_for_each(|_| self.field(&Field::new(name, kind))),
            schema::Layout::Struct(ref of) => (0..count).try_for_each(|_| self.structure(of)),
        }
    }

    /// The length of bytes or of an array: `None` if null.
    fn len(&mut self, name: &'static str) -> Result<Option<usize>, GuardError> {
        if self.flexible { self.cursor.compact_len(name) } else { self.cursor.classic_len(name) }
    }

    fn tags(&mut self, known: &[schema::Tag]) -> Result<(), GuardError> {
        let at = self.cursor.position();
        let count = self.cursor.tag_count("tagged fields")?;
        for index in 0..count {
            self.spend("tagged fields", at, if index == 0 { FIRST_TAG_MEMORY } else { NEXT_TAG_MEMORY })?;
            self.tag(known)?;
        }
        Ok(())
    }

    /// One tagged field. A known one must fill exactly the size it states: the decoder does not look at the size.
    fn tag(&mut self, known: &[schema::Tag]) -> Result<(), GuardError> {
        let at = self.cursor.position();
        let (number, len) = self.cursor.tag("tagged field")?;
        let Some(tag) = known.iter().find(|tag| tag.number == number) else {
            return self.cursor.skip("tagged field", len);
        };
        let wrong = GuardError { field: tag.field.name, at, problem: Problem::Tag { number } };
        if !tag.field.exists_in(self.version) {
            return Err(wrong);
        }
        let start = self.cursor.position();
        self.field(&tag.field)?;
        if self.cursor.position() - start == len { Ok(()) } else { Err(wrong) }
    }

    fn spend(&mut self, field: &'static str, at: usize, memory: usize) -> Result<(), GuardError> {
        match self.memory_left.checked_sub(memory) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(GuardError { field, at, problem: Problem::Memory }),
        }
    }
}

fn null_or(is_null: bool, nullable: bool, field: &'static str, at: usize) -> Result<(), GuardError> {
    if is_null && !nullable { Err(GuardError { field, at, problem: Problem::Null }) } else { Ok(()) }
}
