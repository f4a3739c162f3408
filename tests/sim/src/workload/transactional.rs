//! Transactional producers: several partitions and an offset at a time, all or nothing.
//!
//! Owns one client's way through Kafka's protocol: InitProducerId, AddPartitionsToTxn, Produce, AddOffsetsToTxn, TxnOffsetCommit,
//! EndTxn. One that was cut off, fenced or whose transaction took too long begins anew with InitProducerId, as a restarted program
//! does. Two of them may have one transactional id, and fence each other.

use broker_core::{
    error::Error,
    request::{
        Batch, InitProducerId, Member, OffsetCommit, OffsetToCommit, Produce, Reply, Request, RequestId,
        TransactionReply, TransactionRequest, TransactionalProducer,
    },
};
use broker_store::batch::{BatchInfo, Builder, TRANSACTIONAL};
use bytes::Bytes;

use super::{Client, Port, topic::Topic, unexpected};
use crate::{
    broken,
    check::{
        Checked,
        log::Partition,
        transaction::{Label, value},
    },
};

/// The topic that transactions write to.
pub const TOPIC: &str = "txn";

/// A transactional producer.
#[derive(Debug)]
pub struct Transactional {
    name: String,
    transactional_id: String,
    topic: Topic,
    timeout_ms: i32,
    identity: Option<(i64, i16)>,
    /// Next sequence of each partition.
    sequences: Vec<i32>,
    left: u32,
    number: u32,
    open: Option<Open>,
    asked: Option<(RequestId, Asked)>,
}

/// The present transaction.
#[derive(Debug)]
struct Open {
    label: Label,
    /// Where it may write.
    partitions: Vec<i32>,
    records: u32,
    left: u32,
    offset: Offset,
    commit: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offset {
    None,
    Wanted,
    Added,
    Done,
}

#[derive(Clone, Debug)]
enum Asked {
    Init,
    AddPartitions,
    Produce { partition: i32, info: BatchInfo, bytes: Bytes },
    AddOffsets,
    CommitOffsets,
    End,
}

impl Transactional {
    /// One that makes so many transactions, each open for `timeout_ms` at most.
    pub fn new(name: &str, transactional_id: &str, topic: &str, transactions: u32, timeout_ms: i32) -> Self {
        Self {
            name: name.into(),
            transactional_id: transactional_id.into(),
            topic: Topic::new(topic),
            timeout_ms,
            identity: None,
            sequences: Vec::new(),
            left: transactions,
            number: 0,
            open: None,
            asked: None,
        }
    }

    fn ask(&mut self, port: &mut Port<'_>, asked: Asked, request: Request) -> Checked {
        self.asked = Some((port.send(request), asked));
        Ok(())
    }

    fn ask_coordinator(&mut self, port: &mut Port<'_>, asked: Asked, request: TransactionRequest) -> Checked {
        self.ask(port, asked, Request::Transaction(request))
    }

    fn producer(&self) -> TransactionalProducer {
        let (producer_id, epoch) = self.identity.expect("it has one by now");
        TransactionalProducer { transactional_id: self.transactional_id.clone(), producer_id, epoch }
    }

    fn init(&mut self, port: &mut Port<'_>) -> Checked {
        let init = InitProducerId {
            transactional_id: Some(self.transactional_id.clone()),
            timeout_ms: self.timeout_ms,
            current: (-1, -1),
        };
        self.ask(port, Asked::Init, Request::InitProducerId(init))
    }

    fn begin(&mut self, port: &mut Port<'_>, partitions: i32) -> Checked {
        self.left -= 1;
        let label = (self.name.clone(), self.number);
        self.number += 1;
        port.checks.transactions.begins(&label);
        let mut wanted: Vec<i32> = (0..partitions).filter(|_| port.random.percent(60)).collect();
        if wanted.is_empty() {
            wanted.push(0);
        }
        self.open = Some(Open {
            label,
            partitions: wanted.clone(),
            records: 0,
            left: port.random.below(4) as u32,
            offset: if port.random.percent(40) { Offset::Wanted } else { Offset::None },
            commit: port.random.percent(60),
        });
        let topics = vec![(self.topic.name.clone(), wanted)];
        let request = TransactionRequest::AddPartitions { producer: self.producer(), topics };
        self.ask_coordinator(port, Asked::AddPartitions, request)
    }

    fn go_on(&mut self, port: &mut Port<'_>) -> Checked {
        let producer = self.producer();
        let open = self.open.as_mut().expect("a transaction is open");
        if open.left > 0 {
            open.left -= 1;
            return self.produce(port);
        }
        match open.offset {
            Offset::Wanted => {
                let group = group(&self.name);
                self.ask_coordinator(port, Asked::AddOffsets, TransactionRequest::AddOffsets { producer, group })
            }
            Offset::Added => {
                let commit = commit(&self.name, &self.topic.name, open.label.1);
                let request = TransactionRequest::CommitOffsets { producer, commit };
                self.ask_coordinator(port, Asked::CommitOffsets, request)
            }
            Offset::None | Offset::Done => {
                let commit = open.commit;
                if commit {
                    port.checks.transactions.committing(&open.label);
                }
                self.ask_coordinator(port, Asked::End, TransactionRequest::End { producer, commit })
            }
        }
    }

    fn produce(&mut self, port: &mut Port<'_>) -> Checked {
        let TransactionalProducer { producer_id, epoch, .. } = self.producer();
        let open = self.open.as_mut().expect("a transaction is open");
        let partition = *port.random.pick(&open.partitions);
        let sequence = self.sequences[partition as usize];
        let mut builder = Builder::new().producer(producer_id, epoch, sequence).attributes(TRANSACTIONAL);
        builder.push(port.wall, None, Some(value(&open.label, open.records).as_bytes()), &[]);
        open.records += 1;
        let bytes = Bytes::from(builder.finish());
        let info = BatchInfo::parse(&bytes).expect("a batch just built");
        self.send(port, partition, info, bytes)
    }

    fn send(&mut self, port: &mut Port<'_>, partition: i32, info: BatchInfo, bytes: Bytes) -> Checked {
        let batch = Batch { info, bytes: bytes.clone() };
        let topics = vec![(self.topic.name.clone(), vec![(partition, Ok(batch))])];
        let transactional_id = Some(self.transactional_id.clone());
        let request = Request::Produce(Produce { acks: -1, transactional_id, topics });
        self.ask(port, Asked::Produce { partition, info, bytes }, request)
    }

    fn produced(&mut self, port: &mut Port<'_>, asked: Asked, reply: Reply) -> Checked {
        let Asked::Produce { partition, info, bytes } = asked else { return unexpected("a producer", &reply) };
        let Reply::Produce(mut topics) = reply else { return unexpected("a transactional producer", &reply) };
        let outcome = topics.pop().and_then(|mut topic| topic.partitions.pop()).map(|partition| partition.outcome);
        let named: Partition = (self.topic.name.clone(), partition);
        match outcome {
            Some(Ok(at)) => {
                let open = self.open.as_ref().expect("a transaction is open");
                self.sequences[partition as usize] += 1;
                port.checks.log.acknowledged(&named, at.base_offset, &bytes)?;
                port.checks.transactions.wrote(&open.label, &named, open.records - 1, at.base_offset);
                port.checks.producers.seen(&named, &BatchInfo { base_offset: at.base_offset, ..info })
            }
            Some(Err((Error::KafkaStorageError, _))) => self.send(port, partition, info, bytes),
            Some(Err((error, _))) => self.refused(port, error),
            None => broken!("{} got no answer for {named:?}", self.name),
        }
    }

    /// Somebody else has the transactional id, or its time was up: this transaction is aborted, and a new life begins.
    fn refused(&mut self, port: &mut Port<'_>, error: Error) -> Checked {
        match error {
            Error::ProducerFenced | Error::InvalidProducerEpoch => {
                self.identity = None;
                match self.open.take() {
                    Some(open) => port.checks.transactions.refused(&open.label),
                    None => Ok(()),
                }
            }
            error => broken!("transactional producer {} was refused: {error:?}", self.name),
        }
    }

    fn coordinated(&mut self, port: &mut Port<'_>, asked: &Asked, reply: TransactionReply) -> Checked {
        let one = |topics: Vec<broker_core::request::TopicReply<(i32, Result<(), Error>)>>| {
            topics
                .into_iter()
                .flat_map(|topic| topic.partitions)
                .find_map(|(_, outcome)| outcome.err())
                .map_or(Ok(()), Err)
        };
        let outcome = match reply {
            TransactionReply::AddPartitions(topics) | TransactionReply::CommitOffsets(topics) => one(topics),
            TransactionReply::AddOffsets(outcome) | TransactionReply::End(outcome) => outcome,
            other => broken!("{} was answered {other:?}", self.name),
        };
        match outcome {
            Ok(()) => {}
            Err(Error::ConcurrentTransactions) if !matches!(asked, Asked::AddPartitions) => return Ok(()),
            Err(error) => return self.refused(port, error),
        }
        let open = self.open.as_mut().expect("a transaction is open");
        match asked {
            Asked::AddOffsets => open.offset = Offset::Added,
            Asked::CommitOffsets => {
                open.offset = Offset::Done;
                port.checks.transactions.committed_offset(&open.label);
            }
            Asked::End => {
                let open = self.open.take().expect("a transaction is open");
                match open.commit {
                    true => port.checks.transactions.committed(&open.label),
                    false => port.checks.transactions.given_up(&open.label),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A client's group.
pub fn group(client: &str) -> String {
    format!("group-of-{client}")
}

fn commit(client: &str, topic: &str, number: u32) -> OffsetCommit {
    let who = Member { group: group(client), generation: -1, member: String::new(), instance: None };
    let offset = OffsetToCommit { partition: 0, offset: i64::from(number), leader_epoch: -1, metadata: String::new() };
    OffsetCommit { who, topics: vec![(topic.into(), vec![offset])] }
}

impl Client for Transactional {
    fn act(&mut self, port: &mut Port<'_>) -> Checked {
        let Some(partitions) = self.topic.partitions(port) else { return Ok(()) };
        if self.asked.is_some() || self.is_done() {
            return Ok(());
        }
        match (self.identity, &self.open) {
            (None, _) => self.init(port),
            (Some(_), None) if self.left > 0 => self.begin(port, partitions),
            (Some(_), None) => Ok(()),
            (Some(_), Some(_)) => self.go_on(port),
        }
    }

    fn answered(&mut self, port: &mut Port<'_>, id: RequestId, reply: Reply) -> Checked {
        if self.topic.answered(port, id, &reply)? {
            return Ok(());
        }
        let Some((_, asked)) = self.asked.take_if(|(asked, _)| *asked == id) else {
            return unexpected("a transactional producer", &reply);
        };
        match (asked, reply) {
            (Asked::Init, Reply::InitProducerId(Ok(identity))) => {
                self.identity = Some(identity);
                let partitions = self.topic.partitions(port).unwrap_or_default();
                self.sequences = vec![0; partitions as usize];
                if let Some(open) = self.open.take() {
                    port.checks.transactions.given_up(&open.label);
                }
                Ok(())
            }
            (Asked::Init, Reply::InitProducerId(Err(Error::ConcurrentTransactions))) => Ok(()),
            (Asked::AddPartitions, Reply::Transaction(TransactionReply::AddPartitions(topics)))
                if topics[0].partitions[0].1 == Err(Error::ConcurrentTransactions) =>
            {
                // Nothing was added: nothing was begun, as far as the broker knows.
                let open = self.open.take().expect("a transaction is open");
                port.checks.transactions.given_up(&open.label);
                Ok(())
            }
            (asked, Reply::Transaction(reply)) => self.coordinated(port, &asked, reply),
            (asked, reply) => self.produced(port, asked, reply),
        }
    }

    fn cut_off(&mut self) {
        self.topic.cut_off();
        // Its next life's InitProducerId ends what is open.
        (self.asked, self.identity) = (None, None);
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.open.is_none() && self.asked.is_none() && self.topic.is_quiet()
    }

    fn wind_up(&mut self) {
        self.left = self.left.min(2);
    }
}
