//! Which metric shows which number: Kafka's attributes, group by group (contract 9.1).

use runtime_core::{
    herder::Direction,
    rest::{ConnectorStatus, ConnectorType, ServerInfo, TaskState},
};

use super::{Kind, Metrics, TaskMeter, exposition::Exposition, task::Numbers};

/// States that have a count of their own.
const STATES: [&str; 6] = ["running", "paused", "failed", "unassigned", "destroyed", "restarting"];

pub(super) fn text(metrics: &Metrics, info: &ServerInfo, connectors: &[ConnectorStatus]) -> String {
    let mut to = Exposition::default();
    to.add("kafka_connect_app_info_version", &[("version", &info.version)], 1.0);
    to.add("kafka_connect_app_info_commit_id", &[("commit_id", &info.commit)], 1.0);
    to.add("kafka_connect_app_info_start_time_ms", &[], metrics.began_ms as f64);
    worker(&mut to, metrics, connectors);
    for connector in connectors {
        of_connector(&mut to, connector, metrics.classes().get(&connector.name).map_or("unknown", String::as_str));
    }
    for (task, meter) in metrics.tasks().iter() {
        let number = task.task.to_string();
        let labels = [("connector", task.connector.as_str()), ("task", number.as_str())];
        of_task(&mut to, &labels, meter);
    }
    to.text()
}

fn worker(to: &mut Exposition, metrics: &Metrics, connectors: &[ConnectorStatus]) {
    let tasks: usize = connectors.iter().map(|connector| connector.tasks.len()).sum();
    to.add("kafka_connect_worker_connector_count", &[], connectors.len() as f64);
    to.add("kafka_connect_worker_task_count", &[], tasks as f64);
    for kind in [Kind::Connector, Kind::Task] {
        let counts = metrics.startups().of(kind);
        let done = (counts.succeeded + counts.failed).max(1) as f64;
        for (name, value) in [
            ("attempts-total", counts.attempts as f64),
            ("success-total", counts.succeeded as f64),
            ("failure-total", counts.failed as f64),
            ("success-percentage", counts.succeeded as f64 / done),
            ("failure-percentage", counts.failed as f64 / done),
        ] {
            to.add(&format!("kafka_connect_worker_{}_startup_{name}", kind.name()), &[], value);
        }
    }
}

fn of_connector(to: &mut Exposition, connector: &ConnectorStatus, class: &str) {
    let name = ("connector", connector.name.as_str());
    let version = connector.connector.version.as_deref().unwrap_or("unknown");
    let kind = match connector.kind {
        ConnectorType::Unknown => "unknown",
        kind => kind.as_str(),
    };
    let state = connector.connector.state.to_ascii_lowercase();
    to.add("kafka_connect_connector_status", &[name, ("status", &state)], 1.0);
    to.add("kafka_connect_connector_connector_class", &[name, ("connector_class", class)], 1.0);
    to.add("kafka_connect_connector_connector_type", &[name, ("connector_type", kind)], 1.0);
    to.add("kafka_connect_connector_connector_version", &[name, ("connector_version", version)], 1.0);
    let state_of = |task: &TaskState| task.state.to_ascii_lowercase();
    for task in &connector.tasks {
        let (number, state) = (task.id.to_string(), state_of(task));
        to.add("kafka_connect_connector_task_status", &[name, ("task", &number), ("status", &state)], 1.0);
    }
    to.add("kafka_connect_worker_connector_total_task_count", &[name], connector.tasks.len() as f64);
    for state in STATES {
        let count = connector.tasks.iter().filter(|task| state_of(task) == state).count();
        to.add(&format!("kafka_connect_worker_connector_{state}_task_count"), &[name], count as f64);
    }
}

fn of_task(to: &mut Exposition, labels: &[(&str, &str)], meter: &TaskMeter) {
    for fact in meter.facts() {
        let key = fact.attribute.replace('-', "_");
        let alias = fact.alias.as_ref().map(|(name, alias)| (*name, alias.as_str()));
        let all: Vec<_> = labels.iter().copied().chain(alias).chain([(key.as_str(), fact.value.as_str())]).collect();
        to.add(&format!("kafka_connect_{}_{}", fact.group, fact.attribute), &all, 1.0);
    }
    meter.show(|numbers, now| {
        let mut add = |group: &str, values: &[(&str, f64)]| {
            for (name, value) in values {
                to.add(&format!("kafka_connect_{group}_{name}"), labels, *value);
            }
        };
        let (running, paused) = numbers.ratios();
        let succeeded = numbers.commit_success.avg(now);
        add(
            "connector_task",
            &[
                ("running-ratio", running),
                ("pause-ratio", paused),
                ("batch-size-avg", numbers.batch.avg(now)),
                ("batch-size-max", numbers.batch.max(now)),
                ("offset-commit-avg-time-ms", numbers.commit_ms.avg(now)),
                ("offset-commit-max-time-ms", numbers.commit_ms.max(now)),
                ("offset-commit-success-percentage", succeeded),
                ("offset-commit-failure-percentage", 1.0 - succeeded),
            ],
        );
        match meter.direction() {
            Direction::Source => add("source_task", &source(numbers, now)),
            Direction::Sink => add("sink_task", &sink(numbers, now)),
        }
        add("task_error", &numbers.errors.rows());
    });
}

fn source(numbers: &Numbers, now: u64) -> [(&'static str, f64); 9] {
    [
        ("source-record-poll-total", numbers.taken.total as f64),
        ("source-record-poll-rate", numbers.taken.window.rate(now)),
        ("source-record-write-total", numbers.given.total as f64),
        ("source-record-write-rate", numbers.given.window.rate(now)),
        ("poll-batch-avg-time-ms", numbers.call_ms.avg(now)),
        ("poll-batch-max-time-ms", numbers.call_ms.max(now)),
        ("source-record-active-count", numbers.active_now as f64),
        ("source-record-active-count-avg", numbers.active.avg(now)),
        ("source-record-active-count-max", numbers.active.max(now)),
    ]
}

fn sink(numbers: &Numbers, now: u64) -> [(&'static str, f64); 15] {
    [
        ("sink-record-read-total", numbers.taken.total as f64),
        ("sink-record-read-rate", numbers.taken.window.rate(now)),
        ("sink-record-send-total", numbers.given.total as f64),
        ("sink-record-send-rate", numbers.given.window.rate(now)),
        ("put-batch-avg-time-ms", numbers.call_ms.avg(now)),
        ("put-batch-max-time-ms", numbers.call_ms.max(now)),
        ("sink-record-active-count", numbers.active_now as f64),
        ("sink-record-active-count-avg", numbers.active.avg(now)),
        ("sink-record-active-count-max", numbers.active.max(now)),
        ("partition-count", numbers.partitions as f64),
        ("offset-commit-seq-no", numbers.commits.total as f64),
        ("offset-commit-completion-total", numbers.commits.total as f64),
        ("offset-commit-completion-rate", numbers.commits.window.rate(now)),
        ("offset-commit-skip-total", numbers.commits_skipped.total as f64),
        ("offset-commit-skip-rate", numbers.commits_skipped.window.rate(now)),
    ]
}
