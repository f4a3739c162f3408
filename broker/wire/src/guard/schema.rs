//! How a request is laid out, in the terms of Kafka's message definitions (`clients/.../common/message/*.json`).
//!
//! Owns the vocabulary of the tables in [`super::requests`]. A field exists in a range of versions; from the message's
//! first flexible version on, lengths are varints and every struct ends in tagged fields (KIP-482).

/// A request's body.
pub struct Message {
    /// First version with compact lengths and tagged fields.
    pub flexible: i16,
    /// Its fields.
    pub body: Struct,
}

/// Fields in order, then tagged fields.
pub struct Struct {
    /// In the order of the wire.
    pub fields: &'static [Field],
    /// Those known to the decoder; others are passed over.
    pub tags: &'static [Tag],
}

/// A tagged field that the decoder knows.
pub struct Tag {
    /// Its number.
    pub number: u32,
    /// What it holds, and in which versions it may come.
    pub field: Field,
}

/// A field and the versions that have it.
#[derive(Clone, Copy)]
pub struct Field {
    /// Kafka's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// First version.
    since: i16,
    /// Last version.
    until: i16,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub enum Type {
    /// So many bytes.
    Fixed(usize),
    /// UTF-8 with a length.
    String {
        /// Whether the decoder takes null, whatever the version.
        nullable: bool,
    },
    /// Bytes with a length.
    Bytes {
        /// As above.
        nullable: bool,
    },
    /// Elements with a count.
    Array {
        /// What is in it.
        of: &'static Element,
        /// As above.
        nullable: bool,
    },
    /// A struct that may be null, after a byte that says which: 1, or -1.
    Optional(&'static Struct),
}

/// An element of an array.
pub struct Element {
    /// Bytes of memory it takes when decoded, without what it points to.
    pub memory: usize,
    /// Its layout.
    pub layout: Layout,
}

/// The layout of an element.
pub enum Layout {
    /// A single value.
    One(Type),
    /// A struct.
    Struct(Struct),
}

impl Field {
    /// In every version.
    pub const fn new(name: &'static str, kind: Type) -> Self {
        Self { name, kind, since: 0, until: i16::MAX }
    }

    /// Only from this version on.
    pub const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    /// Only up to this version.
    pub const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    /// Whether requests of this version have it.
    pub const fn exists_in(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }
}

impl Element {
    /// An element that decodes to `T`.
    pub const fn new<T>(layout: Layout) -> Self {
        Self { memory: size_of::<T>(), layout }
    }

    /// The fewest bytes it can take on the wire; at least 1.
    pub fn least_len(&self, version: i16, flexible: bool) -> usize {
        match &self.layout {
            Layout::One(kind) => kind.least_len(flexible),
            Layout::Struct(of) => {
                let fields = of.fields.iter().filter(|field| field.exists_in(version));
                fields.map(|field| field.kind.least_len(flexible)).sum::<usize>() + usize::from(flexible)
            }
        }
        .max(1)
    }
}

impl Type {
    fn least_len(self, flexible: bool) -> usize {
        match self {
            Type::Fixed(len) => len,
            Type::Optional(_) => 1,
            _ if flexible => 1,
            Type::String { .. } => 2,
            Type::Bytes { .. } | Type::Array { .. } => 4,
        }
    }
}
