//! The dead letter queue: each record that fails is there once, also over a crash.

use super::*;
use crate::config::settings::DeadLetterQueue;

fn queue(tolerate: bool) -> Settings {
    let integer = Converter::new("Integer", &ConfigMap::new()).unwrap();
    Settings {
        converters: Converters { value: integer, ..text() },
        errors: Policy { tolerate, log: true, log_messages: false },
        dead_letters: Some(DeadLetterQueue { topic: "dead".into(), replication_factor: 1, context_headers: true }),
        ..settings()
    }
}

/// A topic with these values, and a task that takes four bytes as a number.
fn world(values: &[&str], settings: Settings) -> World {
    let mut cluster = Cluster::new(&[("t", 1)]);
    cluster.fill("t", values.iter().map(|value| (*value).to_string()));
    World::over(cluster, File::default(), settings)
}

#[test]
fn a_tolerated_record_goes_with_the_commit() {
    let mut world = world(&["\0\0\0\u{1}", "bad", "\0\0\0\u{2}"], queue(true));
    world.settle();
    assert_eq!((world.cluster.log("dead", 0), world.committed()), (vec!["bad".to_string()], 2));
    assert_eq!(world.cluster.topics["dead"], 1, "created");
    let log = world.take_log();
    assert!(log.contains("Error(\"Error encountered in task c-0. Executing stage 'VALUE_CONVERTER' with class 'org.apache.kafka.connect.converters.IntegerConverter'"), "{log}");
    assert!(log.contains("Counted(DeadLetters(1)), Counted(Failed { records: 1, tolerated: true })"), "{log}");
    world.wait_for("append");
    assert_eq!((world.cluster.log("dead", 0).len(), world.committed()), (1, 3), "and only once");
}

#[test]
fn a_fetch_of_bad_records_only_is_not_put() {
    let mut world = world(&["bad", "worse"], queue(true));
    world.settle();
    assert_eq!(world.cluster.log("dead", 0), ["bad", "worse"]);
    assert!(!world.take_log().contains("put"));
    assert_eq!(world.committed(), 2);
}

#[test]
fn a_record_that_fails_the_task_is_written_before() {
    let mut world = world(&["\0\0\0\u{1}", "bad", "worse"], queue(false));
    world.settle();
    assert!(
        matches!(&world.ended, Some(Ended::Failed { trace }) if trace.contains("Tolerance exceeded in error handler"))
    );
    assert_eq!((world.cluster.log("dead", 0), world.committed()), (vec!["bad".to_string()], -1));
}

#[test]
fn a_record_that_the_connector_reports_is_written() {
    let failure = ConnectorError {
        class: ErrorClass::BadData,
        code: "x".into(),
        message: "bad line".into(),
        retry_after_ms: None,
        attrs: Vec::new(),
    };
    let mut world = world(&["a", "b"], Settings { converters: text(), ..queue(true) });
    while !matches!(world.call, Some(Call::Put(_))) {
        assert!(world.step());
    }
    world.effects = vec![Effect::Errant(1, failure)];
    world.settle();
    assert_eq!((world.cluster.log("dead", 0), world.committed()), (vec!["b".to_string()], 2));
    assert!(world.take_log().contains("Counted(Reported { records: 1, tolerated: true })"));
}

#[test]
fn a_queue_that_cannot_be_made_fails_the_task_at_its_start() {
    let mut settings = queue(true);
    settings.dead_letters.as_mut().unwrap().replication_factor = 3;
    let mut world = world(&["bad"], settings);
    world.settle();
    assert!(
        matches!(&world.ended, Some(Ended::Failed { trace }) if trace.contains("Could not initialize dead letter queue"))
    );
}

#[test]
fn letters_that_cannot_be_written_are_counted() {
    let mut world = world(&["bad"], queue(true));
    world.cluster.refuse = vec![Error::MessageTooLarge];
    world.settle();
    assert!(matches!(&world.ended, Some(Ended::Failed { .. })), "{:?}", world.log);
    assert!(world.take_log().contains("Counted(DeadLettersLost(1))"));
}
