//! What Kafka Connect 4.3's own JsonConverter answered to the same input.

use super::super::tests::blobs;
use super::*;

const STYLE: Style = Style { decimals: Decimals::Base64, replace_null: true };
const ON: JsonConverter = JsonConverter { schemas_enable: true, style: STYLE };
const OFF: JsonConverter = JsonConverter { schemas_enable: false, style: STYLE };

fn encodes(converter: JsonConverter, format: Format, value: &[u8], expected: &str) {
    let (bytes, failures) = converter.encode(format, &blobs(&[Some(value), None]), 2);
    assert_eq!(failures, []);
    assert_eq!(bytes.get(0).map(|b| core::str::from_utf8(b).unwrap()), Some(expected));
    assert_eq!((bytes.get(1), bytes.len()), (None, 2));
}

fn decodes(converter: JsonConverter, json: &str, format: Format, expected: Option<&[u8]>) {
    let (got, column, failures) = converter.decode(&blobs(&[Some(json.as_bytes()), None]), 2, &[]);
    assert_eq!(failures, [], "{json}");
    assert_eq!((got, column), (format, blobs(&[expected, None])), "{json}");
}

fn fails(converter: JsonConverter, json: &str, message: &str) {
    let (_, column, failures) = converter.decode(&blobs(&[None, Some(json.as_bytes())]), 2, &[]);
    assert_eq!((column, failures.len()), (blobs(&[None, None]), 1), "{json}");
    assert_eq!(failures[0].index, 1);
    assert!(failures[0].fault.message.starts_with(message), "{json}: {}", failures[0].fault.message);
}

#[test]
fn text_goes_out_as_jackson_writes_it() {
    encodes(ON, Format::Text, b"test", r#"{"schema":{"type":"string","optional":false},"payload":"test"}"#);
    encodes(ON, Format::Text, b"", r#"{"schema":{"type":"string","optional":false},"payload":""}"#);
    encodes(OFF, Format::Text, b"test", r#""test""#);
    encodes(
        ON,
        Format::Text,
        "a\t\"é\u{1}😀/".as_bytes(),
        r#"{"schema":{"type":"string","optional":false},"payload":"a\t\"é\u0001\uD83D\uDE00/"}"#,
    );
    encodes(OFF, Format::Text, b"a\xff", "\"a\u{fffd}\"");
}

#[test]
fn bytes_go_out_in_base64() {
    encodes(ON, Format::Raw, &[1, 2, 255, 4], r#"{"schema":{"type":"bytes","optional":false},"payload":"AQL/BA=="}"#);
    encodes(OFF, Format::Raw, &[1, 2, 255, 4], r#""AQL/BA==""#);
}

#[test]
fn json_goes_out_without_a_schema() {
    encodes(ON, Format::Json, br#"{"a":1}"#, r#"{"schema":null,"payload":{"a":1}}"#);
    encodes(OFF, Format::Json, br#" {"a":1} "#, r#"{"a":1}"#);
    assert_eq!(ON.encode(Format::Json, &blobs(&[Some(b"null")]), 1).0, blobs(&[None]));
    let (bytes, failures) = OFF.encode(Format::Json, &blobs(&[Some(b"1"), Some(b"{"), Some(b"2")]), 3);
    assert_eq!((bytes, failures[0].index, failures.len()), (blobs(&[Some(b"1"), None, Some(b"2")]), 1, 1));
}

#[test]
fn text_comes_back() {
    use Format::Text;
    decodes(ON, r#"{"schema":{"type":"string","optional":false},"payload":"test"}"#, Text, Some(b"test"));
    decodes(ON, r#"{"schema":{"type":"string","optional":false},"payload":""}"#, Text, Some(b""));
    decodes(
        ON,
        r#"{"schema":{"type":"string","optional":false},"payload":"한\"\t\uD83D\uDE00"}"#,
        Text,
        Some("한\"\t😀".as_bytes()),
    );
    decodes(ON, r#"{"payload":"x","schema":{"type":"string","optional":true}}"#, Text, Some(b"x"));
    decodes(
        ON,
        r#"{ "schema" : {"type":"string","optional":false} , "payload" : "t\u00e9\"st" }"#,
        Text,
        Some("té\"st".as_bytes()),
    );
    decodes(ON, r#"{"schema":{"type":"string","optional":false},"payload":"test"} trailing"#, Text, Some(b"test"));
    decodes(ON, r#"{"schema":{"type":"string","optional":false},"payload":"x","payload":"y"}"#, Text, Some(b"y"));
    decodes(ON, r#"{"schema":{"type":"string","default":"d"},"payload":null}"#, Text, Some(b"d"));
    decodes(ON, r#"{"schema":null,"payload":"x"}"#, Text, Some(b"x"));
    decodes(OFF, r#""str""#, Text, Some(b"str"));
    decodes(OFF, r#" "x" "#, Text, Some(b"x"));
    decodes(OFF, r#""a\n" trailing"#, Text, Some(b"a\n"));
}

#[test]
fn nulls() {
    use Format::Text;
    for json in [
        r#"{"schema":{"type":"string","optional":true},"payload":null}"#,
        r#"{"schema":null,"payload":null}"#,
        r#"{"schema":{"type":"string"},"payload":5}"#,
        r#"{"schema":{"type":"string"},"payload":{"a":1}}"#,
    ] {
        decodes(ON, json, Text, None);
    }
    for json in ["", "  ", "null"] {
        decodes(OFF, json, Text, None);
    }
}

#[test]
fn other_types_come_back_as_json_or_bytes() {
    let envelope = |schema: &str, payload: &str| format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
    for (schema, payload, expected) in [
        (r#"{"type":"int32","optional":false}"#, "5", "5"),
        (r#"{"type":"int32","optional":false}"#, r#""x""#, "0"),
        (r#"{"type":"int8"}"#, "300", "44"),
        (r#"{"type":"int64"}"#, "1e3", "1000"),
        (r#"{"type":"boolean"}"#, "1", "false"),
        (r#"{"type":"float"}"#, "1.1", "1.1"),
        (r#"{"type":"double"}"#, "1", "1.0"),
        (r#"{"type":"array","items":{"type":"double"}}"#, "[1,2]", "[1.0,2.0]"),
        (r#"{"type":"map","keys":{"type":"string"},"values":{"type":"int32"}}"#, r#"{"a":1}"#, r#"{"a":1}"#),
        (r#"{"type":"map","keys":{"type":"int32"},"values":{"type":"int32"}}"#, "[[1,2]]", "[[1,2]]"),
        (
            r#"{"type":"struct","fields":[{"field":"b","type":"int32"},{"field":"a","type":"string","optional":true}]}"#,
            r#"{"a":"\"","b":1,"c":2}"#,
            r#"{"b":1,"a":"\""}"#,
        ),
        (
            r#"{"type":"struct","fields":[{"field":"b","type":"int32","default":7},{"field":"a","type":"string","optional":true}]}"#,
            "{}",
            r#"{"b":7,"a":null}"#,
        ),
        (
            r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}}"#,
            r#""AfQ=""#,
            "5.00",
        ),
        (
            r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}}"#,
            r#""/w==""#,
            "-0.01",
        ),
        (
            r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"-1"}}"#,
            r#""AfQ=""#,
            "5000",
        ),
        (r#"{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1}"#, "0", "0"),
        ("null", r#"{"a":[1,2.5,"s",null,true]}"#, r#"{"a":[1,2.5,"s",null,true]}"#),
    ] {
        decodes(ON, &envelope(schema, payload), Format::Json, Some(expected.as_bytes()));
    }
    decodes(ON, &envelope(r#"{"type":"bytes","optional":false}"#, r#""AQL/BA==""#), Format::Raw, Some(&[1, 2, 255, 4]));
    for json in
        ["1", "true", r#"{"a":1,"a":2}"#, "[1]", r#"{"schema":{"type":"string","optional":false},"payload":"x"}"#]
    {
        decodes(OFF, json, Format::Json, Some(json.as_bytes()));
    }
}

#[test]
fn a_column_of_several_types_is_json() {
    let column = blobs(&[
        Some(br#"{"schema":null,"payload":"a\"b"}"#),
        Some(br#"{"schema":{"type":"bytes"},"payload":"AQ=="}"#),
        None,
        Some(b"1"),
        Some(br#"{"schema":{"type":"int32"},"payload":7}"#),
    ]);
    let (format, column, failures) = ON.decode(&column, 5, &[]);
    assert_eq!(
        (format, column),
        (Format::Json, blobs(&[Some(br#""a\"b""#), Some(br#""AQ==""#), None, None, Some(b"7")]))
    );
    assert_eq!(failures, [Failure { index: 3, fault: NO_ENVELOPE.into() }]);
}

#[test]
fn refusals_are_kafkas() {
    for json in [
        "",
        " ",
        "null",
        "1",
        r#""str""#,
        "[1]",
        r#"{"a":1}"#,
        r#"{"schema":{"type":"string"}}"#,
        r#"{"schema":{"type":"string"},"payload":"x","z":1}"#,
    ] {
        fails(
            ON,
            json,
            "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional fields.",
        );
    }
    for json in [
        "plain",
        "[1,",
        r#"{"schema":{"type":"string","optional":false},"payload":"te"#,
        "{\"schema\":{\"type\":\"string\",\"optional\":false},\"payload\":\"t\tb\"}",
    ] {
        fails(ON, json, "Converting byte[] to Kafka Connect data failed due to serialization error:");
        fails(OFF, json, "Converting byte[] to Kafka Connect data failed due to serialization error:");
    }
    fails(
        ON,
        r#"{"schema":{"type":"string","optional":false},"payload":null}"#,
        "Invalid null value for required STRING field",
    );
    fails(
        ON,
        r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int32","optional":false}]},"payload":{}}"#,
        "Invalid null value for required INT32 field",
    );
    fails(ON, r#"{"schema":{"type":"bytes","optional":false},"payload":"!!"}"#, "Invalid bytes field");
    fails(ON, r#"{"schema":{"type":"nope"},"payload":5}"#, "Unknown schema type: nope");
    for schema in ["{}", "\"x\"", "5"] {
        fails(ON, &format!(r#"{{"schema":{schema},"payload":5}}"#), "Schema must contain 'type' field");
    }
}

#[test]
fn any_text_survives() {
    let texts = ["", "a", "\"", "\\", "\u{0}\u{1f}", "é한😀\u{2028}", "\"}", "{\"schema\":1}"];
    let long: Vec<String> = texts.iter().map(|text| text.repeat(50)).collect();
    let values: Vec<Option<&[u8]>> =
        texts.iter().copied().chain(long.iter().map(String::as_str)).map(|text| Some(text.as_bytes())).collect();
    for converter in [ON, OFF] {
        let column = blobs(&values);
        let (bytes, failures) = converter.encode(Format::Text, &column, values.len());
        assert_eq!(failures, []);
        assert_eq!(converter.decode(&bytes, values.len(), &[]), (Format::Text, column, Vec::new()));
    }
}
