use super::*;
use Error::*;

const ID: &str = "my-id";

fn asked(current: (i64, i16)) -> InitProducerId {
    InitProducerId { transactional_id: Some(ID.into()), timeout_ms: 1_000, current }
}

fn producer(producer_id: i64, epoch: i16) -> TransactionalProducer {
    TransactionalProducer { transactional_id: ID.into(), producer_id, epoch }
}

/// Producer 4 at epoch 2, whose owner had asked for it as `previous`.
fn in_state(state: State, previous: (i64, i16)) -> Transactions {
    let open = state == State::Ongoing;
    let partitions = if open { [("t".to_string(), 0)].into() } else { BTreeSet::new() };
    let started = if open { 50 } else { -1 };
    let transaction =
        Transaction { producer_id: 4, epoch: 2, previous, timeout_ms: 1_000, state, partitions, started, updated: 50 };
    let mut transactions = Transactions::new(TransactionSettings::default());
    transactions.replay(Now(10), ID, Some(transaction));
    transactions
}

/// What becomes of the id: the epoch of an abort, and producer id and epoch of the next owner.
fn init(transactions: &Transactions, current: (i64, i16)) -> Result<(Option<i16>, i64, i16), Error> {
    let Initialised { abort, next } = transactions.decide_init(Wall(60), ID, &asked(current))?;
    Ok((abort.map(|abort| abort.epoch), next.producer_id, next.epoch))
}

#[test]
fn who_starts_with_a_transactional_id_fences_who_had_it() {
    let none = (-1, -1);
    let check = |what: &str, transactions: Transactions, current, expected| {
        assert_eq!(init(&transactions, current), expected, "{what}");
    };
    check("new", Transactions::new(TransactionSettings::default()), none, Ok((None, -1, 0)));
    for state in [State::Empty, State::CompleteAbort, State::CompleteCommit] {
        check("idle", in_state(state, none), none, Ok((None, 4, 3)));
    }
    check("open", in_state(State::Ongoing, none), none, Ok((Some(3), 4, 4)));
    check("its owner bumps it", in_state(State::Empty, none), (4, 2), Ok((None, 4, 3)));
    check("its owner asks again", in_state(State::Empty, (4, 1)), (4, 1), Ok((None, 4, 2)));
    check("somebody older asks", in_state(State::Empty, none), (4, 1), Err(ProducerFenced));
    check("somebody else asks", in_state(State::Empty, none), (3, 2), Err(ProducerFenced));
    check("an old request comes late", in_state(State::Ongoing, (4, 1)), (4, 1), Err(ProducerFenced));
    check("half an identity", in_state(State::Empty, none), (4, -1), Err(InvalidRequest));
}

#[test]
fn used_up_epochs_lead_to_a_new_producer_id() {
    let mut transactions = in_state(State::Empty, (-1, -1));
    let last = Transaction { epoch: LAST_EPOCH, ..transactions.get(ID).unwrap().clone() };
    transactions.replay(Now(0), ID, Some(last.clone()));
    assert_eq!(init(&transactions, (-1, -1)), Ok((None, -1, 0)));
    assert_eq!(init(&transactions, (4, LAST_EPOCH)), Ok((None, -1, 0)));
    let open = Transaction { epoch: LAST_EPOCH - 1, state: State::Ongoing, ..last };
    transactions.replay(Now(0), ID, Some(open));
    assert_eq!(init(&transactions, (-1, -1)), Ok((Some(LAST_EPOCH), -1, 0)), "the abort has the last epoch");
}

#[test]
fn timeouts_and_names_are_checked() {
    let transactions = Transactions::new(TransactionSettings { max_timeout_ms: 5_000, ..Default::default() });
    let check = |id: &str, timeout_ms, expected| {
        let asked = InitProducerId { timeout_ms, ..asked((-1, -1)) };
        assert_eq!(transactions.decide_init(Wall(0), id, &asked).err(), expected, "{timeout_ms}");
    };
    check(ID, 5_000, None);
    check(ID, 5_001, Some(InvalidTransactionTimeout));
    check(ID, 0, Some(InvalidTransactionTimeout));
    check("", 1, Some(InvalidRequest));
    check(&"x".repeat(40_000), 1, Some(InvalidRequest));
}

#[test]
fn only_the_present_owner_goes_on() {
    let transactions = in_state(State::Ongoing, (-1, -1));
    for (who, expected) in [
        (producer(4, 2), Ok(())),
        (producer(4, 1), Err(ProducerFenced)),
        (producer(4, 3), Err(ProducerFenced)),
        (producer(5, 2), Err(InvalidProducerIdMapping)),
        (TransactionalProducer { transactional_id: "other".into(), ..producer(4, 2) }, Err(InvalidProducerIdMapping)),
        (TransactionalProducer { transactional_id: String::new(), ..producer(4, 2) }, Err(InvalidRequest)),
    ] {
        assert_eq!(transactions.decide_add(Wall(60), &who, []).map(drop), expected);
        assert_eq!(transactions.decide_end(&who, true).map(drop), expected);
        assert_eq!(transactions.check_write(&who, "t", 0), expected.map_err(older));
    }
}

#[test]
fn a_transaction_opens_with_its_first_partition_and_writes_nowhere_else() {
    let mut transactions = in_state(State::CompleteCommit, (-1, -1));
    let who = producer(4, 2);
    assert_eq!(transactions.check_write(&who, "t", 0), Err(InvalidTxnState));
    let open = transactions.decide_add(Wall(60), &who, [("t".to_string(), 0)]).unwrap().expect("it changes");
    assert_eq!((open.state, open.started), (State::Ongoing, 60));
    transactions.replay(Now(20), ID, Some(open));
    assert_eq!(transactions.check_write(&who, "t", 0), Ok(()));
    assert_eq!(transactions.check_write(&who, "t", 1), Err(InvalidTxnState));
    assert_eq!(transactions.decide_add(Wall(70), &who, [("t".to_string(), 0)]), Ok(None), "it has that one");
    let more = transactions.decide_add(Wall(70), &who, [("u".to_string(), 3)]).unwrap().expect("it changes");
    assert_eq!((more.partitions.len(), more.started), (2, 60));
}

#[test]
fn a_transaction_ends_once_and_one_way() {
    let end = |state, commit| {
        let ending = in_state(state, (-1, -1)).decide_end(&producer(4, 2), commit);
        ending.map(|ending| ending.map(|ending| (ending.commit, ending.epoch)))
    };
    assert_eq!(end(State::Ongoing, true), Ok(Some((true, 2))));
    assert_eq!(end(State::Ongoing, false), Ok(Some((false, 2))));
    assert_eq!(end(State::CompleteCommit, true), Ok(None), "asked again");
    assert_eq!(end(State::CompleteAbort, false), Ok(None), "asked again");
    assert_eq!(end(State::CompleteCommit, false), Err(InvalidTxnState));
    assert_eq!(end(State::CompleteAbort, true), Err(InvalidTxnState));
    assert_eq!(end(State::Empty, true), Err(InvalidTxnState));
}

#[test]
fn an_open_transaction_has_its_time_and_an_idle_id_its_days() {
    let mut transactions = in_state(State::Ongoing, (-1, -1));
    assert_eq!(transactions.poll_timeout(), Some(Now(1_010)));
    assert!(transactions.overdue(Now(1_009)).is_none());
    let ending = transactions.overdue(Now(1_010)).expect("its time is up");
    assert_eq!((ending.epoch, ending.commit), (3, false));
    let more = Transaction { updated: 70, ..ending.open.clone() };
    transactions.replay(Now(500), ID, Some(more));
    assert_eq!(transactions.poll_timeout(), Some(Now(1_010)), "more partitions are no more time");
    let week = TransactionSettings::default().id_expiration_ms;
    assert!(transactions.expired(Wall(70 + week)).is_empty(), "it is open");
    let ended = Transaction { state: State::CompleteAbort, updated: 70, ..ending.open };
    transactions.replay(Now(1_010), ID, Some(ended));
    assert_eq!(transactions.poll_timeout(), None);
    assert!(transactions.expired(Wall(69 + week)).is_empty());
    assert_eq!(transactions.expired(Wall(70 + week)), [ID]);
}

#[test]
fn a_snapshot_decides_like_the_original() {
    let original = in_state(State::Ongoing, (4, 1));
    let mut out = Writer::default();
    original.encode(&mut out);
    let mut from = Reader(&out.0);
    let copy = Transactions::decode(TransactionSettings::default(), Now(0), &mut from).unwrap();
    assert_eq!(copy.get(ID), original.get(ID));
    assert_eq!(copy.poll_timeout(), Some(Now(1_000)), "after a restart it has its whole time again");
}

#[test]
fn listings_filter_by_state_producer_and_age() {
    let transactions = in_state(State::Ongoing, (-1, -1));
    let check = |states: &[&str], producer_ids: &[i64], longer_than_ms, expected: usize| {
        let states = states.iter().map(ToString::to_string).collect();
        let filters = crate::request::ListTransactions { states, producer_ids: producer_ids.into(), longer_than_ms };
        assert_eq!(transactions.list(Wall(100), &filters).transactions.len(), expected, "{filters:?}");
    };
    check(&[], &[], None, 1);
    check(&["Ongoing"], &[4], Some(49), 1);
    check(&["Empty"], &[], None, 0);
    check(&["PrepareCommit", "Ongoing"], &[], None, 1);
    check(&[], &[5], None, 0);
    check(&[], &[], Some(50), 0);
    let odd = crate::request::ListTransactions { states: ["Odd".to_string()].into(), ..Default::default() };
    let listed = transactions.list(Wall(100), &odd);
    assert_eq!((listed.unknown_states, listed.transactions.len()), (["Odd".to_string()].into(), 0));
}
