//! Records on their way into the connector.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{Answer, Sink};
use crate::{
    columns::Columns,
    consumer::{FetchId, Fetched},
    convert,
    exchange::{ErrorClass, TopicPartition, TpOffset},
    record::{BadBatch, Batch},
    task::{CallError, Said},
    time::Now,
};

/// Records to be put at once.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Shared with the call, which may have to be repeated.
    pub records: Arc<Batch>,
    /// Where the partitions go on after them.
    pub next: Vec<(TopicPartition, i64)>,
}

impl Sink {
    /// A fetch was answered.
    pub(super) fn fetched(&mut self, now: Now, id: FetchId, fetched: Result<Fetched, String>) {
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(why) => {
                self.consumer.cancel_fetch();
                return self.fail(format!("records cannot be read: {why}"));
            }
        };
        let next = fetched.next.clone();
        let Some(records) = self.consumer.fetched(now, id, fetched) else { return };
        if records.count == 0 {
            // Nothing but what a sink does not see, such as control records.
            match self.deliveries.back_mut() {
                Some(last) => last.next.extend(next),
                None => self.commit.delivered(next),
            }
            return;
        }
        for topic in &records.topics {
            if self.used.insert(topic.clone()) {
                self.outputs.push_back(super::Output::Say(Said::TopicUsed(topic.clone())));
            }
        }
        match self.convert(records) {
            Ok(records) => self.deliveries.push_back(Delivery { records: Arc::new(records), next }),
            Err(trace) => self.fail(trace),
        }
    }

    fn convert(&mut self, mut records: Batch) -> Result<Batch, String> {
        let count = records.count as usize;
        let accepts = &self.settings.accepts;
        let keys = core::mem::take(&mut records.keys);
        let (format, keys, mut failures) = self.settings.key_converter.to_connect(keys, count);
        let (format, keys, more) = convert::adapt(format, keys, count, accepts);
        (records.key_format, records.keys) = (format, keys);
        failures.extend(more);
        let values = core::mem::take(&mut records.values);
        let (format, values, more) = self.settings.value_converter.to_connect(values, count);
        failures.extend(more);
        let (format, values, more) = convert::adapt(format, values, count, accepts);
        (records.value_format, records.values) = (format, values);
        failures.extend(more);
        failures.sort_by_key(|failure| failure.index);
        let Some(first) = failures.first() else { return Ok(records) };
        let at = first.index as usize;
        let (topic, offset) = (records.topic(at), records.offset(at).unwrap_or(-1));
        let partition = records.partition(at).unwrap_or(-1);
        let why = format!("{}\n\twhile converting the record at {topic}-{partition} offset {offset}", first.message);
        if !self.settings.tolerate {
            return Err(why);
        }
        self.warn(format!(
            "{} values cannot be converted and their records are left out; the first: {why}",
            failures.len()
        ));
        let skip: Vec<u32> = failures.iter().map(|failure| failure.index).collect();
        without(&records, &skip).map_err(|bad| format!("{bad}"))
    }

    /// `put` has returned.
    pub(super) fn was_put(&mut self, now: Now, outcome: Result<Answer, CallError>, retry_after: Option<u64>) {
        let failures = match outcome {
            Ok(Answer::Put(failures)) => failures,
            Ok(answer) => return self.fail(format!("put answered {answer:?}")),
            Err(error) if error.is_retriable() => {
                let wait = retry_after.or(error.retry_after_ms()).unwrap_or_else(|| self.put_backoff.next_ms());
                self.put_at = Some(now.plus(wait));
                return self.warn(format!("{}\n\tthe same records are put again in {wait} ms", error.trace("put")));
            }
            Err(error) => return self.fail_call(&error, "put"),
        };
        if let Some(failure) = failures.first() {
            let bad_record = failure.error.class == ErrorClass::BadData;
            if !(self.settings.tolerate && bad_record) {
                return self.fail_call(&CallError::Connector(failure.error.clone()), "put");
            }
            let text = format!("{} records were not taken; the first because: {}", failures.len(), failure.error);
            self.warn(text);
        }
        self.put_backoff.reset();
        if let Some(delivery) = self.deliveries.pop_front() {
            self.commit.delivered(delivery.next);
        }
    }

    /// The connector wants to go on elsewhere: what is on its way does not count any more.
    pub(super) fn seek(&mut self, offsets: &[TpOffset]) {
        self.stop_delivering();
        // What was fetched and is dropped now must be fetched again.
        for (tp, offset) in self.commit.resume_points() {
            self.consumer.seek(&tp, offset);
        }
        for TpOffset { tp, offset } in offsets {
            self.consumer.seek(tp, *offset);
            self.commit.sought(tp, *offset);
        }
    }

    /// Fetch again whatever was put since the last commit.
    pub(super) fn rewind(&mut self) {
        self.deliveries.clear();
        self.stop_delivering();
        for (tp, offset) in self.commit.rewind() {
            self.consumer.seek(&tp, offset);
        }
    }
}

/// The records but those in `skip` (rising indexes).
fn without(records: &Batch, skip: &[u32]) -> Result<Batch, BadBatch> {
    let mut kept = Columns::with_capacity(records.count as usize, records.values.data.len());
    for i in (0..records.count as usize).filter(|i| !skip.contains(&(*i as u32))) {
        kept.partition(records.topic(i), records.partition(i).unwrap_or(0), 0);
        let headers = records.headers.iter().flat_map(|all| all.of(i));
        let (offset, timestamp) = (records.offset(i).unwrap_or(0), records.timestamp(i).unwrap_or(-1));
        kept.push(offset, timestamp, records.keys.get(i), records.values.get(i), headers);
    }
    let kept = kept.finish()?;
    Ok(Batch { key_format: records.key_format, value_format: records.value_format, ..kept })
}
