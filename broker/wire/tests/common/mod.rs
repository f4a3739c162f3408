//! Requests made at random from the guard's own tables, so that tests reach every field of every version.

use broker_wire::{
    ApiKey,
    guard::schema::{Field, Layout, Message, Struct, Tag, Type},
    request,
};

/// A small random source (SplitMix64); the same seed gives the same requests.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Mostly small, now and then longer than one byte of varint can say.
    fn len(&mut self, long: usize) -> usize {
        if self.one_in(12) { self.below(long) } else { self.below(4) }
    }
}

/// A valid body.
pub fn body(api: ApiKey, version: i16, rng: &mut Rng) -> Vec<u8> {
    let message = request::schema(api).unwrap();
    let mut writer = Writer { bytes: Vec::new(), version, flexible: version >= message.flexible, rng };
    writer.structure(&message.body);
    writer.bytes
}

/// A whole frame, without its length prefix.
pub fn frame(api: ApiKey, version: i16, rng: &mut Rng) -> Vec<u8> {
    let message: &Message = request::schema(api).unwrap();
    let mut bytes = [(api as i16).to_be_bytes(), version.to_be_bytes()].concat();
    bytes.extend([0, 0, 0, 7, 0, 2, b'm', b'e']);
    if version >= message.flexible {
        bytes.push(0);
    }
    bytes.extend(body(api, version, rng));
    bytes
}

struct Writer<'a> {
    bytes: Vec<u8>,
    version: i16,
    flexible: bool,
    rng: &'a mut Rng,
}

impl Writer<'_> {
    fn structure(&mut self, of: &Struct) {
        let version = self.version;
        for field in of.fields.iter().filter(|field| field.exists_in(version)) {
            self.value(field.kind, true);
        }
        if self.flexible {
            self.tags(of.tags);
        }
    }

    fn value(&mut self, kind: Type, may_be_null: bool) {
        let null = may_be_null && self.rng.one_in(4);
        match kind {
            // One byte may be a boolean, which is encoded as 0 or 1 whatever was decoded.
            Type::Fixed(1) => self.bytes.push(self.rng.below(2) as u8),
            Type::Fixed(len) => (0..len).for_each(|_| self.bytes.push(self.rng.next() as u8)),
            Type::String { nullable } => match null && nullable {
                true => self.len(None, 2),
                false => self.string(),
            },
            Type::Bytes { nullable } => match null && nullable {
                true => self.len(None, 4),
                false => {
                    let len = self.rng.len(40_000);
                    self.len(Some(len), 4);
                    (0..len).for_each(|at| self.bytes.push(at as u8));
                }
            },
            Type::Optional(of) => {
                self.bytes.push(if null { 0xff } else { 1 });
                if !null {
                    self.structure(of);
                }
            }
            Type::Array { of, nullable } => match null && nullable {
                true => self.len(None, 4),
                false => {
                    let len = self.rng.len(if self.bytes.len() < 5000 { 200 } else { 2 });
                    self.len(Some(len), 4);
                    (0..len).for_each(|_| match &of.layout {
                        Layout::One(kind) => self.value(*kind, true),
                        Layout::Struct(of) => self.structure(of),
                    });
                }
            },
        }
    }

    fn string(&mut self) {
        let len = self.rng.len(300);
        let string: String = (0..len).map(|_| ['a', 'ß', '-', '雪'][self.rng.below(4)]).collect();
        self.len(Some(string.len()), 2);
        self.bytes.extend(string.as_bytes());
    }

    /// A length or null, in a classic field of so many bytes or compact.
    fn len(&mut self, len: Option<usize>, classic: usize) {
        match (self.flexible, len, classic) {
            (true, len, _) => self.varint(len.map_or(0, |len| len as u32 + 1)),
            (false, None, _) => self.bytes.extend(vec![0xff; classic]),
            (false, Some(len), 2) => self.bytes.extend((len as i16).to_be_bytes()),
            (false, Some(len), _) => self.bytes.extend((len as i32).to_be_bytes()),
        }
    }

    /// Known tags, and unknown ones with higher numbers, in rising order as encoders write them.
    fn tags(&mut self, known: &[Tag]) {
        let version = self.version;
        let known: Vec<&Tag> = known.iter().filter(|tag| tag.field.exists_in(version) && self.rng.one_in(2)).collect();
        let unknown = if self.rng.one_in(8) { self.rng.len(20) } else { 0 };
        self.varint((known.len() + unknown) as u32);
        for tag in known {
            let value = self.apart(&tag.field);
            self.tag(tag.number, &value);
        }
        for index in 0..unknown {
            let value = vec![index as u8; self.rng.len(200)];
            self.tag(10 + 7 * index as u32, &value);
        }
    }

    fn tag(&mut self, number: u32, value: &[u8]) {
        self.varint(number);
        self.varint(value.len() as u32);
        self.bytes.extend(value);
    }

    /// A field's bytes by themselves; not null, since an encoder leaves out a tag at its default.
    fn apart(&mut self, field: &Field) -> Vec<u8> {
        let before = std::mem::take(&mut self.bytes);
        self.value(field.kind, false);
        std::mem::replace(&mut self.bytes, before)
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
