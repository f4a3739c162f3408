//! JsonConverter, StringConverter, the number converters and SimpleHeaderConverter's literals against Kafka's own.

use base64::{Engine, prelude::BASE64_STANDARD};
use oracle::{Dice, ask};
use runtime_core::{
    config::ConfigMap,
    convert::{Converter, HeaderConverter},
    data::literal,
};
use serde_json::{Value, json};

const CONVERTERS: [(&str, &[(&str, &str)]); 8] = [
    ("json.JsonConverter", &[]),
    ("json.JsonConverter", &[("decimal.format", "NUMERIC")]),
    ("json.JsonConverter", &[("schemas.enable", "false")]),
    ("json.JsonConverter", &[("replace.null.with.default", "false")]),
    ("storage.StringConverter", &[]),
    ("converters.ByteArrayConverter", &[]),
    ("converters.IntegerConverter", &[]),
    ("converters.BooleanConverter", &[]),
];

/// Payloads and schemas, fitting and not.
const SCHEMAS: [&str; 22] = [
    "null",
    r#"{"type":"int8"}"#,
    r#"{"type":"int16","optional":true,"default":7}"#,
    r#"{"type":"int32","optional":true}"#,
    r#"{"type":"int64","name":"x","version":2,"doc":"d","parameters":{"a":"b"}}"#,
    r#"{"type":"float","optional":true}"#,
    r#"{"type":"double"}"#,
    r#"{"type":"boolean"}"#,
    r#"{"type":"string","optional":true}"#,
    r#"{"type":"string","default":"d"}"#,
    r#"{"type":"bytes"}"#,
    r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}}"#,
    r#"{"type":"int32","name":"org.apache.kafka.connect.data.Date","version":1}"#,
    r#"{"type":"int32","name":"org.apache.kafka.connect.data.Time","version":1}"#,
    r#"{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1}"#,
    r#"{"type":"array","items":{"type":"int32","optional":true}}"#,
    r#"{"type":"map","keys":{"type":"string"},"values":{"type":"int64"}}"#,
    r#"{"type":"map","keys":{"type":"int32"},"values":{"type":"string"},"optional":true}"#,
    r#"{"type":"struct","fields":[{"field":"a","type":"int32"},{"field":"b","type":"string","optional":true,"default":"dflt"}]}"#,
    r#"{"type":"struct","name":"n","fields":[{"field":"s","type":"struct","optional":true,"fields":[{"field":"x","type":"boolean"}]}]}"#,
    r#"{"type":"nope"}"#,
    r#"{"type":"array"}"#,
];

const PAYLOADS: [&str; 26] = [
    "null",
    "true",
    "0",
    "7",
    "300",
    "-129",
    "2147483648",
    "1566570894346",
    "9223372036854775808",
    "1.5",
    "-0.25",
    "1e3",
    "1.10",
    r#""""#,
    r#""abc""#,
    r#""AfQ=""#,
    r#""7""#,
    "[]",
    "[1,2]",
    "[[1,\"x\"]]",
    "[[1]]",
    "{}",
    r#"{"a":1}"#,
    r#"{"a":1,"b":"x","c":[1,{"d":null}]}"#,
    r#"{"s":{"x":true}}"#,
    r#"{"s":null,"a":"x","b":null}"#,
];

fn bytes(dice: &mut Dice) -> Vec<u8> {
    let (schema, payload) = (dice.one(&SCHEMAS), dice.one(&PAYLOADS));
    match dice.below(12) {
        0 => payload.into(),
        1 => vec![0, 0, 0, dice.below(3) as u8],
        2 => vec![dice.below(3) as u8],
        3 => format!(r#"{{"schema":{schema}}}"#).into(),
        _ => format!(r#"{{"schema":{schema},"payload":{payload}}}"#).into(),
    }
}

fn converter(index: usize) -> (Converter, Value) {
    let (name, settings) = CONVERTERS[index];
    let settings: ConfigMap = settings.iter().copied().collect();
    let named = json!({"class": format!("org.apache.kafka.connect.{name}"), "config": settings});
    let name = name.rsplit('.').next().expect("a class");
    (Converter::new(name, &settings).expect("a converter"), named)
}

#[test]
fn converters_do_what_kafkas_do() {
    let mut dice = Dice::new(7);
    let cases: Vec<(usize, usize, Vec<u8>)> =
        (0..6000).map(|_| (dice.below(8), dice.below(8), bytes(&mut dice))).collect();
    let asked = |(from, to, data): &(usize, usize, Vec<u8>)| {
        let data = BASE64_STANDARD.encode(data);
        json!({"op": "convert", "from": converter(*from).1, "to": converter(*to).1, "data": data}).to_string()
    };
    let Some(answers) = ask(&cases.iter().map(asked).collect::<Vec<_>>()) else { return };
    let mut differences = Vec::new();
    for ((from, to, data), answer) in cases.iter().zip(answers) {
        let theirs: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        let read = converter(*from).0.reader().read(Some(data));
        let ours = read.and_then(|datum| converter(*to).0.bytes_of(&datum));
        let same = match (&ours, theirs["class"].as_str()) {
            (Err(fault), Some(class)) => fault.class == class,
            // Where Kafka makes an empty list or a null of what is neither, and nobody hears of it, ours is an error.
            (Err(fault), None) => {
                ["Arrays should be", "Invalid bytes field"].iter().any(|why| fault.message.starts_with(why))
            }
            (Ok(bytes), None) => {
                let theirs = theirs["data"].as_str().map(|text| BASE64_STANDARD.decode(text).expect("base64"));
                // Java prints the address of an array of bytes; ours are base64.
                let address = theirs.as_ref().is_some_and(|text| text.windows(3).any(|part| part == b"[B@"));
                address || parsed(bytes) == parsed(&theirs)
            }
            _ => false,
        };
        if !same {
            let (data, ours) = (
                String::from_utf8_lossy(data),
                ours.map(|bytes| bytes.map(|b| String::from_utf8_lossy(&b).into_owned())),
            );
            let theirs = theirs["data"].as_str().map_or(theirs.to_string(), |text| {
                String::from_utf8_lossy(&BASE64_STANDARD.decode(text).expect("base64")).into_owned()
            });
            differences.push(format!(
                "{:?} -> {:?}: {data}\n  Kafka: {theirs}\n  ours:  {ours:?}",
                CONVERTERS[*from], CONVERTERS[*to]
            ));
        }
    }
    let count = differences.len();
    assert!(differences.is_empty(), "{count} differences, such as\n{}", differences[..count.min(40)].join("\n"));
}

/// A map without a schema comes in Java's own order, and Java 17 prints some floats with a digit too many (JDK-4511638).
fn parsed(bytes: &Option<Vec<u8>>) -> Option<Value> {
    let text = String::from_utf8_lossy(bytes.as_deref()?)
        .replace("1.56657084E12", "1.5665708E12")
        .replace("2.14748365E9", "2.1474836E9");
    let in_any_order = |text: &str| {
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        chars.into_iter().collect()
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|_| Value::String(in_any_order(&text))))
}

#[test]
fn literals_are_what_kafka_reads() {
    let pieces = [
        "1",
        "2.5",
        "-3",
        "300",
        "\"a\"",
        "true",
        "null",
        "x",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        " ",
        "2019-08-23",
        "14:34:54.346Z",
        "1e5",
        "\\",
        "\"",
    ];
    let mut dice = Dice::new(3);
    let texts: Vec<String> = (0..3000).map(|_| (0..1 + dice.below(7)).map(|_| dice.one(&pieces)).collect()).collect();
    let asked = |text: &String| json!({"op": "header", "data": BASE64_STANDARD.encode(text)}).to_string();
    let Some(answers) = ask(&texts.iter().map(asked).collect::<Vec<_>>()) else { return };
    let mut differences = Vec::new();
    for (text, answer) in texts.iter().zip(answers) {
        let theirs: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        // A header that says null is a null, which Kafka's reading of headers trips over.
        let theirs = theirs["data"].as_str().map(|data| BASE64_STANDARD.decode(data).expect("base64"));
        let ours = HeaderConverter::Simple.bytes(&literal::parse(text)).expect("text");
        let too_large =
            text.contains("e5") && theirs.as_ref().is_some_and(|text| text.windows(2).any(|pair| pair == b"E+"));
        if ours != theirs && !too_large {
            let shown = |bytes: Option<Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            differences.push(format!("{text}\n  Kafka: {:?}\n  ours:  {:?}", shown(theirs), shown(ours)));
        }
    }
    let count = differences.len();
    assert!(differences.is_empty(), "{count} differences, such as\n{}", differences[..count.min(40)].join("\n"));
}
