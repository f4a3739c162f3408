//! Connectors that ask too often and keep too much: the machine's own memory and pace stay as they are.

use super::*;

impl World {
    /// The poll that is out is answered so.
    #[track_caller]
    fn polled(&mut self, outcome: Result<Polled, CallError>, state: &[(&str, &str)]) {
        assert!(matches!(self.call.take(), Some(Call::Poll { .. })));
        let state = state.iter().map(|(key, value)| ((*key).into(), Some(Bytes::from((*value).to_string())))).collect();
        self.input(Input::Polled { outcome, state, wall: 7 });
    }

    fn next_poll(&mut self) {
        while !matches!(self.call, Some(Call::Poll { .. })) {
            if !(self.answer() || self.finish_call()) {
                self.now = self.machine.poll_timeout().expect("it waits for something");
                self.input(Input::Tick);
            }
        }
    }
}

#[test]
fn who_has_nothing_is_not_asked_again_at_once() {
    let empty = || Ok(Polled::Records(SourceBatch::default()));
    let at_once = ConnectorError {
        class: ErrorClass::Retriable,
        code: "x".into(),
        message: "now".into(),
        retry_after_ms: Some(0),
        attrs: Vec::new(),
    };
    for (outcome, wait) in [
        (Ok(Polled::Idle(0)), 10),
        (empty(), 10),
        (Err(CallError::Connector(at_once)), 100),
        (Ok(Polled::Idle(70)), 70),
    ] {
        let mut world = World::new(0);
        world.next_poll();
        world.polled(outcome, &[]);
        assert_eq!((world.call.is_none(), world.machine.poll_timeout()), (true, Some(Now(wait))));
    }
}

#[test]
fn state_without_records_is_kept_once_per_key() {
    let mut world = World::new(1);
    for round in 0..1_000 {
        world.next_poll();
        world.polled(Ok(Polled::Idle(1)), &[("where", &round.to_string()), ("other", "x")]);
    }
    assert_eq!(world.machine.unsaved.len(), 2);
    world.next_poll();
    world.settle();
    let kept: Vec<_> = world.cluster.state.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    assert_eq!(kept, [("end", "1".into()), ("other", "x".into()), ("where", "999".into())]);
}

#[test]
fn an_offset_that_cannot_be_read_back_is_not_written() {
    let field = |n: usize| (n.to_string(), Scalar::Null);
    for (offset, why) in [
        ((0..1001).map(field).collect::<ScalarMap>(), "1001 fields, more than 1000"),
        (vec![field(1), field(2), field(1)], "the field 1 twice"),
    ] {
        let mut world = World::new(0);
        world.next_poll();
        let records = Batch { count: 1, topics: vec!["t".into()], ..Batch::default() };
        let checkpoints = vec![Checkpoint { after: 0, partition: 0, offset }];
        let batch = SourceBatch { records, partitions: vec![partition()], checkpoints, txn: Vec::new() };
        world.polled(Ok(Polled::Records(batch)), &[]);
        world.settle();
        assert!(matches!(&world.ended, Some(Ended::Failed { trace }) if trace.contains(why)), "{:?}", world.ended);
        assert!(world.cluster.table.is_empty() && world.cluster.log("t", 0).is_empty());
    }
}
