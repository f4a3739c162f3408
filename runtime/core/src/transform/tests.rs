//! Chains on batches. What each transform does to a record is compared with Kafka's own in `tests/oracle`.

use alloc::{string::String, vec::Vec};

use super::*;
use crate::columns::Columns;
use crate::convert::{Converter, HeaderConverter};
use crate::errors::Stage;
use crate::record::{Batch, Format};

fn converters(class: &str, pairs: &[(&str, &str)]) -> Converters {
    let converter = Converter::new(class, &pairs.iter().copied().collect()).unwrap();
    Converters { key: Converter::Text, value: converter, header: HeaderConverter::Simple }
}

fn chain(pairs: &[(&str, &str)]) -> Result<Chain, String> {
    Chain::new(&pairs.iter().copied().collect())
}

/// Values of topic `t`, offsets from 0; `-` is null.
fn batch(values: &[&str]) -> Batch {
    let mut columns = Columns::default();
    columns.partition("t", 0, 0);
    for (offset, value) in (0..).zip(values) {
        let value = (*value != "-").then_some(value.as_bytes());
        columns.push(offset, 1_566_570_894_346, None, value, [("h", Some(&b"1"[..]))].into_iter());
    }
    let records = columns.finish().unwrap();
    Batch { value_format: Format::Text, ..records }
}

/// Every record as `topic@offset=value`.
fn shown(batch: &Batch) -> String {
    let record = |i: usize| {
        let value = batch.values.get(i).map_or("-".into(), |value| String::from_utf8_lossy(value).into_owned());
        format!("{}@{}={value}", batch.topic(i), batch.offset(i).unwrap())
    };
    (0..batch.count as usize).map(record).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_source_is_transformed_and_then_converted() {
    let mut chain = chain(&[
        ("transforms", "hoist,insert"),
        ("transforms.hoist.type", "org.apache.kafka.connect.transforms.HoistField$Value"),
        ("transforms.hoist.field", "line"),
        ("transforms.insert.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.insert.static.field", "source"),
        ("transforms.insert.static.value", "test"),
    ])
    .unwrap();
    let off = converters("Json", &[("schemas.enable", "false")]);
    let outcome = chain.source(batch(&["a", "b\"c"]), &off);
    assert_eq!(shown(&outcome.records), r#"t@0={"line":"a","source":"test"} t@1={"line":"b\"c","source":"test"}"#);
    assert_eq!((outcome.filtered, outcome.failures, outcome.origin), (0, Vec::new(), Vec::from([0, 1])));
    let on = chain.source(batch(&["a"]), &converters("Json", &[]));
    assert_eq!(
        shown(&on.records),
        r#"t@0={"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"line"},{"type":"string","optional":true,"field":"source"}],"optional":false},"payload":{"line":"a","source":"test"}}"#
    );
}

#[test]
fn what_nobody_looks_into_stays_as_it_is() {
    let mut chain = chain(&[
        ("transforms", "route,drop"),
        ("transforms.route.type", "TimestampRouter"),
        ("transforms.drop.type", "Filter"),
        ("transforms.drop.predicate", "dead"),
        ("predicates", "dead"),
        ("predicates.dead.type", "RecordIsTombstone"),
    ])
    .unwrap();
    let records = batch(&["a", "b"]);
    let address = records.values.data.as_ptr();
    let outcome = chain.source(records, &converters("String", &[]));
    assert_eq!(shown(&outcome.records), "t-20190823@0=a t-20190823@1=b");
    assert_eq!(outcome.records.values.data.as_ptr(), address, "moved, not copied");
    let outcome = chain.source(batch(&["a", "-", "b"]), &converters("String", &[]));
    assert_eq!((shown(&outcome.records).as_str(), outcome.filtered), ("t-20190823@0=a t-20190823@2=b", 1));
    assert_eq!(outcome.origin, [0, 2]);
    assert_eq!(outcome.records.headers.unwrap().of(1).collect::<Vec<_>>(), [("h", Some(&b"1"[..]))]);
}

#[test]
fn a_sink_is_converted_and_then_transformed() {
    let extract = [
        ("transforms", "x"),
        ("transforms.x.type", "org.apache.kafka.connect.transforms.ExtractField$Value"),
        ("transforms.x.field", "a"),
    ];
    let mut chain = chain(&extract).unwrap();
    let converters = converters("Json", &[("schemas.enable", "false")]);
    let outcome = chain.sink(batch(&[r#"{"a":"x"}"#, "oops", r#"{"b":1}"#, "[1]", r#"{"a":"y"}"#]), &converters, &[]);
    assert_eq!((shown(&outcome.records).as_str(), outcome.records.value_format), ("t@0=x t@2=- t@4=y", Format::Text));
    let failures: Vec<_> = outcome.failures.iter().map(|failed| (failed.index, failed.stage)).collect();
    assert_eq!(failures, [(1, Stage::ValueConverter), (3, Stage::Transformation)]);
    assert_eq!(outcome.origin, [0, 2, 4]);
    let line =
        outcome.failures[1].log_line(&crate::herder::TaskId { connector: "c".into(), task: 0 }, outcome.came(), true);
    assert!(line.starts_with("Error encountered in task c-0. Executing stage 'TRANSFORMATION' with class 'org.apache.kafka.connect.transforms.ExtractField$Value', where consumed record is {topic='t', partition=0, offset=3, "), "{line}");
    let structs = r#"{"schema":{"type":"struct","fields":[{"type":"int32","field":"n"}]},"payload":{"n":5}}"#;
    let mut none = Chain::default();
    let on = super::tests::converters("Json", &[]);
    let outcome = none.sink(batch(&[structs]), &on, &[Format::Text]);
    assert_eq!(shown(&outcome.records), "t@0=Struct{n=5}");
}

#[test]
fn without_transforms_only_those_that_fail_go() {
    let mut none = Chain::default();
    let outcome = none.source(batch(&["a", "b"]), &converters("Integer", &[]));
    assert_eq!((outcome.records.count, outcome.failures.len()), (0, 2));
    let outcome = none.sink(batch(&["1", "{", "3"]), &converters("Json", &[("schemas.enable", "false")]), &[]);
    assert_eq!((shown(&outcome.records).as_str(), outcome.origin), ("t@0=1 t@2=3", Vec::from([0, 2])));
    assert_eq!(outcome.failures[0].index, 1);
}

#[test]
fn a_predicate_says_for_whom() {
    let route = |negate: &str| {
        let mut chain = chain(&[
            ("transforms", "r"),
            ("transforms.r.type", "RegexRouter"),
            ("transforms.r.regex", ".*"),
            ("transforms.r.replacement", "new"),
            ("transforms.r.predicate", "p"),
            ("transforms.r.negate", negate),
            ("predicates", "p"),
            ("predicates.p.type", "HasHeaderKey"),
            ("predicates.p.name", "h"),
        ])
        .unwrap();
        shown(&chain.source(batch(&["a"]), &converters("String", &[])).records)
    };
    assert_eq!((route("false").as_str(), route("true").as_str()), ("new@0=a", "t@0=a"));
}

#[test]
fn what_cannot_be_configured() {
    for (pairs, why) in [
        (&[("transforms", "a")][..], "Class  could not be found."),
        (
            &[("transforms", "a"), ("transforms.a.type", "HoistField$Value")],
            "Class HoistField$Value could not be found.",
        ),
        (&[("transforms", "a"), ("transforms.a.type", "RegexRouter")], "Missing required configuration \"regex\""),
        (
            &[("transforms", "a"), ("transforms.a.type", "Filter"), ("transforms.a.predicate", "p")],
            "the predicate p is not defined",
        ),
    ] {
        let refusal = chain(pairs).unwrap_err();
        assert!(refusal.contains(why), "{refusal}");
    }
}

#[test]
fn topics_alone_are_renamed_by_name_and_not_by_record() {
    let mut columns = Columns::default();
    for (offset, topic) in (0..).zip(["a-1", "b", "a-2", "a-1"]) {
        columns.partition(topic, 0, 0);
        columns.push(offset, 1, None, Some(if offset == 3 { b"no number" } else { b"\0\0\0\x07" }), [].into_iter());
    }
    let records = columns.finish().unwrap();
    let route = [
        ("transforms", "r,s"),
        ("transforms.r.type", "RegexRouter"),
        ("transforms.r.regex", "(.*)-[0-9]"),
        ("transforms.r.replacement", "$1"),
        ("transforms.s.type", "RegexRouter"),
        ("transforms.s.regex", "b"),
        ("transforms.s.replacement", "c"),
    ];
    // Once by name, and once record by record: a predicate that is always met.
    let looked_at = [
        ("predicates", "p"),
        ("predicates.p.type", "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"),
        ("transforms.r.predicate", "p"),
        ("transforms.r.negate", "true"),
    ];
    for more in [&[][..], &looked_at] {
        let outcome = chain(&[&route, more].concat()).unwrap().sink(
            records.clone(),
            &converters("Integer", &[]),
            &[Format::Text, Format::Json],
        );
        assert_eq!(shown(&outcome.records), "a@0=7 c@1=7 a@2=7", "{more:?}");
        assert_eq!(outcome.records.topics, ["a", "c"], "{more:?}");
        let came = outcome.came();
        let failed: Vec<_> =
            outcome.failures.iter().map(|failed| (failed.index, came.topic(failed.index as usize))).collect();
        assert_eq!(failed, [(3, "a-1")], "{more:?}");
    }
}
