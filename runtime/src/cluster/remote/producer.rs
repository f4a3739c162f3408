//! The producer of one source task: one append at a time, all of it or a reason why not.
//!
//! Owns which records of an append are not acknowledged yet. Leaves batching, retries and idempotence to librdkafka, the choice of the
//! partition to `runtime_core::batches`. Invariant: an append that is asked for again after "not yet" is the same one; of its records only
//! those that have failed are sent again, in their order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use broker_core::{
    error::Error,
    request::{Batch, ClusterMetadata, Metadata},
};
use broker_store::batch;
use rdkafka::{
    ClientConfig, Message,
    config::FromClientConfigAndContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};
use tokio::sync::Notify;

use super::{asks::Topics, blocking};
use crate::client::{Talk, unless_set};

/// So long an append is waited for before the task is told that it has to wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// While librdkafka's queue is full.
const FULL: Duration = Duration::from_millis(2);

type Batches = Vec<(String, i32, Batch)>;

/// A source task's producer.
pub struct Producer {
    client: ThreadedProducer<Reports>,
    topics: Topics,
    /// The append that is on its way.
    append: tokio::sync::Mutex<Option<Arc<Append>>>,
}

/// An append, and which of its records failed when it was last tried (`None`: not tried yet).
struct Append {
    batches: Batches,
    failed: Mutex<Option<BTreeMap<usize, RDKafkaErrorCode>>>,
}

/// What librdkafka has told about the records that were given to it.
struct Reports {
    talk: Talk,
    waiting: Mutex<Waiting>,
    all_told: Notify,
}

#[derive(Default)]
struct Waiting {
    records: usize,
    failed: BTreeMap<usize, RDKafkaErrorCode>,
}

impl Producer {
    /// A producer with these settings, where nothing else is said: `acks=all`, idempotent, records wait for the cluster for ever.
    pub fn new(mut config: ClientConfig) -> anyhow::Result<Self> {
        let refuses = |key: &str, fits: fn(&str) -> bool| config.get(key).is_some_and(|value| !fits(value));
        // Said by whoever wrote such a setting, as in Kafka: it cannot be had with idempotence.
        let idempotent = !refuses("acks", |acks| acks == "all" || acks == "-1")
            && !refuses("max.in.flight.requests.per.connection", |n| n.parse().is_ok_and(|n: u32| n <= 5))
            && !refuses("retries", |n| n != "0");
        let idempotence = if idempotent { "true" } else { "false" };
        // A poll's records come together; there is little to wait for.
        let defaults =
            [("linger.ms", "1"), ("acks", "all"), ("delivery.timeout.ms", "0"), ("enable.idempotence", idempotence)];
        unless_set(&mut config, &defaults);
        let talk = Talk::new(config.get("client.id").unwrap_or("producer").to_owned());
        let reports = Reports { talk, waiting: Mutex::default(), all_told: Notify::new() };
        let client = ThreadedProducer::from_config_and_context(&config, reports)?;
        Ok(Self { client, topics: Topics::default(), append: tokio::sync::Mutex::default() })
    }

    /// Topics and their partitions; blocks.
    pub fn topics(&self, asked: Metadata, own: &str) -> ClusterMetadata {
        self.topics.ask(self.client.client(), asked, own)
    }

    /// Sends records and waits until all are acknowledged. A refusal that may pass is followed by the same append again.
    ///
    /// # Errors
    /// The outer error says that the producer cannot be used any more.
    pub async fn append(self: Arc<Self>, batches: Batches) -> anyhow::Result<Result<(), (Error, String)>> {
        let mut lane = self.append.lock().await;
        let append = match lane.take() {
            Some(append) if is_same(&append.batches, &batches) => append,
            _ => Arc::new(Append { batches, failed: Mutex::new(None) }),
        };
        *lane = Some(append.clone());
        let producer = self.clone();
        let sent = append.clone();
        // An append that is still on its way is only waited for.
        if self.reports().is_quiet()
            && let Err(refused) = blocking(move || producer.send(&sent)).await?
        {
            *lane = None;
            return Ok(Err(refused));
        }
        let reports = self.reports();
        if tokio::time::timeout(PATIENCE, reports.told()).await.is_err() {
            let left = reports.lock().records;
            let why =
                if reports.talk.is_away() { "the cluster cannot be reached" } else { "the cluster does not answer" };
            return Ok(Err((Error::CoordinatorNotAvailable, format!("{why}; {left} records are on their way"))));
        }
        let failed = std::mem::take(&mut reports.lock().failed);
        let first = failed.values().next().copied();
        *append.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        let Some(code) = first else {
            *lane = None;
            reports.talk.answered();
            return Ok(Ok(()));
        };
        let refused = self.refusal(code);
        if !matches!(refused.0, Error::UnknownTopicOrPartition | Error::CoordinatorNotAvailable) {
            *lane = None;
        }
        Ok(Err(refused))
    }

    /// Gives librdkafka the records of the append that are not acknowledged.
    fn send(&self, append: &Append) -> Result<(), (Error, String)> {
        let failed = append.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let again: Option<BTreeSet<usize>> = failed.map(|failed| failed.into_keys().collect());
        let mut index = 0;
        // One more than there are, so that nobody is told before all are sent.
        self.reports().lock().records = 1;
        let outcome = append.batches.iter().try_for_each(|(topic, partition, batch)| {
            for record in batch::records(&batch.bytes) {
                let record = record.map_err(|bad| (Error::CorruptMessage, bad.to_string()))?;
                if again.as_ref().is_none_or(|again| again.contains(&index)) {
                    self.send_one(topic, *partition, &record, index)?;
                }
                index += 1;
            }
            Ok(())
        });
        self.reports().tell(None);
        outcome
    }

    fn send_one(
        &self,
        topic: &str,
        partition: i32,
        record: &batch::Record<'_>,
        index: usize,
    ) -> Result<(), (Error, String)> {
        self.reports().lock().records += 1;
        let mut headers: Option<OwnedHeaders> = None;
        for header in record.headers {
            let all = headers.take().unwrap_or_default();
            headers = Some(all.insert(Header { key: header.key, value: header.value }));
        }
        let mut out = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, index).partition(partition);
        (out.key, out.payload, out.headers) = (record.key, record.value, headers);
        out.timestamp = Some(record.timestamp).filter(|timestamp| *timestamp >= 0);
        loop {
            match self.client.send(out) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    out = back;
                    std::thread::sleep(FULL);
                }
                // librdkafka knows by itself that the topic or partition is gone: as if the cluster had said so.
                Err((
                    KafkaError::MessageProduction(
                        code @ (RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownPartition),
                    ),
                    _,
                )) => {
                    self.reports().tell(Some((index, code)));
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(code), _)) => {
                    self.reports().tell(None);
                    return Err(self.refusal(code));
                }
                Err((error, _)) => {
                    self.reports().tell(None);
                    return Err((Error::UnknownServerError, error.to_string()));
                }
            }
        }
    }

    fn reports(&self) -> &Reports {
        self.client.client().context()
    }

    /// What an error means for the task: what may pass, what a new topic heals, what ends it.
    fn refusal(&self, code: RDKafkaErrorCode) -> (Error, String) {
        use RDKafkaErrorCode as Code;
        let error = match code {
            Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition => {
                Error::UnknownTopicOrPartition
            }
            Code::MessageSizeTooLarge => Error::MessageTooLarge,
            Code::InvalidTopic => Error::InvalidTopicException,
            Code::MessageTimedOut
            | Code::PurgeQueue
            | Code::PurgeInflight
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::RequestTimedOut
            | Code::ThrottlingQuotaExceeded => Error::CoordinatorNotAvailable,
            _ => Error::UnknownServerError,
        };
        let fatal = self.client.client().fatal_error().map(|(_, why)| format!(" ({why})")).unwrap_or_default();
        (error, format!("{code}{fatal}"))
    }
}

/// The task's loop clones an append that it asks for again: the bytes are the same ones.
fn is_same(one: &Batches, other: &Batches) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.2.bytes.as_ptr() == other.2.bytes.as_ptr())
}

impl Reports {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_quiet(&self) -> bool {
        self.lock().records == 0
    }

    /// One record less to wait for.
    fn tell(&self, failed: Option<(usize, RDKafkaErrorCode)>) {
        let mut waiting = self.lock();
        waiting.failed.extend(failed);
        waiting.records -= 1;
        if waiting.records == 0 {
            self.all_told.notify_waiters();
        }
    }

    async fn told(&self) {
        loop {
            let told = self.all_told.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.is_quiet() {
                return;
            }
            told.await;
        }
    }
}

crate::client::client_context!(Reports, talk);

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        self.tell(result.as_ref().err().map(|(error, message)| {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            tracing::debug!("{}: a record for {} failed: {code}", self.talk.name(), message.topic());
            (index, code)
        }));
    }
}
