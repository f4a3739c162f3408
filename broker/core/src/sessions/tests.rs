use alloc::vec;

use super::*;
use crate::request::Fetch;

fn wanted(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition { partition, offset, max_bytes: 100, current_leader_epoch: -1 }
}

fn ask(
    session: i32,
    epoch: i32,
    topics: Vec<(&str, Vec<FetchPartition>)>,
    forgotten: Vec<(&str, Vec<i32>)>,
) -> SessionFetch {
    let topics = topics.into_iter().map(|(topic, partitions)| (topic.to_string(), partitions)).collect();
    SessionFetch {
        session,
        epoch,
        forgotten: forgotten.into_iter().map(|(topic, partitions)| (topic.to_string(), partitions)).collect(),
        fetch: Fetch { max_wait_ms: 0, min_bytes: 1, max_bytes: 100, read_committed: false, topics },
    }
}

/// An answer without records: partition, error, high watermark.
fn answer(partitions: &[(i32, Option<Error>, i64)]) -> Vec<TopicReply<Fetched>> {
    let one = |&(partition, error, high_watermark): &(i32, Option<Error>, i64)| Fetched {
        partition,
        error,
        high_watermark,
        last_stable_offset: high_watermark,
        log_start_offset: 0,
        aborted: Vec::new(),
        records: Default::default(),
    };
    vec![TopicReply { topic: "t".into(), partitions: partitions.iter().map(one).collect() }]
}

fn told(reply: &[TopicReply<Fetched>]) -> Vec<i32> {
    reply.iter().flat_map(|topic| topic.partitions.iter().map(|fetched| fetched.partition)).collect()
}

fn asked(topics: &Topics) -> Vec<(&str, i32, i64)> {
    topics.iter().flat_map(|(topic, all)| all.iter().map(move |p| (topic.as_str(), p.partition, p.offset))).collect()
}

/// A session of partitions 0 and 1 of `t`; random ids count up.
fn opened(sessions: &mut Sessions, now: Now) -> i32 {
    let mut next = sessions.sessions.len() as u64;
    let random = || {
        next += 1;
        next << 33
    };
    let (of, topics) =
        sessions.begin(now, ask(0, 0, vec![("t", vec![wanted(0, 5), wanted(1, 6)])], vec![]), random).unwrap();
    assert_eq!(asked(&topics), [("t", 0, 5), ("t", 1, 6)]);
    assert!(!of.incremental);
    of.id
}

#[test]
fn a_session_reads_all_and_tells_what_has_news() {
    let mut sessions = Sessions::new(10);
    let id = opened(&mut sessions, Now(0));
    let full = InSession { id, incremental: false };
    assert_eq!(told(&sessions.finish(full, answer(&[(0, None, 7), (1, None, 8)]))), [0, 1]);
    let (of, topics) = sessions.begin(Now(1), ask(id, 1, vec![("t", vec![wanted(1, 9)])], vec![]), || 0).unwrap();
    assert_eq!((of, asked(&topics)), (InSession { id, incremental: true }, vec![("t", 0, 5), ("t", 1, 9)]));
    assert_eq!(told(&sessions.finish(of, answer(&[(0, None, 7), (1, None, 9)]))), [1]);
    assert_eq!(told(&sessions.finish(of, answer(&[(0, Some(Error::OffsetOutOfRange), 7), (1, None, 9)]))), [0]);
    assert_eq!(told(&sessions.finish(of, answer(&[(0, None, 7), (1, None, 9)]))), [0], "the error is over");
    let more = ask(id, 2, vec![("u", vec![wanted(0, 1)])], vec![("t", vec![0, 7])]);
    let (_, topics) = sessions.begin(Now(2), more, || 0).unwrap();
    assert_eq!(asked(&topics), [("t", 1, 9), ("u", 0, 1)]);
}

#[test]
fn wrong_epochs_and_ids_are_refused_and_a_closed_session_is_gone() {
    let mut sessions = Sessions::new(10);
    let id = opened(&mut sessions, Now(0));
    let try_epoch = |sessions: &mut Sessions, id, epoch| {
        sessions.begin(Now(0), ask(id, epoch, vec![], vec![]), || 0).map(|(of, _)| of.id)
    };
    assert_eq!(try_epoch(&mut sessions, id, 2), Err(Error::InvalidFetchSessionEpoch));
    assert_eq!(try_epoch(&mut sessions, id + 1, 1), Err(Error::FetchSessionIdNotFound));
    assert_eq!(try_epoch(&mut sessions, id, 1), Ok(id));
    assert_eq!(try_epoch(&mut sessions, id, 1), Err(Error::InvalidFetchSessionEpoch));
    assert_eq!(try_epoch(&mut sessions, id, -1), Ok(0));
    assert_eq!(try_epoch(&mut sessions, id, 2), Err(Error::FetchSessionIdNotFound));
    assert_eq!((sessions.sessions.len(), sessions.partitions), (0, 0));
}

#[test]
fn a_session_that_forgets_everything_ends() {
    let mut sessions = Sessions::new(10);
    let id = opened(&mut sessions, Now(0));
    let (of, topics) = sessions.begin(Now(0), ask(id, 1, vec![], vec![("t", vec![0, 1])]), || 0).unwrap();
    assert_eq!((of.id, topics.len(), sessions.sessions.len()), (0, 0, 0));
}

#[test]
fn a_full_cache_gives_no_session_until_one_is_old() {
    let mut sessions = Sessions::new(1);
    let first = opened(&mut sessions, Now(0));
    assert_eq!(opened(&mut sessions, Now(SESSION_EVICTION_MS)), 0);
    let second = opened(&mut sessions, Now(SESSION_EVICTION_MS + 1));
    assert!(second > 0 && second != first);
    assert_eq!((sessions.sessions.len(), sessions.partitions), (1, 2));
}
