//! The messages in Kafka's internal topics and its metadata log: every table of ours, in every version, beside Kafka's own classes.

use base64::{Engine, prelude::BASE64_STANDARD};
use oracle::{Dice, ask};
use runtime_cli::message::{
    Field, Kind, Message, control,
    coordinator::Remembered,
    groups::{ASSIGNMENT, GROUPS, SUBSCRIPTION},
    metadata::RECORDS,
    transactions::{SHARES, TRANSACTIONS},
};
use serde_json::{Value, json};

/// Messages made up for each version of each.
const EACH: u64 = 12;

/// Every table, with the package of Kafka's class.
fn tables() -> Vec<(&'static str, &'static Message)> {
    let coordinator = |package, tables: &'static [&'static [Remembered]]| {
        tables.iter().copied().flatten().flat_map(move |table| [(package, &table.key), (package, &table.value)])
    };
    let mut all = Vec::new();
    all.extend(coordinator("coordinator.group.generated", GROUPS));
    all.extend(coordinator("coordinator.transaction.generated", TRANSACTIONS));
    all.extend(coordinator("coordinator.share.generated", SHARES));
    all.extend(RECORDS.iter().map(|(_, _, table)| ("common.metadata", table)));
    let noted = [
        &control::LEADER_CHANGE,
        &control::SNAPSHOT_HEADER,
        &control::SNAPSHOT_FOOTER,
        &control::KRAFT_VERSION,
        &control::VOTERS,
        &SUBSCRIPTION,
        &ASSIGNMENT,
    ];
    all.extend(noted.map(|table| ("common.message", table)));
    all
}

/// The bytes of a message of this table, as they may be.
struct Maker<'a> {
    dice: &'a mut Dice,
    out: Vec<u8>,
    version: i16,
    flexible: bool,
}

impl Maker<'_> {
    fn object(&mut self, fields: &[Field]) {
        let fields: Vec<&Field> = fields.iter().filter(|field| field.versions.contains(&self.version)).collect();
        fields.iter().filter(|field| field.tag.is_none()).for_each(|field| self.value(field.kind));
        if !self.flexible {
            return;
        }
        let mut tagged: Vec<(u32, Kind)> =
            fields.iter().filter_map(|field| field.tag.map(|(tag, _)| (tag, field.kind))).collect();
        tagged.retain(|_| self.dice.once_in(2));
        tagged.sort_by_key(|(tag, _)| *tag);
        self.varint(tagged.len());
        for (tag, kind) in tagged {
            let mut inside = Maker { dice: self.dice, out: Vec::new(), ..*self };
            match kind {
                Kind::MaybeStruct(fields) => inside.maybe(0, fields),
                other => inside.value(other),
            }
            let bytes = inside.out;
            self.varint(tag as usize);
            self.varint(bytes.len());
            self.out.extend(bytes);
        }
    }

    fn value(&mut self, kind: Kind) {
        match kind {
            Kind::Bool => self.out.push(self.dice.below(2) as u8),
            Kind::I8 => self.number(1),
            Kind::I16 | Kind::U16 => self.number(2),
            Kind::I32 => self.number(4),
            Kind::I64 => self.number(8),
            Kind::F64 => self.out.extend([0.0, 1024.5, 1e9].map(f64::to_be_bytes)[self.dice.below(3)]),
            Kind::Uuid => (0..4).for_each(|_| self.number(4)),
            Kind::Text => {
                let text = self.dice.one(&["", "a", "topic-1", "\u{fc}\u{20ac}", "\"\\\n"]);
                self.length(text.len(), 2);
                self.out.extend(text.as_bytes());
            }
            Kind::Bytes => {
                let len = self.dice.below(4);
                self.length(len, 4);
                (0..len).for_each(|_| self.number(1));
            }
            Kind::List(of) => {
                let len = self.dice.below(3);
                self.length(len, 4);
                (0..len).for_each(|_| self.value(*of));
            }
            Kind::Struct(fields) => self.object(fields),
            Kind::MaybeStruct(fields) => self.maybe(0xff, fields),
        }
    }

    /// A struct, or nothing, which is this byte.
    fn maybe(&mut self, nothing: u8, fields: &[Field]) {
        let there = self.dice.once_in(2);
        self.out.push(if there { 1 } else { nothing });
        if there {
            self.object(fields);
        }
    }

    /// Often one that is a default somewhere.
    fn number(&mut self, bytes: usize) {
        let number = [0, -1, -2, 1, 77, i64::from_be_bytes([0x12; 8])][self.dice.below(6)];
        self.out.extend(&number.to_be_bytes()[8 - bytes..]);
    }

    fn length(&mut self, len: usize, bytes: usize) {
        if self.flexible { self.varint(len + 1) } else { self.out.extend(&len.to_be_bytes()[8 - bytes..]) }
    }

    /// No length and no tag here needs more than one byte.
    fn varint(&mut self, number: usize) {
        assert!(number < 0x80, "{number}");
        self.out.push(number as u8);
    }
}

#[test]
fn every_message_reads_as_kafkas_class_reads_it() {
    let mut dice = Dice::new(1);
    let mut made = Vec::new();
    for (package, table) in tables() {
        for (version, _) in table.versions.clone().flat_map(|version| (0..EACH).map(move |at| (version, at))) {
            let flexible = version >= table.flexible;
            let mut maker = Maker { dice: &mut dice, out: Vec::new(), version, flexible };
            maker.object(table.fields);
            made.push((package, table, version, maker.out));
        }
    }
    let case = |(package, table, version, bytes): &(&str, &Message, i16, Vec<u8>)| {
        let class = format!("org.apache.kafka.{package}.{}", table.name);
        let bytes = BASE64_STANDARD.encode(bytes);
        json!({ "op": "message", "message": class, "version": version, "bytes": bytes }).to_string()
    };
    let Some(answers) = ask(&made.iter().map(case).collect::<Vec<_>>()) else { return };
    let mut wrong = Vec::new();
    for ((package, table, version, bytes), answer) in made.iter().zip(answers) {
        let ours = table.json(*version, bytes).map(|json| json.to_string());
        let theirs: Value = serde_json::from_str(&answer).expect("an answer");
        if ours.as_deref().ok() != theirs["json"].as_str() || theirs["left"] != 0 {
            wrong.push(format!("{package}.{} version {version}\n  ours:    {ours:?}\n  Kafka's: {answer}", table.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
