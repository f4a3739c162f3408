//! Transforms, predicates and converters against Kafka's own: bytes of a topic in, bytes of a topic out.

use base64::{Engine, prelude::BASE64_STANDARD};
use oracle::{Dice, ask};
use runtime_core::{
    config::ConfigMap,
    convert::{Converter, HeaderConverter},
    data::{Header, HeaderValue, Record},
    transform::{Predicate, Transform},
};
use serde_json::{Map, Value, json};

const PACKAGE: &str = "org.apache.kafka.connect.transforms";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// A value in an envelope, or without one: type and payload.
fn value(dice: &mut Dice, depth: usize) -> (Value, Value) {
    let optional = dice.once_in(3);
    let kinds = if depth == 0 { 11 } else { 14 };
    let mut schema = Map::new();
    let payload = match dice.below(kinds) {
        0 => simple(&mut schema, "int8", json!(dice.below(256) as i64 - 128)),
        1 => simple(&mut schema, "int16", json!(dice.below(1000))),
        2 => simple(&mut schema, "int32", dice.one(&[&json!(0), &json!(-7), &json!(2147483647), &json!("x")]).clone()),
        3 => simple(
            &mut schema,
            "int64",
            dice.one(&[&json!(5), &json!(1566570894346_i64), &json!(-1), &json!(1.5)]).clone(),
        ),
        4 => simple(&mut schema, "float", dice.one(&[&json!(1.5), &json!(0), &json!(-2.25), &json!(300.75)]).clone()),
        5 => simple(
            &mut schema,
            "double",
            dice.one(&[&json!(1.5), &json!(1e20), &json!(-0.001), &json!(1234567.5)]).clone(),
        ),
        6 => simple(&mut schema, "boolean", json!(dice.once_in(2))),
        7 | 8 => simple(
            &mut schema,
            "string",
            json!(dice.one(&["", "abc", "7", "true", "2019-08-23", "x y", "-12", "1.5", "é\"\\"])),
        ),
        9 => simple(&mut schema, "bytes", json!(dice.one(&["", "AQL/BA==", "AA=="]))),
        10 => logical(dice, &mut schema),
        11 => {
            let (items, item) = value(dice, depth - 1);
            schema.insert("type".into(), json!("array"));
            schema.insert("items".into(), items);
            json!(vec![item; dice.below(3)])
        }
        12 => {
            let (values, item) = value(dice, depth - 1);
            schema.insert("type".into(), json!("map"));
            schema.insert("keys".into(), json!({"type": "string"}));
            schema.insert("values".into(), values);
            json!({ "k": item })
        }
        _ => return structure(dice, depth),
    };
    schema.insert("optional".into(), json!(optional));
    let payload = if optional && dice.once_in(4) { Value::Null } else { payload };
    (schema.into(), payload)
}

fn simple(schema: &mut Map<String, Value>, kind: &str, payload: Value) -> Value {
    schema.insert("type".into(), json!(kind));
    payload
}

fn logical(dice: &mut Dice, schema: &mut Map<String, Value>) -> Value {
    let (kind, name, payload) = match dice.below(4) {
        0 => ("int32", "Date", json!(dice.one(&[&0, &18131, &1]))),
        1 => ("int32", "Time", json!(dice.one(&[&0, &52494346, &1000]))),
        2 => ("int64", "Timestamp", json!(dice.one(&[&1566570894346_i64, &0, &1000, &86400000]))),
        _ => ("bytes", "Decimal", json!(dice.one(&["AfQ=", "/w==", "AA=="]))),
    };
    schema.insert("name".into(), json!(format!("org.apache.kafka.connect.data.{name}")));
    schema.insert("version".into(), json!(1));
    if name == "Decimal" {
        schema.insert("parameters".into(), json!({"scale": dice.one(&["2", "0"])}));
    }
    simple(schema, kind, payload)
}

fn structure(dice: &mut Dice, depth: usize) -> (Value, Value) {
    let (mut fields, mut payload) = (Vec::new(), Map::new());
    for name in ["a", "b", "c", "d"] {
        if dice.once_in(5) {
            continue;
        }
        let (mut schema, value) = value(dice, depth.saturating_sub(1));
        let object = schema.as_object_mut().expect("a schema is an object");
        object.insert("field".into(), json!(name));
        if object["type"] == "string" && dice.once_in(3) {
            object.insert("default".into(), json!("dflt"));
        }
        fields.push(schema);
        payload.insert(name.into(), value);
    }
    let mut schema = json!({"type": "struct", "fields": fields, "optional": dice.once_in(4)});
    if dice.once_in(3) {
        schema["name"] = json!("my.Name");
        schema["version"] = json!(3);
    }
    (schema, payload.into())
}

/// A record's value: bytes for JsonConverter with or without schemas, or none.
fn record_bytes(dice: &mut Dice, schemas: bool) -> Option<String> {
    if dice.once_in(15) {
        return None;
    }
    let (schema, payload) = if dice.once_in(4) { value(dice, 1) } else { structure(dice, 2) };
    let json = if schemas { json!({"schema": schema, "payload": payload}) } else { payload };
    Some(BASE64_STANDARD.encode(json.to_string()))
}

/// A transform's class and configuration.
fn transform(dice: &mut Dice) -> (String, Value) {
    let field = dice.one(&["a", "b", "c", "d", "zz"]).to_owned();
    let other = dice.one(&["a", "b", "c", "zz"]).to_owned();
    let format = dice.one(&["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "", "EEE, d MMM yyyy hh:mm a z"]).to_owned();
    let kind = dice.one(&["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"]).to_owned();
    let (name, sided, mut config) = match dice.below(20) {
        0 => ("Cast", true, json!({"spec": format!("{field}:{kind}")})),
        1 => ("Cast", true, json!({"spec": kind})),
        2 => ("Cast", true, json!({"spec": format!("{field}:{kind},{other}:string")})),
        3 => ("DropHeaders", false, json!({"headers": "h1"})),
        4 => ("ExtractField", true, json!({"field": field})),
        5 => ("ExtractField", true, json!({"field": format!("{field}.{other}"), "field.syntax.version": "V2"})),
        6 => ("Filter", false, json!({})),
        7 => ("Flatten", true, json!({"delimiter": dice.one(&[".", "_"])})),
        8 => ("HeaderFrom", true, json!({"fields": field, "headers": "new", "operation": dice.one(&["move", "copy"])})),
        9 => ("HoistField", true, json!({"field": "m"})),
        10 => (
            "InsertField",
            true,
            json!({"topic.field": dice.one(&["t", "t!", "a"]), "timestamp.field": "ts?", "static.field": "s!", "static.value": "v"}),
        ),
        11 => ("InsertField", true, json!({"partition.field": "p?", "offset.field": dice.one(&["o", "o!"])})),
        12 => (
            "InsertHeader",
            false,
            json!({"header": "new", "value.literal": dice.one(&["1", "x", "[1,2.5]", "2019-08-23", "true"])}),
        ),
        13 => ("MaskField", true, json!({"fields": format!("{field},{other}")})),
        14 => ("MaskField", true, json!({"fields": field, "replacement": dice.one(&["7", "hidden", "1.5"])})),
        15 => (
            "RegexRouter",
            false,
            json!({"regex": dice.one(&["(.*)-(.*)", "t", "t.*", "a|t-x|t"]), "replacement": dice.one(&["$1_x", "$2$1", "n", "$3", "a\\$b$0"])}),
        ),
        16 => ("ReplaceField", true, json!({"exclude": field, "renames": format!("{other}:renamed,b:c2")})),
        17 => ("ReplaceField", true, json!({"include": format!("{field},{other}")})),
        18 => ("SetSchemaMetadata", true, json!({"schema.name": "n.N", "schema.version": "7"})),
        _ => match dice.below(3) {
            0 => ("ValueToKey", false, json!({"fields": format!("{field},{other}")})),
            1 => {
                ("TimestampRouter", false, json!({"timestamp.format": dice.one(&["yyyyMMdd", "yyyy-MM", "HH", "D w"])}))
            }
            _ => (
                "TimestampConverter",
                true,
                json!({
                "field": dice.one(&[field.as_str(), ""]), "format": format,
                "target.type": dice.one(&["string", "unix", "Date", "Time", "Timestamp"]),
                "unix.precision": dice.one(&["seconds", "milliseconds", "microseconds", "nanoseconds"])}),
            ),
        },
    };
    if dice.once_in(4) {
        config["replace.null.with.default"] = json!("false");
    }
    let side = if sided { dice.one(&["$Value", "$Value", "$Value", "$Key"]) } else { "" };
    (format!("{PACKAGE}.{name}{side}"), config)
}

fn case(dice: &mut Dice) -> Value {
    let schemas = dice.once_in(2);
    let (class, config) = transform(dice);
    let settings = json!({"schemas.enable": schemas.to_string()});
    let converter = json!({"class": JSON, "config": settings});
    let mut case = json!({
        "op": "transform", "class": class, "config": config, "key.converter": converter, "value.converter": converter,
        "topic": dice.one(&["t", "t-x", "a-b-c"]), "key": record_bytes(dice, schemas), "value": record_bytes(dice, schemas),
        "headers": [["h1", BASE64_STANDARD.encode("text")], ["h2", null]],
        "timestamp": dice.one(&[&json!(1566570894346_i64), &json!(0), &Value::Null]),
        "partition": dice.one(&[&json!(2), &Value::Null]),
    });
    if dice.once_in(2) {
        (case["partition"], case["offset"]) = (json!(2), json!(41));
    }
    if dice.once_in(3) {
        let (name, config) = match dice.below(3) {
            0 => ("HasHeaderKey", json!({"name": dice.one(&["h1", "x"])})),
            1 => ("RecordIsTombstone", json!({})),
            _ => ("TopicNameMatches", json!({"pattern": dice.one(&["t", "t.*", "a|b"])})),
        };
        case["predicate"] = json!(format!("{PACKAGE}.predicates.{name}"));
        case["predicate.config"] = config;
    }
    case
}

fn config(json: &Value) -> ConfigMap {
    json.as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default()))
        .collect()
}

fn bytes(json: &Value) -> Option<Vec<u8>> {
    json.as_str().map(|text| BASE64_STANDARD.decode(text).expect("base64"))
}

/// What ours does, in the form of the oracle's answers.
fn ours(case: &Value) -> Result<Value, (String, String)> {
    let data = |fault: runtime_core::data::Fault| (fault.class.to_owned(), fault.message);
    let converter = |key: &str| Converter::new(JSON, &config(&case[key]["config"])).expect("a converter");
    let (key, value) = (converter("key.converter"), converter("value.converter"));
    let headers = case["headers"].as_array().expect("headers").iter().map(|pair| Header {
        name: pair[0].as_str().expect("a name").to_owned(),
        value: HeaderValue::Raw(bytes(&pair[1])),
    });
    let record = Record {
        topic: case["topic"].as_str().expect("a topic").to_owned(),
        partition: case["partition"].as_i64().map(|n| n as i32),
        offset: case["offset"].as_i64(),
        timestamp: case["timestamp"].as_i64(),
        key: key.reader().read(bytes(&case["key"]).as_deref()).map_err(data)?,
        value: value.reader().read(bytes(&case["value"]).as_deref()).map_err(data)?,
        headers: headers.collect(),
    };
    let applies = case["predicate"].as_str().is_none_or(|name| {
        Predicate::new(name, &config(&case["predicate.config"])).expect("a predicate").test(&record)
    });
    let class = case["class"].as_str().expect("a class");
    let wrong = |why| ("org.apache.kafka.common.config.ConfigException".to_owned(), why);
    let after = match applies {
        false => Some(record),
        true => Transform::new(class, &config(&case["config"])).map_err(wrong)?.0.apply(record).map_err(data)?,
    };
    let Some(after) = after else { return Ok(json!({"dropped": true})) };
    let encoded = |bytes: Option<Vec<u8>>| bytes.map(|bytes| BASE64_STANDARD.encode(bytes));
    let mut headers = Vec::new();
    for header in &after.headers {
        let value = match &header.value {
            HeaderValue::Raw(bytes) => bytes.clone(),
            HeaderValue::Data(datum) => HeaderConverter::Simple.bytes(datum).map_err(data)?,
        };
        headers.push(json!([header.name, encoded(value)]));
    }
    Ok(json!({
        "topic": after.topic, "partition": after.partition, "timestamp": after.timestamp, "headers": headers,
        "key": encoded(key.bytes_of(&after.key).map_err(data)?),
        "value": encoded(value.bytes_of(&after.value).map_err(data)?),
    }))
}

/// Bytes of keys and values as JSON, for the order of a map without a schema is Java's own.
fn comparable(mut answer: Value) -> Value {
    for half in ["key", "value"] {
        if let Some(json) = bytes(&answer[half]) {
            answer[half] = serde_json::from_slice(&json).map(rounded).unwrap_or_else(|_| json!(json));
        }
    }
    answer
}

/// Java 17 prints some floating numbers with a digit too many (JDK-4511638).
fn rounded(json: Value) -> Value {
    match json {
        Value::Number(number) if number.is_f64() => json!(format!("{:.5e}", number.as_f64().unwrap_or_default())),
        Value::Array(items) => items.into_iter().map(rounded).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) if text.contains('.') => json!(format!("{number:.5e}")),
            _ => text.into(),
        },
        other => other,
    }
}

#[test]
fn transforms_do_what_kafkas_do() {
    let mut dice = Dice::new(1);
    let cases: Vec<Value> = (0..6000).map(|_| case(&mut dice)).collect();
    let Some(answers) = ask(&cases.iter().map(Value::to_string).collect::<Vec<_>>()) else { return };
    let mut differences = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        let theirs: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        let same = match (ours(case), theirs.get("class")) {
            (Ok(ours), None) => comparable(ours.clone()) == comparable(theirs.clone()),
            (Err((class, _)), Some(theirs)) => *theirs == class,
            // A fault of Kafka's: SetSchemaMetadata asks every schema for its fields.
            (Ok(_), Some(_)) => theirs["message"] == "Cannot list fields on non-struct type",
            _ => false,
        };
        if !same {
            differences.push(format!(
                "{}\n  Kafka: {}\n  ours:  {:?}\n",
                shown(case),
                shown(&theirs),
                ours(case).map(|o| shown(&o))
            ));
        }
    }
    let count = differences.len();
    assert!(differences.is_empty(), "{count} differences, such as\n{}", differences[..count.min(20)].join("\n"));
}

/// With keys and values in clear.
fn shown(json: &Value) -> String {
    let mut json = json.clone();
    for half in ["key", "value"] {
        if let Some(bytes) = bytes(&json[half]) {
            json[half] = json!(String::from_utf8_lossy(&bytes));
        }
    }
    json.to_string()
}
