//! Rows and messages that Kafka Connect 4.3 answered to the same configurations.

use super::*;
use crate::config::ConfigMap;
use crate::plugin::{Definition, Importance, Width};

/// Rows of every connector: name, type, required, default, importance, group, order in it, width, display name, value.
const COMMON: &str = "\
name|STRING|true|null|HIGH|Common|1|MEDIUM|Connector name|s
connector.class|STRING|true|null|HIGH|Common|2|LONG|Connector class|CLASS
connector.plugin.version|STRING|false|4.3.0|MEDIUM|Common|3|MEDIUM|Connector version|4.3.0
tasks.max|INT|false|1|HIGH|Common|4|SHORT|Tasks max|1
tasks.max.enforce|BOOLEAN|false|true|LOW|Common|5|SHORT|Enforce tasks max|true
key.converter|CLASS|false|org.apache.kafka.connect.json.JsonConverter|LOW|Common|6|SHORT|Key converter class|org.apache.kafka.connect.json.JsonConverter
key.converter.plugin.version|STRING|false|4.3.0|LOW|Common|7|SHORT|Key converter version|4.3.0
value.converter|CLASS|false|org.apache.kafka.connect.json.JsonConverter|LOW|Common|8|SHORT|Value converter class|org.apache.kafka.connect.json.JsonConverter
value.converter.plugin.version|STRING|false|4.3.0|LOW|Common|9|SHORT|Value converter version|4.3.0
header.converter|CLASS|false|org.apache.kafka.connect.storage.SimpleHeaderConverter|LOW|Common|10|SHORT|Header converter class|org.apache.kafka.connect.storage.SimpleHeaderConverter
header.converter.plugin.version|STRING|false|4.3.0|LOW|Common|11|SHORT|Header converter version|4.3.0
transforms|LIST|false||LOW|Transforms|12|LONG|Transforms|
predicates|LIST|false||LOW|Predicates|13|LONG|Predicates|
config.action.reload|STRING|false|restart|LOW|Common|14|MEDIUM|Reload Action|restart
errors.retry.timeout|LONG|false|0|MEDIUM|Error Handling|1|MEDIUM|Retry Timeout for Errors|0
errors.retry.delay.max.ms|LONG|false|60000|MEDIUM|Error Handling|2|MEDIUM|Maximum Delay Between Retries for Errors|60000
errors.tolerance|STRING|false|none|MEDIUM|Error Handling|3|SHORT|Error Tolerance|none
errors.log.enable|BOOLEAN|false|false|MEDIUM|Error Handling|4|SHORT|Log Errors|false
errors.log.include.messages|BOOLEAN|false|false|MEDIUM|Error Handling|5|SHORT|Log Error Details|false";

const SOURCE: &str = "\
topic.creation.groups|LIST|false||LOW|Topic Creation|1|LONG|Topic Creation Groups|
exactly.once.support|STRING|false|requested|MEDIUM|Exactly Once Support|2|SHORT|Exactly once support|requested
transaction.boundary|STRING|false|poll|MEDIUM|Exactly Once Support|3|SHORT|Transaction Boundary|poll
transaction.boundary.interval.ms|LONG|false|null|LOW|Exactly Once Support|4|SHORT|Transaction boundary interval|null
offsets.storage.topic|STRING|false|null|LOW|offsets.topic|1|LONG|Offsets topic|null
file|STRING|false|null|HIGH|null|-1|NONE|file|/tmp/x
topic|STRING|true|null|HIGH|null|-1|NONE|topic|t
batch.size|INT|false|2000|LOW|null|-1|NONE|batch.size|2000";

const SINK: &str = "\
topics|LIST|false||HIGH|Common|4|LONG|Topics|t
topics.regex|STRING|false||HIGH|Common|4|LONG|Topics regex|
errors.deadletterqueue.topic.name|STRING|false||MEDIUM|Error Handling|6|MEDIUM|Dead Letter Queue Topic Name|
errors.deadletterqueue.topic.replication.factor|SHORT|false|3|MEDIUM|Error Handling|7|MEDIUM|Dead Letter Queue Topic Replication Factor|3
errors.deadletterqueue.context.headers.enable|BOOLEAN|false|false|MEDIUM|Error Handling|8|MEDIUM|Enable Error Context Headers|false
file|STRING|false|null|HIGH|null|-1|NONE|file|/tmp/x";

fn plugin_key(name: &str, kind: Kind, default: Option<&str>, importance: Importance, rules: Vec<Rule>) -> ConfigKey {
    ConfigKey {
        name: name.into(),
        kind,
        default: default.map(Into::into),
        required: name == "topic",
        rules,
        importance,
        doc: String::new(),
        group: String::new(),
        order: 0,
        width: Width::None,
        display_name: String::new(),
        dependents: Vec::new(),
        dynamic: false,
        hot: false,
        attrs: Vec::new(),
    }
}

/// The file connectors as Kafka defines them.
fn catalog() -> Catalog {
    let plugin = |class: &str, role, keys| {
        let class = format!("org.apache.kafka.connect.file.{class}");
        Plugin {
            class: class.clone(),
            classes: [class].into(),
            role,
            version: "4.3.0".into(),
            definition: Definition { keys, groups: Vec::new() },
        }
    };
    let file = || plugin_key("file", Kind::Text, None, Importance::High, Vec::new());
    let source = [
        file(),
        plugin_key("topic", Kind::Text, None, Importance::High, [Rule::NonEmpty].into()),
        plugin_key("batch.size", Kind::Int, Some("2000"), Importance::Low, Vec::new()),
    ];
    Catalog::new(
        "4.3.0",
        [
            plugin("FileStreamSourceConnector", Role::Source, source.into()),
            plugin("FileStreamSinkConnector", Role::Sink, [file()].into()),
        ]
        .into(),
    )
}

fn defaults() -> Defaults {
    let json = || "org.apache.kafka.connect.json.JsonConverter".into();
    Defaults {
        key_converter: json(),
        value_converter: json(),
        header_converter: convert::SIMPLE_HEADER_CONVERTER.into(),
        override_policy: OverridePolicy::All,
    }
}

fn verdict(json: &str) -> ConfigInfos {
    validate(&catalog(), &defaults(), &Submitted::from_json(json.as_bytes()).unwrap()).unwrap()
}

/// A source's verdict, given its settings beyond the necessary ones.
fn source(more: &str) -> ConfigInfos {
    verdict(&format!(
        r#"{{"connector.class":"FileStreamSource","name":"s","topic":"t"{}{more}}}"#,
        if more.is_empty() { "" } else { "," }
    ))
}

fn sink(more: &str) -> ConfigInfos {
    verdict(&format!(
        r#"{{"connector.class":"FileStreamSink","name":"s"{}{more}}}"#,
        if more.is_empty() { "" } else { "," }
    ))
}

fn text(row: &ConfigInfo) -> String {
    let null = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".into());
    let key = row.definition.as_ref().unwrap();
    format!(
        "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
        key.name,
        key.kind,
        key.required,
        null(&key.default_value),
        key.importance,
        null(&key.group),
        key.order_in_group,
        key.width,
        key.display_name,
        null(&row.value.value)
    )
}

fn check_rows(infos: &ConfigInfos, own: &str, groups: &[&str]) {
    let common = COMMON.replace("CLASS\n", &format!("{}\n", infos.name));
    let expected: Vec<&str> = common.lines().chain(own.lines()).collect();
    assert_eq!(infos.configs.iter().map(text).collect::<Vec<_>>(), expected);
    assert_eq!((infos.error_count, &infos.groups), (0, &groups.iter().map(|group| String::from(*group)).collect()));
}

fn check(infos: &ConfigInfos, expected: &[(&str, &str)]) {
    let errors: Vec<(&str, &str)> = infos
        .configs
        .iter()
        .flat_map(|row| row.value.errors.iter().map(|error| (row.value.name.as_str(), error.as_str())))
        .collect();
    assert_eq!(errors, expected);
    assert_eq!(infos.error_count, expected.len());
}

#[test]
fn the_rows_of_a_source_and_a_sink_are_kafkas() {
    let source = source(r#""file":"/tmp/x""#);
    assert_eq!((source.name.as_str(), source.configs.len()), ("FileStreamSource", 27));
    check_rows(
        &source,
        SOURCE,
        &[
            "Common",
            "Transforms",
            "Predicates",
            "Error Handling",
            "Topic Creation",
            "Exactly Once Support",
            "offsets.topic",
        ],
    );
    let sink = sink(r#""topics":"t","file":"/tmp/x""#);
    assert_eq!((sink.name.as_str(), sink.configs.len()), ("FileStreamSink", 25));
    check_rows(&sink, SINK, &["Common", "Transforms", "Predicates", "Error Handling"]);
}

#[test]
fn field_order_and_recommended_values() {
    let infos = source("");
    let row = infos.configs.iter().find(|row| row.value.name == "tasks.max").unwrap();
    assert_eq!(
        serde_json::to_string(row).unwrap(),
        concat!(
            r#"{"definition":{"name":"tasks.max","type":"INT","required":false,"default_value":"1","importance":"HIGH","#,
            r#""documentation":"Upper limit of the number of tasks.","group":"Common","order_in_group":4,"width":"SHORT","#,
            r#""display_name":"Tasks max","dependents":[]},"value":{"name":"tasks.max","value":"1","recommended_values":[],"errors":[],"visible":true}}"#,
        )
    );
    let recommended =
        |name| infos.configs.iter().find(|row| row.value.name == name).unwrap().value.recommended_values.clone();
    assert_eq!(recommended("key.converter"), convert::CLASSES);
    assert_eq!(recommended("header.converter"), convert::header_classes());
    assert_eq!(
        (recommended("connector.plugin.version"), recommended("value.converter.plugin.version")),
        (["4.3.0".into()].into(), ["4.3.0".into()].into())
    );
    let json = serde_json::to_string(&ConfigInfos { configs: Vec::new(), ..infos }).unwrap();
    assert!(
        json.starts_with(r#"{"name":"FileStreamSource","error_count":0,"groups":["Common","#)
            && json.ends_with(r#""configs":[]}"#)
    );
}

#[test]
fn types_and_ranges() {
    check(
        &source(concat!(
            r#""tasks.max":"abc","errors.tolerance":"ALL","batch.size":"zz","tasks.max.enforce":"maybe","transforms":"a,a","transaction.boundary.interval.ms":"1.5","#,
            r#""config.action.reload":"RESTART","exactly.once.support":"Foo","key.converter":"NoSuch","offsets.storage.topic":"""#,
        )),
        &[
            ("tasks.max", "Invalid value abc for configuration tasks.max: Not a number of type INT"),
            ("tasks.max", "Invalid value null for configuration tasks.max: Value must be non-null"),
            (
                "tasks.max.enforce",
                "Invalid value maybe for configuration tasks.max.enforce: Expected value to be either true or false",
            ),
            ("key.converter", "Invalid value NoSuch for configuration key.converter: Class NoSuch could not be found."),
            ("transforms", "Invalid value [a, a] for configuration transforms: Duplicate alias provided."),
            (
                "config.action.reload",
                "Invalid value RESTART for configuration config.action.reload: String must be one of: none, restart",
            ),
            (
                "errors.tolerance",
                "Invalid value ALL for configuration errors.tolerance: String must be one of: none, all",
            ),
            (
                "exactly.once.support",
                "Invalid value Foo for configuration exactly.once.support: String must be one of (case insensitive): REQUIRED, REQUESTED",
            ),
            (
                "transaction.boundary.interval.ms",
                "Invalid value 1.5 for configuration transaction.boundary.interval.ms: Not a number of type LONG",
            ),
            (
                "offsets.storage.topic",
                "Invalid value  for configuration offsets.storage.topic: String must be non-empty",
            ),
            ("transforms.a.type", "Missing required configuration \"transforms.a.type\" which has no default value."),
            ("batch.size", "Invalid value zz for configuration batch.size: Not a number of type INT"),
        ],
    );
    check(&source(r#""tasks.max":" 3 ","tasks.max.enforce":" TRUE ","transaction.boundary":"Interval""#), &[]);
    check(
        &source(r#""tasks.max":"0""#),
        &[("tasks.max", "Invalid value 0 for configuration tasks.max: Value must be at least 1")],
    );
    check(
        &source(r#""transaction.boundary.interval.ms":"-1""#),
        &[(
            "transaction.boundary.interval.ms",
            "Invalid value -1 for configuration transaction.boundary.interval.ms: Value must be at least 0",
        )],
    );
    check(&source(r#""topic":" ""#), &[("topic", "Invalid value  for configuration topic: String must be non-empty")]);
    check(
        &source(r#""transaction.boundary":"x""#),
        &[(
            "transaction.boundary",
            "Invalid value x for configuration transaction.boundary: String must be one of (case insensitive): INTERVAL, POLL, CONNECTOR",
        )],
    );
}

#[test]
fn names_and_nulls() {
    let null = "Null value can not be supplied as the configuration value.";
    check(
        &source(r#""name":"a\u0001b""#),
        &[(
            "name",
            "Invalid value a\u{1}b for configuration name: String may not contain control sequences but had the following ASCII chars: 1",
        )],
    );
    check(&source(r#""name":"  ""#), &[("name", "Invalid value  for configuration name: String may not be empty")]);
    check(&source(r#""name":null"#), &[("name", null)]);
    check(
        &source(r#""tasks.max":null,"errors.tolerance":null,"errors.retry.timeout":null"#),
        &[
            ("tasks.max", "Invalid value null for configuration tasks.max: Value must be non-null"),
            ("tasks.max", null),
            ("errors.retry.timeout", null),
            (
                "errors.tolerance",
                "Invalid value null for configuration errors.tolerance: String must be one of: none, all",
            ),
            ("errors.tolerance", null),
        ],
    );
    check(
        &verdict(r#"{"connector.class":"FileStreamSource"}"#),
        &[
            ("name", "Missing required configuration \"name\" which has no default value."),
            ("topic", "Missing required configuration \"topic\" which has no default value."),
        ],
    );
}

#[test]
fn a_sinks_topics_and_dead_letters() {
    let one_of = "Must configure one of topics or topics.regex";
    check(
        &verdict(r#"{"connector.class":"FileStreamSink"}"#),
        &[
            ("name", "Missing required configuration \"name\" which has no default value."),
            ("topics", one_of),
            ("topics.regex", one_of),
        ],
    );
    let both = "topics and topics.regex are mutually exclusive options, but both are set.";
    check(&sink(r#""topics":"a","topics.regex":"b""#), &[("topics", both), ("topics.regex", both)]);
    check(
        &sink(r#""topics":"a,b,a","errors.deadletterqueue.topic.name":"a""#),
        &[
            ("topics", "Configuration 'topics' values must not be duplicated."),
            (
                "topics",
                "The DLQ topic 'a' may not be included in the list of topics ('topics=[a, b]') consumed by the connector",
            ),
        ],
    );
    check(
        &sink(r#""topics.regex":"a.*","errors.deadletterqueue.topic.name":"abc""#),
        &[(
            "topics.regex",
            "The DLQ topic 'abc' may not be matched by the regex for the topics ('topics.regex=a.*') consumed by the connector",
        )],
    );
    check(
        &sink(r#""topics":" , ","errors.deadletterqueue.topic.replication.factor":"99999""#),
        &[
            ("topics", "Configuration 'topics' values must not be duplicated."),
            (
                "errors.deadletterqueue.topic.replication.factor",
                "Invalid value 99999 for configuration errors.deadletterqueue.topic.replication.factor: Not a number of type SHORT",
            ),
        ],
    );
    check(&sink(r#""topics":"a,,b""#), &[("topics", "Configuration 'topics' values must not be empty.")]);
    let bad = sink(r#""topics.regex":"a(""#);
    assert!(
        bad.error_count == 1
            && bad
                .refusal(&ConfigMap::new())
                .unwrap()
                .contains("Invalid value a( for configuration topics.regex: Invalid regex")
    );
}

#[test]
fn transforms_have_rows_of_their_own() {
    let infos = source(r#""transforms":"a","transforms.a.type":"Nope","transforms.a.negate":"true","predicates":"p""#);
    check(
        &infos,
        &[
            (
                "transforms.a.type",
                "Invalid value Nope for configuration transforms.a.type: Class Nope could not be found.",
            ),
            (
                "transforms.a.type",
                "Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate' defining a predicate to be negated.",
            ),
            ("predicates.p.type", "Missing required configuration \"predicates.p.type\" which has no default value."),
        ],
    );
    let rows: Vec<String> = infos.configs[24..28].iter().map(text).collect();
    assert_eq!(
        rows,
        [
            "transforms.a.type|CLASS|true|null|HIGH|Transforms: a|0|LONG|Transformation type for a|null",
            "transforms.a.plugin.version|STRING|false|null|HIGH|Transforms: a|1|LONG|Transformation version for a|null",
            "predicates.p.type|CLASS|true|null|HIGH|Predicates: p|0|LONG|Predicate type for p|null",
            "predicates.p.plugin.version|STRING|false|null|HIGH|Predicates: p|1|LONG|Predicate version for p|null",
        ]
    );
    assert_eq!(infos.groups[7..], ["Transforms: a", "Predicates: p"]);
}

#[test]
fn converters_of_the_connectors_own() {
    let infos = source(
        r#""value.converter":"JsonConverter","key.converter":"String","producer.override.acks":"1","consumer.override.z":"2""#,
    );
    check(&infos, &[]);
    let rows: Vec<String> = infos.configs[28..].iter().map(text).collect();
    assert_eq!(
        rows,
        [
            "key.converter.converter.type|STRING|true|null|LOW|null|-1|NONE|converter.type|key",
            "key.converter.converter.encoding|STRING|false|UTF-8|HIGH|null|-1|MEDIUM|Encoding|UTF-8",
            "value.converter.decimal.format|STRING|false|BASE64|LOW|Serialization|0|MEDIUM|Decimal Format|BASE64",
            "value.converter.converter.type|STRING|true|null|LOW|null|-1|NONE|converter.type|value",
            "value.converter.schemas.cache.size|INT|false|1000|HIGH|Schemas|1|MEDIUM|Schema Cache Size|1000",
            "value.converter.replace.null.with.default|BOOLEAN|false|true|LOW|Serialization|1|MEDIUM|Replace null with default|true",
            "value.converter.schemas.enable|BOOLEAN|false|true|HIGH|Schemas|0|MEDIUM|Enable Schemas|true",
            "value.converter.schema.content|STRING|false|null|HIGH|Schemas|2|MEDIUM|Schema Content|null",
        ]
    );
    assert_eq!(
        (infos.configs[27].definition.as_ref(), infos.configs[27].value.name.as_str()),
        (None, "producer.override.acks")
    );
    assert_eq!(infos.groups[7..], ["Serialization", "Schemas"]);
    check(
        &source(r#""value.converter":"Json","value.converter.schemas.enable":"bah""#),
        &[(
            "value.converter.schemas.enable",
            "Invalid value bah for configuration schemas.enable: Expected value to be either true or false",
        )],
    );
    check(
        &source(r#""value.converter":" JsonConverter""#),
        &[("value.converter", "Failed to load class  JsonConverter:  JsonConverter")],
    );
    check(
        &source(r#""value.converter":"""#),
        &[("value.converter", "Invalid value  for configuration value.converter: Class  could not be found.")],
    );
    check(
        &source(r#""value.converter":"stringconverter""#),
        &[(
            "value.converter",
            "Invalid value stringconverter for configuration value.converter: Class stringconverter could not be found. Did you mean StringConverter?",
        )],
    );
}

#[test]
fn versions() {
    check(&source(r#""connector.plugin.version":"[4.0,5.0)""#), &[]);
    let message = "Plugin org.apache.kafka.connect.file.FileStreamSourceConnector not found that matches the version range [9.9.9,9.9.9], available versions: [4.3.0]";
    let infos = source(r#""connector.plugin.version":"9.9.9""#);
    check(&infos, &[("connector.class", message), ("connector.plugin.version", message)]);
    assert_eq!((infos.configs.len(), infos.groups.len()), (19, 4));
}

#[test]
fn topic_creation_without_its_defaults_is_refused_at_once() {
    check(&source(r#""topic.creation.default.replication.factor":"1","topic.creation.default.partitions":"-1""#), &[]);
    check(
        &source(r#""topic.creation.groups":"g""#),
        &[
            (
                "topic.creation.groups",
                "Missing required configuration \"topic.creation.default.replication.factor\" which has no default value.",
            ),
            (
                "topic.creation.groups",
                "Missing required configuration \"topic.creation.default.partitions\" which has no default value.",
            ),
        ],
    );
}

#[test]
fn override_policies() {
    let refused = |policy: OverridePolicy, key: &str| {
        let submitted = Submitted::from_json(
            format!(r#"{{"connector.class":"FileStreamSource","name":"s","topic":"t","producer.override.{key}":"1"}}"#)
                .as_bytes(),
        )
        .unwrap();
        validate(&catalog(), &Defaults { override_policy: policy, ..defaults() }, &submitted)
            .unwrap()
            .refusal(&submitted.config)
    };
    assert_eq!(refused(OverridePolicy::All, "acks"), None);
    assert!(
        refused(OverridePolicy::None, "acks")
            .unwrap()
            .contains("The 'None' policy does not allow 'acks' to be overridden in the connector configuration.")
    );
    assert_eq!(refused(OverridePolicy::Principal, "sasl.mechanism"), None);
    assert!(refused(OverridePolicy::Principal, "acks").is_some());
    assert_eq!(refused(OverridePolicy::Allowlist(["acks".into()].into()), "acks"), None);
}

#[test]
fn the_message_of_a_refused_post() {
    let config: ConfigMap = [("topicz", "t"), ("whatever", "")].into_iter().collect();
    assert_eq!(
        sink("").refusal(&config).unwrap(),
        concat!(
            "Connector configuration is invalid and contains the following 2 error(s):\n",
            "Must configure one of topics or topics.regex\nMust configure one of topics or topics.regex\n",
            "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`\n",
            "No such key \"topicz\". Did you mean \"topics\"?",
        )
    );
    assert_eq!(source("").refusal(&config), None);
    let mut infos = source("");
    infos.add_issues([
        crate::plugin::Issue { key: "file".into(), message: "no".into() },
        crate::plugin::Issue { key: "zz".into(), message: "none".into() },
    ]);
    check(&infos, &[("file", "no"), ("zz", "none")]);
}

#[test]
fn no_class_or_an_unknown_one() {
    let error =
        |json: &str| validate(&catalog(), &defaults(), &Submitted::from_json(json.as_bytes()).unwrap()).unwrap_err();
    assert_eq!(
        error(r#"{"name":"a"}"#),
        ClassError::Missing("Connector config {name=a} contains no connector type".into())
    );
    let unknown = |class: &str| match error(&format!(r#"{{"connector.class":"{class}"}}"#)) {
        ClassError::Unknown(message) => message,
        ClassError::Missing(message) | ClassError::Reference(message) => panic!("{message}"),
    };
    assert_eq!(
        unknown("filestreamsource"),
        concat!(
            "Failed to find any class that implements Connector and which name matches filestreamsource, available connectors are: ",
            "'org.apache.kafka.connect.file.FileStreamSinkConnector', 'org.apache.kafka.connect.file.FileStreamSourceConnector'. Did you mean FileStreamSource?",
        )
    );
    assert!(unknown(" FileStreamSource ").ends_with("Did you mean FileStreamSource?"));
    assert!(unknown("JdbcSink").ends_with("FileStreamSourceConnector'"));
    for class in
        ["FileStreamSource", "FileStreamSourceConnector", "org.apache.kafka.connect.file.FileStreamSourceConnector"]
    {
        assert_eq!(catalog().connector(class).unwrap().role, Role::Source);
    }
}

#[test]
fn what_rest_lists() {
    let rows = catalog().rows(true);
    assert_eq!(
        serde_json::to_string(&rows).unwrap(),
        concat!(
            r#"[{"class":"org.apache.kafka.connect.file.FileStreamSinkConnector","type":"sink","version":"4.3.0"},"#,
            r#"{"class":"org.apache.kafka.connect.file.FileStreamSourceConnector","type":"source","version":"4.3.0"}]"#,
        )
    );
    let all = catalog().rows(false);
    assert_eq!(all.len(), 2 + 26 + 3 + 9 + 10);
    assert_eq!(
        (all[2].class.as_str(), all[27].class.as_str(), all[28].kind),
        ("org.apache.kafka.connect.transforms.Cast$Key", "org.apache.kafka.connect.transforms.ValueToKey", "predicate")
    );
    assert_eq!(
        (all[31].kind, all[40].kind, all[48].class.as_str()),
        ("converter", "header_converter", convert::SIMPLE_HEADER_CONVERTER)
    );
    let names = |name| catalog().config_keys(name, None).unwrap().into_iter().map(|key| key.name).collect::<Vec<_>>();
    assert_eq!(
        (names("FileStreamSource").len(), &names("FileStreamSource")[..4]),
        (27, &["file", "topic", "batch.size", "name"].map(String::from)[..])
    );
    assert_eq!(names("FileStreamSink").len(), 25);
    assert!(names("JsonConverter").contains(&"schemas.enable".into()));
    assert_eq!(
        catalog().config_keys("Nope", None),
        Err(crate::config::KeysError::Unknown("Unknown plugin Nope.".into()))
    );
}
