//! Requests, failures and steps of the edge in any order: in the end what runs is what is wanted.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Move {
    Ask(Operation),
    Step(usize),
    FailTask(usize),
    FailConnector(usize),
    Writes(bool),
    Kill,
}

fn any_move() -> impl Strategy<Value = Move> {
    let name = prop_oneof![Just("a"), Just("b")];
    let operation = (name, 0..10u32, any::<bool>(), any::<bool>()).prop_map(|(name, kind, one, two)| match kind {
        0 | 1 => put(name, if one { SOURCE } else { "connector.class=Sink topics=t v=2" }, Origin::Rest),
        2 => put(name, "connector.class=Source fails=1", Origin::File),
        3 => Operation::Delete(name.into()),
        4 => target(name, TargetState::Paused),
        5 => target(name, TargetState::Started),
        6 => target(name, TargetState::Stopped),
        7 => restart(name, one, two),
        8 => Operation::RestartTask(TaskId { connector: name.into(), task: one as u32 }),
        _ => Operation::Patch { connector: name.into(), patch: vec![("v".into(), one.then(|| "3".into()))] },
    });
    prop_oneof![
        4 => operation.prop_map(Move::Ask),
        8 => (0..4usize).prop_map(Move::Step),
        1 => any::<usize>().prop_map(Move::FailTask),
        1 => any::<usize>().prop_map(Move::FailConnector),
        1 => any::<bool>().prop_map(Move::Writes),
        1 => Just(Move::Kill),
    ]
}

proptest! {
    /// `World::execute` asserts on the way that nothing ever runs twice.
    #[test]
    fn any_sequence_ends_with_every_wanted_task_owned_once(moves in prop::collection::vec(any_move(), 0..80)) {
        let mut world = World::new();
        for step in moves {
            match step {
                Move::Ask(operation) => drop(world.ask(operation)),
                Move::Step(pick) => drop(world.step(pick)),
                Move::Writes(fail) => world.writes_fail = fail,
                Move::Kill => world = World::with(world.table, &[]),
                Move::FailTask(pick) => {
                    let Some((task, run)) = pick_key(&world.tasks, pick) else { continue };
                    world.tasks.remove(&(task.clone(), run));
                    world.input(Input::TaskFailed { task, run, trace: "trap".into() });
                }
                Move::FailConnector(pick) => {
                    let Some((connector, run)) = pick_key(&world.connectors, pick) else { continue };
                    world.connectors.remove(&(connector.clone(), run));
                    world.input(Input::ConnectorFailed { connector, run, trace: "raised".into() });
                }
            }
        }
        world.writes_fail = false;
        world.settle();
        world.now = world.now.plus(RETRY_MS);
        world.input(Input::Tick);
        world.settle();
        prop_assert_eq!(world.replies.len() as u64, world.next_request, "every request is answered");
        for name in world.herder.names() {
            let status = world.herder.status(&name).unwrap();
            for task in world.herder.tasks(&name).unwrap() {
                let state = &status.tasks[task.id.task as usize].state;
                let runs = world.tasks.iter().filter(|((id, _), _)| *id == task.id).collect::<Vec<_>>();
                match runs.as_slice() {
                    [(_, run)] => {
                        prop_assert_eq!(&run.config, &task.config);
                        prop_assert!(state == "RUNNING" || state == "PAUSED", "{}", state);
                    }
                    [] => prop_assert_eq!(state, "FAILED"),
                    _ => prop_assert!(false, "owned twice"),
                }
            }
            let shown = &status.connector.state;
            let instances = world.connectors.keys().filter(|(of, _)| *of == name).count();
            prop_assert_eq!(instances == 1, shown == "RUNNING", "{}", shown);
        }
        let wanted: usize = world.herder.names().iter().map(|name| world.herder.tasks(name).unwrap().len()).sum();
        prop_assert!(world.tasks.len() <= wanted, "a task runs that nobody wants");
        // A worker that starts from the records alone comes to the same wants.
        let again = World::with(world.table.clone(), &[]);
        for name in again.herder.names() {
            prop_assert_eq!(again.herder.info(&name), world.herder.info(&name));
        }
    }
}

fn pick_key<K: Clone + Ord, V>(map: &BTreeMap<K, V>, pick: usize) -> Option<K> {
    (!map.is_empty()).then(|| map.keys().nth(pick % map.len()).cloned()).flatten()
}
