//! Bytes and messages of Kafka Connect 4.3.

use super::*;

fn map(entries: &[(&str, Scalar)]) -> ScalarMap {
    entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
}

fn text(text: &str) -> Scalar {
    Scalar::Text(text.into())
}

fn check(connector: &str, partition: &[(&str, Scalar)], bytes: &str) {
    let partition = map(partition);
    assert_eq!(String::from_utf8(key(connector, &partition)).unwrap(), bytes);
    assert_eq!(read_key(bytes.as_bytes()), Ok((connector.into(), partition)), "{bytes}");
}

#[test]
fn keys_and_values_are_compact_json_in_the_connectors_order() {
    check("local-file-source", &[("filename", text("test.txt"))], r#"["local-file-source",{"filename":"test.txt"}]"#);
    check("s", &[("filename", Scalar::Null)], r#"["s",{"filename":null}]"#);
    check(
        "a\"é",
        &[("z", Scalar::Int(-1)), ("a", Scalar::Bool(true)), ("f", Scalar::Float(1.5))],
        r#"["a\"é",{"z":-1,"a":true,"f":1.5}]"#,
    );
    check("s", &[], r#"["s",{}]"#);
    assert_eq!(value(&map(&[("position", Scalar::Int(5))])), br#"{"position":5}"#);
    assert_eq!(
        value(&map(&[
            ("b", Scalar::Bytes(vec![1, 2, 255, 4])),
            ("n", Scalar::Float(f64::NAN)),
            ("e", Scalar::Float(1e20))
        ])),
        br#"{"b":"AQL/BA==","n":"NaN","e":1.0E20}"#
    );
    assert_eq!(
        read_value(br#"{"position":5,"e":1.0E20}"#),
        Ok(Some(map(&[("position", Scalar::Int(5)), ("e", Scalar::Float(1e20))])))
    );
    assert_eq!(read_value(b"null"), Ok(None));
}

#[test]
fn the_order_within_a_partition_makes_another_key() {
    let (a, b) = (("a", Scalar::Int(1)), ("b", Scalar::Int(2)));
    assert_ne!(key("c", &map(&[a.clone(), b.clone()])), key("c", &map(&[b, a])));
}

#[test]
fn what_is_no_offset_is_refused() {
    for bytes in ["", "[]", r#"["a"]"#, r#"["a",{},1]"#, r#"[1,{}]"#, r#"{"a":1}"#, r#"["a",[]]"#, r#"["a",{"x":[1]}]"#]
    {
        assert!(read_key(bytes.as_bytes()).is_err(), "{bytes}");
    }
    for bytes in ["", "1", "[]", r#"{"x":{}}"#, "{"] {
        assert!(read_value(bytes.as_bytes()).is_err(), "{bytes}");
    }
}

#[test]
fn rest_shows_sources_and_sinks() {
    let offsets = ConnectorOffsets {
        offsets: vec![
            PartitionOffset::source(map(&[("filename", text("in.txt"))]), map(&[("position", Scalar::Int(10))])),
            PartitionOffset::sink("t", 0, 3),
        ],
    };
    let json = concat!(
        r#"{"offsets":[{"partition":{"filename":"in.txt"},"offset":{"position":10}},"#,
        r#"{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":{"kafka_offset":3}}]}"#,
    );
    assert_eq!(serde_json::to_string(&offsets).unwrap(), json);
    assert_eq!(ConnectorOffsets::from_json(json.as_bytes()), Ok(offsets));
    assert_eq!(serde_json::to_string(&ConnectorOffsets::default()).unwrap(), r#"{"offsets":[]}"#);
}

#[test]
fn a_patch_may_be_malformed_or_empty() {
    for body in [
        "",
        "{",
        "null",
        "[1]",
        r#"{"x":1}"#,
        r#"{"offsets":[{"partition":{},"x":1}]}"#,
        r#"{"offsets":[{"partition":{"f":{"a":1}},"offset":null}]}"#,
    ] {
        assert!(matches!(ConnectorOffsets::from_json(body.as_bytes()), Err(BadBody::Malformed(_))), "{body}");
    }
    for body in ["{}", r#"{"offsets":null}"#, r#"{"offsets":[]}"#] {
        let expected = "Partitions / offsets need to be provided for an alter offsets request";
        assert_eq!(ConnectorOffsets::from_json(body.as_bytes()), Err(BadBody::Invalid(expected.into())), "{body}");
    }
    let Err(BadBody::Malformed(message)) = ConnectorOffsets::from_json(br#"{"offsets":[{"partition":{"f":{"a":1}}}]}"#)
    else {
        panic!()
    };
    assert!(
        message.starts_with("Offsets may only contain primitive types as values, but field f contains MAP"),
        "{message}"
    );
}

fn sink(partition: &str, offset: &str) -> Result<Vec<SinkOffset>, String> {
    let body = format!(r#"{{"offsets":[{{"partition":{partition},"offset":{offset}}}]}}"#);
    ConnectorOffsets::from_json(body.as_bytes()).unwrap().for_sink()
}

#[test]
fn a_sinks_patch() {
    let good = r#"{"kafka_topic":"t","kafka_partition":0}"#;
    let change = |offset| Ok(vec![SinkOffset { topic: "t".into(), partition: 0, offset }]);
    assert_eq!(sink(good, r#"{"kafka_offset":1}"#), change(Some(1)));
    assert_eq!(sink(r#"{"kafka_topic":"t","kafka_partition":"0","z":1}"#, r#"{"kafka_offset":"2"}"#), change(Some(2)));
    assert_eq!(sink(good, "null"), change(None));
    for (partition, offset, message) in [
        ("null", "null", "The partition for a sink connector offset cannot be null or missing"),
        (r#"{"kafka_topic":"t"}"#, "null", "The partition for a sink connector offset must contain the keys"),
        (
            r#"{"kafka_topic":null,"kafka_partition":0}"#,
            "null",
            "Kafka topic names must be valid strings and may not be null",
        ),
        (
            r#"{"kafka_topic":"t","kafka_partition":"x"}"#,
            "null",
            "Failed to parse the following Kafka partition value in the provided offsets: 'x'.",
        ),
        (
            r#"{"kafka_topic":"t","kafka_partition":5000000000}"#,
            "null",
            "Failed to parse the following Kafka partition value in the provided offsets: '5000000000'.",
        ),
        (good, "{}", "The offset for a sink connector should either be null or contain the key 'kafka_offset'"),
        (
            good,
            r#"{"kafka_offset":"y"}"#,
            "Failed to parse the following Kafka offset value in the provided offsets: 'y'.",
        ),
        (
            good,
            r#"{"kafka_offset":-3}"#,
            "Failed to parse the following Kafka offset value in the provided offsets: '-3'.",
        ),
    ] {
        let error = sink(partition, offset).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
}
