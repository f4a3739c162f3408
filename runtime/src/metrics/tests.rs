//! Every name of Kafka's, and what moves it.

use std::time::Duration;

use runtime_core::{
    convert::{Converter, HeaderConverter},
    rest::{ConnectorState, ConnectorType, TaskState},
    task::Count,
    transform::Converters,
};

use super::*;

/// A worker with a source `s` and a sink `d`, each of one task that has done a little of everything.
fn busy() -> (Arc<Metrics>, [Metered; 2]) {
    let file = "bootstrap.servers=x:1\nkey.converter=StringConverter\nvalue.converter=StringConverter\noffset.storage.file.filename=x";
    let config = WorkerConfig::from_file("w", file.as_bytes(), |raw| Ok(raw.clone())).unwrap().0;
    let metrics = Metrics::new(&config);
    let task = |connector: &str| TaskId { connector: connector.into(), task: 0 };
    let (source, sink) = (metrics.task(&task("s"), Direction::Source), metrics.task(&task("d"), Direction::Sink));
    metrics.connector("s", "x.FileStreamSourceConnector");
    let text = || Converter::Text;
    let converters = Converters { key: text(), value: text(), header: HeaderConverter::Simple };
    let config = [
        ("transforms", "r"),
        ("transforms.r.type", "RegexRouter"),
        ("predicates", "p"),
        ("predicates.p.type", "RecordIsTombstone"),
    ];
    let config = config.into_iter().collect();
    source.describe(facts(&config, ("x.FileStreamSourceConnector", "7"), Direction::Source, &converters, "4.3.0"));
    source.is(false);
    source.taken(5, Some(Duration::from_millis(3)));
    source.written(3, 1);
    sink.is(true);
    sink.partitions(2, 0);
    sink.taken(6, None);
    sink.put(4, Duration::from_millis(8));
    sink.committed(true, Duration::from_millis(2));
    sink.committed(false, Duration::from_millis(4));
    sink.counted(Count::CommitSkipped);
    sink.counted(Count::Failed { records: 1, tolerated: true });
    sink.counted(Count::DeadLetters(1));
    sink.counted(Count::DeadLettersLost(1));
    sink.counted(Count::Retried);
    sink.logged();
    (metrics, [source, sink])
}

fn text(metrics: &Metrics) -> String {
    let status = |name: &str, kind, state: &str| ConnectorStatus {
        name: name.into(),
        connector: ConnectorState {
            state: "RUNNING".into(),
            worker_id: "w:1".into(),
            version: Some("7".into()),
            trace: None,
        },
        tasks: vec![TaskState { id: 0, state: state.into(), worker_id: "w:1".into(), version: None, trace: None }],
        kind,
    };
    let info = ServerInfo { version: "v".into(), commit: "c".into(), kafka_cluster_id: "k".into() };
    metrics.text(&info, &[status("s", ConnectorType::Source, "RUNNING"), status("d", ConnectorType::Sink, "PAUSED")])
}

/// Metric without `kafka_connect_`, labels as they are shown, and its value.
const MOVED: &[(&str, &str, f64)] = &[
    ("app_info_version", "{version=\"v\"}", 1.0),
    ("app_info_commit_id", "{commit_id=\"c\"}", 1.0),
    ("worker_connector_count", "", 2.0),
    ("worker_task_count", "", 2.0),
    ("worker_connector_total_task_count", "{connector=\"s\"}", 1.0),
    ("worker_connector_running_task_count", "{connector=\"s\"}", 1.0),
    ("worker_connector_paused_task_count", "{connector=\"d\"}", 1.0),
    ("worker_connector_failed_task_count", "{connector=\"d\"}", 0.0),
    ("worker_connector_unassigned_task_count", "{connector=\"d\"}", 0.0),
    ("worker_connector_destroyed_task_count", "{connector=\"d\"}", 0.0),
    ("worker_connector_restarting_task_count", "{connector=\"d\"}", 0.0),
    ("connector_status", "{connector=\"s\",status=\"running\"}", 1.0),
    ("connector_connector_class", "{connector=\"s\",connector_class=\"x.FileStreamSourceConnector\"}", 1.0),
    ("connector_connector_class", "{connector=\"d\",connector_class=\"unknown\"}", 1.0),
    ("connector_connector_type", "{connector=\"d\",connector_type=\"sink\"}", 1.0),
    ("connector_connector_version", "{connector=\"s\",connector_version=\"7\"}", 1.0),
    ("connector_task_status", "{connector=\"d\",task=\"0\",status=\"paused\"}", 1.0),
    ("connector_task_running_ratio", SOURCE, 1.0),
    ("connector_task_pause_ratio", SINK, 1.0),
    ("connector_task_batch_size_max", SOURCE, 5.0),
    ("connector_task_batch_size_avg", SINK, 4.0),
    ("connector_task_offset_commit_max_time_ms", SINK, 4.0),
    ("connector_task_offset_commit_avg_time_ms", SINK, 3.0),
    ("connector_task_offset_commit_success_percentage", SINK, 0.5),
    ("connector_task_offset_commit_failure_percentage", SINK, 0.5),
    (
        "connector_task_connector_class",
        "{connector=\"s\",task=\"0\",connector_class=\"x.FileStreamSourceConnector\"}",
        1.0,
    ),
    ("connector_task_connector_type", "{connector=\"s\",task=\"0\",connector_type=\"source\"}", 1.0),
    ("connector_task_connector_version", "{connector=\"s\",task=\"0\",connector_version=\"7\"}", 1.0),
    ("connector_task_task_class", "{connector=\"s\",task=\"0\",task_class=\"x.FileStreamSourceTask\"}", 1.0),
    ("connector_task_task_version", "{connector=\"s\",task=\"0\",task_version=\"7\"}", 1.0),
    (
        "connector_task_key_converter_class",
        "{connector=\"s\",task=\"0\",key_converter_class=\"org.apache.kafka.connect.storage.StringConverter\"}",
        1.0,
    ),
    ("connector_task_key_converter_version", "{connector=\"s\",task=\"0\",key_converter_version=\"4.3.0\"}", 1.0),
    (
        "connector_task_value_converter_class",
        "{connector=\"s\",task=\"0\",value_converter_class=\"org.apache.kafka.connect.storage.StringConverter\"}",
        1.0,
    ),
    ("connector_task_header_converter_version", "{connector=\"s\",task=\"0\",header_converter_version=\"4.3.0\"}", 1.0),
    ("connector_task_value_converter_version", "{connector=\"s\",task=\"0\",value_converter_version=\"4.3.0\"}", 1.0),
    (
        "connector_task_header_converter_class",
        "{connector=\"s\",task=\"0\",header_converter_class=\"org.apache.kafka.connect.storage.SimpleHeaderConverter\"}",
        1.0,
    ),
    (
        "connector_transform_transform_class",
        "{connector=\"s\",task=\"0\",transform=\"r\",transform_class=\"org.apache.kafka.connect.transforms.RegexRouter\"}",
        1.0,
    ),
    (
        "connector_transform_transform_version",
        "{connector=\"s\",task=\"0\",transform=\"r\",transform_version=\"4.3.0\"}",
        1.0,
    ),
    (
        "connector_predicate_predicate_class",
        "{connector=\"s\",task=\"0\",predicate=\"p\",predicate_class=\"org.apache.kafka.connect.transforms.predicates.RecordIsTombstone\"}",
        1.0,
    ),
    (
        "connector_predicate_predicate_version",
        "{connector=\"s\",task=\"0\",predicate=\"p\",predicate_version=\"4.3.0\"}",
        1.0,
    ),
    ("source_task_source_record_poll_total", SOURCE, 5.0),
    ("source_task_source_record_write_total", SOURCE, 3.0),
    ("source_task_source_record_active_count", SOURCE, 1.0),
    ("source_task_source_record_active_count_max", SOURCE, 5.0),
    ("source_task_source_record_active_count_avg", SOURCE, 3.0),
    ("source_task_poll_batch_max_time_ms", SOURCE, 3.0),
    ("source_task_poll_batch_avg_time_ms", SOURCE, 3.0),
    ("sink_task_sink_record_read_total", SINK, 6.0),
    ("sink_task_sink_record_send_total", SINK, 4.0),
    ("sink_task_sink_record_active_count", SINK, 1.0),
    ("sink_task_sink_record_active_count_max", SINK, 6.0),
    ("sink_task_partition_count", SINK, 2.0),
    ("sink_task_offset_commit_seq_no", SINK, 1.0),
    ("sink_task_offset_commit_completion_total", SINK, 1.0),
    ("sink_task_offset_commit_skip_total", SINK, 1.0),
    ("sink_task_put_batch_max_time_ms", SINK, 8.0),
    ("sink_task_put_batch_avg_time_ms", SINK, 8.0),
    ("task_error_total_record_failures", SINK, 1.0),
    ("task_error_total_record_errors", SINK, 1.0),
    ("task_error_total_records_skipped", SINK, 1.0),
    ("task_error_total_retries", SINK, 1.0),
    ("task_error_total_errors_logged", SINK, 1.0),
    ("task_error_deadletterqueue_produce_requests", SINK, 1.0),
    ("task_error_deadletterqueue_produce_failures", SINK, 1.0),
    ("task_error_total_record_errors", SOURCE, 0.0),
];
const SOURCE: &str = "{connector=\"s\",task=\"0\"}";
const SINK: &str = "{connector=\"d\",task=\"0\"}";

/// Those whose value is a matter of time: above 0.
const ABOVE_0: &[(&str, &str)] = &[
    ("app_info_start_time_ms", ""),
    ("source_task_source_record_poll_rate", SOURCE),
    ("source_task_source_record_write_rate", SOURCE),
    ("sink_task_sink_record_read_rate", SINK),
    ("sink_task_sink_record_send_rate", SINK),
    ("sink_task_sink_record_active_count_avg", SINK),
    ("sink_task_offset_commit_completion_rate", SINK),
    ("sink_task_offset_commit_skip_rate", SINK),
    ("task_error_last_error_timestamp", SINK),
];

#[test]
fn every_name_of_kafkas_is_there_and_moves() {
    let (metrics, _tasks) = busy();
    let text = text(&metrics);
    let value = |name: &str, labels: &str| -> f64 {
        let head = format!("kafka_connect_{name}{labels} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&head));
        line.unwrap_or_else(|| panic!("{head} is not in\n{text}")).parse().unwrap()
    };
    for (name, labels, expected) in MOVED {
        assert_eq!(value(name, labels), *expected, "{name}{labels}");
    }
    for (name, labels) in ABOVE_0 {
        assert!(value(name, labels) > 0.0, "{name}{labels}");
    }
}

#[test]
fn starts_are_counted_for_connectors_and_tasks() {
    let (metrics, _tasks) = busy();
    for kind in [Kind::Connector, Kind::Task] {
        let mut startups = metrics.startups();
        (1..=4).for_each(|run| startups.begun(kind, runtime_core::herder::Run(run)));
        (1..=4).for_each(|run| startups.ended(kind, runtime_core::herder::Run(run), run > 1));
    }
    let text = text(&metrics);
    for kind in ["connector", "task"] {
        for (name, value) in [
            ("attempts_total", "4"),
            ("success_total", "3"),
            ("failure_total", "1"),
            ("success_percentage", "0.75"),
            ("failure_percentage", "0.25"),
        ] {
            let line = format!("kafka_connect_worker_{kind}_startup_{name} {value}\n");
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }
}
