//! Fetch 4 to 12. Version 5 brought the log start offset, 7 sessions, 9 leader epochs, 12 compact lengths.

use broker_core::{
    error::Error,
    request::{Fetch, FetchPartition, Fetched, Request, SessionFetch, SessionFetched, TopicReply},
};
use broker_wire::{
    fetch::{AbortedTransaction, FetchResponse, FetchedPartition, FetchedTopic},
    messages::{FetchRequest, fetch_request::FetchTopic},
};

use super::{Shape, Step, text};
use crate::handle::Handle;

pub fn ask(request: FetchRequest) -> Step {
    let unsigned = |value: i32| u32::try_from(value).unwrap_or(0);
    let topic = |topic: FetchTopic| {
        let partitions = topic.partitions.into_iter().map(|wanted| FetchPartition {
            partition: wanted.partition,
            offset: wanted.fetch_offset,
            max_bytes: unsigned(wanted.partition_max_bytes),
            current_leader_epoch: wanted.current_leader_epoch,
        });
        (topic.topic.to_string(), partitions.collect())
    };
    let read_committed = request.isolation_level == 1;
    let fetch = Fetch {
        max_wait_ms: unsigned(request.max_wait_ms),
        min_bytes: unsigned(request.min_bytes),
        max_bytes: unsigned(request.max_bytes),
        read_committed,
        topics: request.topics.into_iter().map(topic).collect(),
    };
    // Before version 7 the decoder says so: no session, and none wanted.
    let (session, epoch) = (request.session_id, request.session_epoch);
    if session == 0 && epoch == -1 {
        return Step::Ask(Request::Fetch(fetch), Shape::Fetch { read_committed });
    }
    let forgotten = request.forgotten_topics_data.into_iter().map(|topic| (topic.topic.to_string(), topic.partitions));
    let fetch = SessionFetch { session, epoch, forgotten: forgotten.collect(), fetch };
    Step::Ask(Request::FetchSession(fetch), Shape::Fetch { read_committed })
}

pub async fn answer(handle: &Handle, read_committed: bool, topics: Vec<TopicReply<Fetched>>) -> FetchResponse {
    let mut answered = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for fetched in topic.partitions {
            partitions.push(partition(handle, read_committed, &topic.topic, fetched).await);
        }
        answered.push(FetchedTopic { topic: text(&topic.topic), partitions });
    }
    FetchResponse { topics: answered, ..FetchResponse::default() }
}

pub async fn answer_session(
    handle: &Handle,
    read_committed: bool,
    outcome: Result<SessionFetched, Error>,
) -> FetchResponse {
    match outcome {
        Ok(fetched) => {
            let response = answer(handle, read_committed, fetched.topics).await;
            FetchResponse { session_id: fetched.session, ..response }
        }
        Err(error) => FetchResponse { error_code: error.code(), ..FetchResponse::default() },
    }
}

async fn partition(handle: &Handle, read_committed: bool, topic: &str, fetched: Fetched) -> FetchedPartition {
    let aborted = |(producer_id, first_offset)| AbortedTransaction { producer_id, first_offset };
    let aborted_transactions = read_committed.then(|| fetched.aborted.into_iter().map(aborted).collect());
    let (records, error_code) = match handle.read(fetched.records).await {
        Ok(records) => (records, fetched.error.map_or(0, |error| error.code())),
        Err(error) => {
            tracing::error!("{topic}-{}: {error}", fetched.partition);
            (Vec::new(), Error::CorruptMessage.code())
        }
    };
    FetchedPartition {
        partition: fetched.partition,
        error_code,
        high_watermark: fetched.high_watermark,
        last_stable_offset: fetched.last_stable_offset,
        log_start_offset: fetched.log_start_offset,
        aborted_transactions,
        records,
    }
}
