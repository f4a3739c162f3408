use super::*;

const NECESSARY: &str = "bootstrap.servers=localhost:9092\nkey.converter=org.apache.kafka.connect.json.JsonConverter\n\
     value.converter=org.apache.kafka.connect.storage.StringConverter\noffset.storage.file.filename=/tmp/connect.offsets\n";

fn read(more: &str) -> Result<(WorkerConfig, Vec<String>), String> {
    WorkerConfig::from_file("w.properties", format!("{NECESSARY}{more}").as_bytes(), |raw| Ok(raw.clone()))
}

fn config(more: &str) -> WorkerConfig {
    read(more).unwrap().0
}

fn refused(more: &str, message: &str) {
    let error = read(more).unwrap_err();
    assert!(error.starts_with("Worker file w.properties"), "{error}");
    assert!(error.contains(message), "{more}: {error}");
}

#[test]
fn defaults_are_kafkas() {
    let (config, notes) = read("").unwrap();
    assert_eq!(notes, [""; 0]);
    assert_eq!(config.bootstrap_servers, ["localhost:9092"]);
    assert_eq!(config.key_converter.class, "org.apache.kafka.connect.json.JsonConverter");
    assert_eq!(config.header_converter.class, "org.apache.kafka.connect.storage.SimpleHeaderConverter");
    assert_eq!(
        (config.offset_flush_interval_ms, config.offset_flush_timeout_ms, config.task_shutdown_graceful_timeout_ms),
        (60_000, 5_000, 5_000)
    );
    assert!(config.topic_creation_enable && config.topic_tracking_enable && config.topic_tracking_allow_reset);
    assert_eq!(
        (config.rest.listeners, config.rest.admin),
        ([Listener { host: "".into(), port: 8083, https: false }].into(), AdminListeners::Main)
    );
    assert_eq!((config.embedded, config.override_policy), (Embedded::Auto, OverridePolicy::All));
    assert_eq!(
        (
            config.config_storage_topic.as_str(),
            config.offset_storage_topic.as_str(),
            config.status_storage_topic.as_str()
        ),
        ("connect-configs", "connect-offsets", "connect-status")
    );
    assert_eq!((config.plugin_path.len(), config.grants_files), (0, ["."].map(String::from).into()));
    assert_eq!(
        config.broker,
        [("listeners", "PLAINTEXT://:9092"), ("log.dirs", "./connectd-data")]
            .map(|(key, value)| (key.into(), value.into()))
            .into()
    );
}

#[test]
fn kafkas_own_sample_is_read_without_a_word() {
    let sample =
        "key.converter.schemas.enable=true\nvalue.converter.schemas.enable=false\noffset.flush.interval.ms = 10000 \n";
    let (config, notes) = read(sample).unwrap();
    assert_eq!((notes.len(), config.offset_flush_interval_ms), (0, 10_000));
    assert_eq!(config.value_converter.settings.get("schemas.enable"), Some("false"));
    let distributed = "group.id=connect-cluster\nconfig.storage.topic=c\nconfig.storage.replication.factor=1\noffset.storage.replication.factor=1\nproducer.acks=all\nssl.protocol=x\n";
    let (config, notes) = read(distributed).unwrap();
    assert_eq!((notes.len(), config.config_storage_topic.as_str()), (0, "c"));
}

#[test]
fn what_is_missing_or_wrong_is_said_in_kafkas_words() {
    let empty = WorkerConfig::from_file("w.properties", b"", |raw| Ok(raw.clone())).unwrap_err();
    for key in ["bootstrap.servers", "key.converter", "value.converter", "offset.storage.file.filename"] {
        assert!(
            empty.contains(&format!("Missing required configuration \"{key}\" which has no default value.")),
            "{empty}"
        );
    }
    refused("bootstrap.servers=", "Configuration 'bootstrap.servers' must not be empty.");
    refused("bootstrap.servers=nocolon", "Invalid url in bootstrap.servers: nocolon");
    refused("key.converter=Nope", "Invalid value Nope for configuration key.converter: Class Nope could not be found.");
    refused("value.converter=jsonconverter", "Did you mean JsonConverter?");
    refused("key.converter.schemas.enable=x", "key.converter: Invalid value x for configuration schemas.enable");
    refused(
        "offset.flush.interval.ms=x",
        "Invalid value x for configuration offset.flush.interval.ms: Not a number of type LONG",
    );
    refused(
        "topic.creation.enable=yes",
        "Invalid value yes for configuration topic.creation.enable: Expected value to be either true or false",
    );
    refused("metrics.num.samples=0", "Invalid value 0 for configuration metrics.num.samples: Value must be at least 1");
    refused(
        "plugin.discovery=x",
        "String must be one of (case insensitive): ONLY_SCAN, SERVICE_LOAD, HYBRID_WARN, HYBRID_FAIL",
    );
    refused(
        "metrics.recording.level=trace",
        "Invalid value trace for configuration metrics.recording.level: String must be one of: INFO, DEBUG",
    );
    refused("plugin.path=", "Configuration 'plugin.path' must not be empty.");
    refused("listeners=ftp://x:1", "Invalid value ftp://x:1 for configuration listeners");
    refused(
        "rest.extension.classes=a.B",
        "Invalid value a.B for configuration rest.extension.classes: REST extensions are Java",
    );
    refused("listeners=https://:8443", "https needs a certificate and its key");
    refused("connector.client.config.override.policy=Foo", "All, None, Principal or Allowlist");
    refused("rest.advertised.port=70000", "Value must be no more than 65535");
    refused("broker.embedded=maybe", "String must be one of: auto, always, never");
    refused("a=\\u12", "line 5: ");
}

#[test]
fn what_nobody_reads_is_noted() {
    let notes = |more| read(more).unwrap().1;
    assert_eq!(
        notes("offset.flush.interval=1"),
        ["offset.flush.interval is not a setting of the worker and is ignored; did you mean offset.flush.interval.ms?"]
    );
    assert_eq!(notes("zzz=1"), ["zzz is not a setting of the worker and is ignored"]);
    assert_eq!(
        notes("rest.port=8084"),
        ["rest.port is gone since Kafka 3.0 and is ignored; use listeners=http://host:port"]
    );
    let (config, notes) = read("plugin.path=libs/connect-file-4.3.0.jar, /opt/components").unwrap();
    assert_eq!(notes, ["plugin.path: jar plugins are not loaded; FileStreamSource is built in"]);
    assert_eq!(config.plugin_path, ["/opt/components"]);
}

#[test]
fn the_brokers_keys_lose_their_prefix() {
    let config = config(
        "broker.embedded=always\nbroker.log.dirs= /data \nbroker.log.flush=os\nbroker.num.partitions=3\nbroker.listeners=PLAINTEXT://:9192\n",
    );
    assert_eq!(config.embedded, Embedded::Always);
    let expected =
        [("listeners", "PLAINTEXT://:9192"), ("log.dirs", "/data"), ("log.flush", "os"), ("num.partitions", "3")];
    assert_eq!(config.broker, expected.map(|(key, value)| (key.into(), value.into())).into());
}

#[test]
fn the_broker_listens_where_it_is_looked_for() {
    for (servers, listeners, loopback) in [
        ("localhost:9192", "PLAINTEXT://:9192", true),
        ("127.0.0.1:9092,[::1]:9093", "PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9093", true),
        ("kafka-1:9092", "PLAINTEXT://:9092", false),
    ] {
        let config = config(&format!("bootstrap.servers={servers}"));
        assert_eq!(
            (config.broker["listeners"].as_str(), config.bootstrap_is_loopback()),
            (listeners, loopback),
            "{servers}"
        );
    }
}

#[test]
fn rest() {
    let rest = config("listeners=http://a:1,http://[::1]:2\nadmin.listeners=http://:3\nresponse.http.headers.config=set X-Frame-Options:DENY").rest;
    assert_eq!((rest.listeners.len(), rest.listeners[1].host.as_str()), (2, "::1"));
    assert_eq!(rest.admin, AdminListeners::Separate([Listener { host: "".into(), port: 3, https: false }].into()));
    let value = HeaderText::Text("DENY".into());
    assert_eq!(rest.response_headers, [HeaderRule { adds: false, name: "X-Frame-Options".into(), value }]);
    assert_eq!(config("admin.listeners=").rest.admin, AdminListeners::Off);
    for (more, id) in [
        ("", "127.0.0.1:8083"),
        ("listeners=http://localhost:0", "localhost:8083"),
        ("listeners=http://[::1]:0", "[::1]:8083"),
        ("rest.advertised.host.name=w\nrest.advertised.port=80", "w:80"),
    ] {
        assert_eq!(config(more).worker_id(8083), id, "{more}");
    }
}

#[test]
fn connectors_get_the_workers_converters() {
    let config = config(
        "connector.client.config.override.policy=Allowlist\nconnector.client.config.override.allowlist=acks, linger.ms",
    );
    let defaults = config.defaults();
    assert_eq!(defaults.value_converter, "org.apache.kafka.connect.storage.StringConverter");
    assert_eq!(defaults.override_policy, OverridePolicy::Allowlist(["acks", "linger.ms"].map(String::from).into()));
}

/// What Kafka's `StandaloneConfig` and `RestServerConfig` (4.3) said of a worker file with this line; `OK` if they took it.
const SAID_BY_KAFKA: &str = r#"
bootstrap.servers= => Configuration 'bootstrap.servers' must not be empty.
bootstrap.servers= , => Configuration 'bootstrap.servers' values must not be empty.
client.dns.lookup=x => Invalid value x for configuration client.dns.lookup: String must be one of: use_all_dns_ips, resolve_canonical_bootstrap_servers_only
client.dns.lookup=USE_ALL_DNS_IPS => Invalid value USE_ALL_DNS_IPS for configuration client.dns.lookup: String must be one of: use_all_dns_ips, resolve_canonical_bootstrap_servers_only
key.converter=Nope => Invalid value Nope for configuration key.converter: Class Nope could not be found.
key.converter= => Invalid value  for configuration key.converter: Class  could not be found.
header.converter=Nope => Invalid value Nope for configuration header.converter: Class Nope could not be found.
task.shutdown.graceful.timeout.ms=x => Invalid value x for configuration task.shutdown.graceful.timeout.ms: Not a number of type LONG
task.shutdown.graceful.timeout.ms= => Invalid value  for configuration task.shutdown.graceful.timeout.ms: Not a number of type LONG
task.shutdown.graceful.timeout.ms=-1 => OK
offset.flush.interval.ms=x => Invalid value x for configuration offset.flush.interval.ms: Not a number of type LONG
offset.flush.interval.ms=1.5 => Invalid value 1.5 for configuration offset.flush.interval.ms: Not a number of type LONG
offset.flush.interval.ms=99999999999999999999 => Invalid value 99999999999999999999 for configuration offset.flush.interval.ms: Not a number of type LONG
offset.flush.timeout.ms=x => Invalid value x for configuration offset.flush.timeout.ms: Not a number of type LONG
offset.flush.timeout.ms=-1 => OK
plugin.path= => Configuration 'plugin.path' must not be empty.
plugin.path=a,,b => Configuration 'plugin.path' values must not be empty.
plugin.path=a,a => OK
plugin.discovery=ONLY_SCAN => OK
plugin.discovery=x => Invalid value x for configuration plugin.discovery: String must be one of (case insensitive): ONLY_SCAN, SERVICE_LOAD, HYBRID_WARN, HYBRID_FAIL
metrics.sample.window.ms=-1 => Invalid value -1 for configuration metrics.sample.window.ms: Value must be at least 0
metrics.sample.window.ms=x => Invalid value x for configuration metrics.sample.window.ms: Not a number of type LONG
metrics.num.samples=0 => Invalid value 0 for configuration metrics.num.samples: Value must be at least 1
metrics.num.samples=x => Invalid value x for configuration metrics.num.samples: Not a number of type INT
metrics.recording.level=debug => Invalid value debug for configuration metrics.recording.level: String must be one of: INFO, DEBUG
metrics.recording.level=TRACE => Invalid value TRACE for configuration metrics.recording.level: String must be one of: INFO, DEBUG
metric.reporters=Nope => OK
connector.client.config.override.allowlist=a,,b => OK
topic.creation.enable=x => Invalid value x for configuration topic.creation.enable: Expected value to be either true or false
topic.creation.enable=TRUE => OK
topic.tracking.enable=1 => Invalid value 1 for configuration topic.tracking.enable: Expected value to be either true or false
topic.tracking.allow.reset=yes => Invalid value yes for configuration topic.tracking.allow.reset: Expected value to be either true or false
listeners= => Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.
listeners=localhost:8083 => Listener doesn't have the right format (protocol://hostname:port).
listeners=ftp://localhost:0 => Listener protocol must be either "http" or "https".
listeners=http://localhost => Listener doesn't have the right format (protocol://hostname:port).
listeners=http://:0,http://:0 => OK
listeners=http://localhost:0, , => Empty URL found when parsing listeners list.
listeners=HTTP://localhost:0 => OK
admin.listeners= => OK
admin.listeners=ftp://x:1 => Listener protocol must be either "http" or "https".
admin.listeners=localhost => Listener doesn't have the right format (protocol://hostname:port).
admin.listeners=http://localhost:0,, => Configuration 'admin.listeners' values must not be empty.
rest.advertised.port=x => Invalid value x for configuration rest.advertised.port: Not a number of type INT
rest.advertised.host.name= => OK
access.control.allow.methods=x => OK
response.http.headers.config=x => Invalid format of header config 'x'. Expected: '[action] [header name]:[header value]'
response.http.headers.config=set X => Invalid format of header name and header value pair 'X'. Expected: '[header name]:[header value]'
response.http.headers.config=set X-A:b,delete X-B:c => Invalid header config action: 'delete'. Expected one of [set, add, setDate, addDate]
response.http.headers.config=set X-A: b, add X-B: c => OK
response.http.headers.config=setDate Expires: 31540000000, ADDDATE Date:-1 => OK
response.http.headers.config=setDate Expires: soon => Invalid value 'soon' of the header Expires: setdate takes the milliseconds to add to the date of the answer
response.http.headers.config=set :b => Invalid header name ''. The '[header name]' cannot contain whitespace
response.http.headers.config=set X A:b => Invalid header name 'X A'. The '[header name]' cannot contain whitespace
ssl.client.auth=x => Invalid value x for configuration ssl.client.auth: String must be one of: required, requested, none
ssl.client.auth=REQUIRED => Invalid value REQUIRED for configuration ssl.client.auth: String must be one of: required, requested, none
security.protocol=x => OK
"#;

#[test]
fn each_line_is_taken_or_refused_as_kafka_did() {
    for row in SAID_BY_KAFKA.lines().filter(|row| !row.is_empty()) {
        let (line, said) = row.split_once(" => ").unwrap();
        match (read(line), said) {
            (Ok(_), "OK") => {}
            (Err(why), said) if said != "OK" => assert!(why.contains(said), "{line}: {why}"),
            (outcome, said) => panic!("{line}: Kafka said {said}, ours {:?}", outcome.map(|(_, notes)| notes)),
        }
    }
}
