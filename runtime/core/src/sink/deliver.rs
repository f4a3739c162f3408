//! Records on their way into the connector.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{
    Answer, Calling, Output, Settings, Sink,
    dead::{Letter, Origin},
};
use crate::{
    consumer::{FetchId, Fetched},
    exchange::{ErrorClass, TopicPartition, TpOffset},
    record::Batch,
    task::{CallError, Count, Said},
    time::Now,
};

/// Records to be put at once.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Shared with the call, which may have to be repeated.
    pub records: Arc<Batch>,
    /// Where the partitions go on after them.
    pub next: Vec<(TopicPartition, i64)>,
    /// Records of the same fetch that failed.
    pub letters: Vec<Letter>,
    /// The records as they were in the topic, if that is to be known of those that the connector refuses.
    pub origin: Option<Origin>,
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
                self.outputs.push_back(Output::Say(Said::TopicUsed(topic.clone())));
            }
        }
        self.deliver(records, next);
    }

    fn deliver(&mut self, records: Batch, next: Vec<(TopicPartition, i64)>) {
        let raw = self.settings.dead_letters.is_some().then(|| Arc::new(records.clone()));
        let Settings { transforms, converters, accepts, .. } = &mut self.settings;
        let outcome = transforms.sink(records, converters, accepts);
        if outcome.filtered > 0 {
            self.count(Count::Filtered(outcome.filtered.into()));
        }
        let mut letters = Vec::new();
        if let Some(first) = outcome.failures.first() {
            let goes_on;
            (letters, goes_on) = self.records_failed(&outcome.failures, raw.as_deref(), outcome.came());
            let records = if goes_on { outcome.failures.len() as u64 } else { 1 };
            self.count(Count::Failed { records, tolerated: goes_on });
            if !goes_on {
                self.commit.last_letters(letters);
                return self.fail(first.trace(outcome.came()));
            }
            let count = outcome.failures.len();
            self.warn(format!("{count} records are left out; the first because: {}", first.fault));
        }
        let origin = raw.map(|records| Origin { records, places: outcome.origin });
        let records = Arc::new(outcome.records);
        self.deliveries.push_back(Delivery { records, next, letters, origin });
    }

    /// What is left of a delivery when everything in it was filtered out or failed needs no put.
    pub(super) fn pass_empty(&mut self) {
        while self.calling != Some(Calling::Put)
            && let Some(delivery) = self.deliveries.pop_front_if(|delivery| delivery.records.count == 0)
        {
            self.was_delivered(delivery);
        }
    }

    fn was_delivered(&mut self, delivery: Delivery) {
        self.commit.delivered(delivery.next);
        self.commit.letters(delivery.letters);
    }

    /// `put` has returned.
    pub(super) fn was_put(&mut self, now: Now, outcome: Result<Answer, CallError>, retry_after: Option<u64>) {
        let failures = match outcome {
            Ok(Answer::Put(failures)) => failures,
            Ok(answer) => return self.fail(format!("put answered {answer:?}")),
            Err(error) if error.is_retriable() => {
                let wait = retry_after.or(error.retry_after_ms()).unwrap_or_else(|| self.put_backoff.next_ms());
                self.put_at = Some(now.plus(wait));
                self.count(Count::Retried);
                return self.warn(format!("{}\n\tthe same records are put again in {wait} ms", error.trace("put")));
            }
            Err(error) => return self.fail_call(&error, "put"),
        };
        // As in Kafka, what is wrong with the connector and not with a record is not tolerated.
        if let Some(failure) = failures.iter().find(|failure| failure.error.class != ErrorClass::BadData) {
            return self.fail_call(&CallError::Connector(failure.error.clone()), "put");
        }
        let errors = failures.into_iter().map(|failure| (failure.index, failure.error)).collect();
        if !self.records_refused(errors) {
            return;
        }
        self.put_backoff.reset();
        if let Some(delivery) = self.deliveries.pop_front() {
            self.was_delivered(delivery);
        }
    }

    /// The connector wants no more of these for now, or wants them again.
    pub(super) fn set_paused(&mut self, tps: &[TopicPartition], paused: bool) {
        let others = self.consumer.set_paused(tps, paused);
        if paused && others.len() < tps.len() {
            self.fetch_again();
        }
        if let Some(tp) = others.first() {
            let (what, count) = (if paused { "pause" } else { "resume" }, others.len());
            self.warn(format!(
                "the connector asked to {what} {}-{}, which is not assigned ({count} such)",
                tp.topic, tp.partition
            ));
        }
    }

    /// What was fetched ahead may be of a partition that is paused now: nothing of it is put. Records that are being tried again are.
    fn fetch_again(&mut self) {
        if self.consumer.cancel_fetch() {
            self.outputs.push_back(Output::CancelFetch);
        }
        self.deliveries.truncate(usize::from(self.put_at.is_some()));
        let mut resume = self.commit.resume_points();
        resume.extend(self.deliveries.iter().flat_map(|kept| kept.next.clone()));
        for (tp, offset) in resume {
            self.consumer.seek(&tp, offset);
        }
    }

    /// The connector wants to go on elsewhere: what is on its way does not count any more. As in Kafka, one that names no offset of its
    /// own partitions has lost its way, and ends.
    pub(super) fn seek(&mut self, offsets: &[TpOffset]) {
        let assigned = self.consumer.positions();
        let wrong = offsets.iter().find_map(|TpOffset { tp, offset }| match assigned.contains_key(tp) {
            true if *offset >= 0 => None,
            true => Some((tp, offset, "an offset is not negative")),
            false => Some((tp, offset, "it is not assigned")),
        });
        // After the partitions were let go there is nothing to go on with.
        if let Some((tp, offset, why)) = wrong.filter(|_| !assigned.is_empty()) {
            let text = format!("the connector asked to go on at {}-{} offset {offset}: {why}", tp.topic, tp.partition);
            return self.fail(text);
        }
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
