//! Transactions that nobody ends: found, and ended by hand.
//!
//! Owns `find-hanging` and `abort`. Source: Kafka 4.3's TransactionsCommand (KIP-664). Invariant: a transaction that its coordinator still
//! knows with this partition does not hang, however long it lasts.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    DescribeTransactionsRequest, ListTransactionsRequest, ProducerId, TransactionalId, WriteTxnMarkersRequest,
    describe_producers_response::ProducerState,
    write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic},
};

use super::active;
use crate::{
    admin::{Admin, Coordinates, To, topic_name},
    failure::Failure,
    flags::Given,
    offsets::Partition,
    table::tabbed,
};

/// Minutes: Kafka's longest transaction, `transaction.max.timeout.ms`.
const LONGEST_MINUTES: i64 = 15;

const MINUTE_MS: i64 = 60_000;

/// What ends a transaction by hand: producer id, its epoch, the coordinator's epoch.
struct Marker(i64, i16, i32);

pub(super) fn abort(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let topic = given.one("topic")?.unwrap_or_default().to_owned();
    let Some(partition) = given.parsed::<i32>("partition")?.filter(|_| !topic.is_empty()) else {
        let message = "kafka-transactions abort: error: arguments --topic and --partition are required";
        return Err(Failure::usage(message));
    };
    let leader = leader(admin, &topic, partition)?;
    let Marker(producer, epoch, coordinator) = marker(given, admin, leader, &topic, partition)?;
    let topics =
        WritableTxnMarkerTopic::default().with_name(topic_name(&topic)).with_partition_indexes(vec![partition]);
    let marker = WritableTxnMarker::default()
        .with_producer_id(ProducerId(producer))
        .with_producer_epoch(epoch)
        .with_coordinator_epoch(coordinator)
        .with_transaction_result(false)
        .with_topics(vec![topics]);
    let answer = admin.ask(To::Broker(leader), |_| WriteTxnMarkersRequest::default().with_markers(vec![marker]))?;
    let partitions = answer.markers.iter().flat_map(|marker| &marker.topics).flat_map(|topic| &topic.partitions);
    match partitions.map(|partition| partition.error_code).find(|code| *code != 0) {
        None => Ok(()),
        Some(code) => {
            let why = Failure::kafka(code, None);
            let spec = format!(
                "AbortTransactionSpec(topicPartition={topic}-{partition}, producerId={producer}, producerEpoch={epoch}, \
                 coordinatorEpoch={coordinator})"
            );
            Err(Failure::new(format!("Failed to abort transaction {spec}: {}", why.message)))
        }
    }
}

fn leader(admin: &mut Admin<'_>, topic: &str, partition: i32) -> Result<i32, Failure> {
    let leaders = admin.leaders(&[topic.to_owned()])?;
    leaders.get(&(topic.to_owned(), partition)).copied().ok_or_else(|| Failure::kafka(3, None))
}

/// As it stands on the command line, or of the transaction that begins where the command line says.
fn marker(given: &Given, admin: &mut Admin<'_>, leader: i32, topic: &str, partition: i32) -> Result<Marker, Failure> {
    let Some(start) = given.parsed::<i64>("start-offset")? else {
        let Some(producer) = given.parsed::<i64>("producer-id")? else {
            return Err(Failure::usage(
                "The transaction to abort must be identified either with --start-offset (for newer brokers) or with \
                 --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)",
            ));
        };
        let missing = |flag: &str| Failure::usage(format!("Missing required argument --{flag}"));
        let epoch = given.parsed::<i16>("producer-epoch")?.ok_or_else(|| missing("producer-epoch"))?;
        let coordinator = given.parsed::<i32>("coordinator-epoch")?.ok_or_else(|| missing("coordinator-epoch"))?;
        return Ok(Marker(producer, epoch, if coordinator < 0 { 0 } else { coordinator }));
    };
    let found = active(admin, leader, topic, partition)?;
    let found = found.into_iter().find(|producer| producer.current_txn_start_offset == start).ok_or_else(|| {
        Failure::new(format!(
            "Could not find any open transactions starting at offset {start} on partition {topic}-{partition}"
        ))
    })?;
    let epoch =
        i16::try_from(found.producer_epoch).map_err(|_| Failure::new("the producer's epoch is out of range"))?;
    // -1 where no coordinator has written to the partition yet.
    Ok(Marker(found.producer_id.0, epoch, found.coordinator_epoch.max(0)))
}

pub(super) fn find(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let longest = given.parsed_or("max-transaction-timeout", LONGEST_MINUTES)?.saturating_mul(MINUTE_MS);
    let partitions = wanted(given, admin)?;
    let now = admin.world.now_ms();
    let mut open: Vec<(Partition, ProducerState)> = Vec::new();
    for ((topic, partition), leader) in partitions {
        for producer in active(admin, leader, &topic, partition)? {
            let is_old = now.saturating_sub(producer.last_timestamp) > longest;
            if producer.current_txn_start_offset >= 0 && is_old {
                open.push(((topic.clone(), partition), producer));
            }
        }
    }
    let known = known(admin, &open)?;
    let row = |((topic, partition), producer): &(Partition, ProducerState)| {
        vec![
            topic.clone(),
            partition.to_string(),
            producer.producer_id.0.to_string(),
            producer.producer_epoch.to_string(),
            producer.coordinator_epoch.to_string(),
            producer.current_txn_start_offset.to_string(),
            producer.last_timestamp.to_string(),
            (now.saturating_sub(producer.last_timestamp) / MINUTE_MS).to_string(),
        ]
    };
    let hangs = |(partition, producer): &&(Partition, ProducerState)| {
        !known.get(&producer.producer_id.0).is_some_and(|partitions| partitions.contains(partition))
    };
    let rows: Vec<Vec<String>> = open.iter().filter(hangs).map(row).collect();
    let header = [
        "Topic",
        "Partition",
        "ProducerId",
        "ProducerEpoch",
        "CoordinatorEpoch",
        "StartOffset",
        "LastTimestamp",
        "Duration(min)",
    ];
    admin.world.out(&tabbed(&header, &rows));
    Ok(())
}

/// The partitions to look at, and their leaders.
fn wanted(given: &Given, admin: &mut Admin<'_>) -> Result<BTreeMap<Partition, i32>, Failure> {
    let (topic, broker) = (given.one("topic")?.map(str::to_owned), given.parsed::<i32>("broker-id")?);
    let partition = given.parsed::<i32>("partition")?;
    if partition.is_some() && topic.is_none() {
        return Err(Failure::usage("The --partition argument requires --topic to be provided"));
    }
    if topic.is_none() && broker.is_none() {
        return Err(Failure::usage(
            "The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search",
        ));
    }
    let topics = match topic {
        Some(topic) => vec![topic],
        None => {
            let metadata = admin.metadata(None)?;
            metadata.topics.iter().filter_map(|topic| topic.name.as_ref().map(|name| name.to_string())).collect()
        }
    };
    let mut partitions = admin.leaders(&topics)?;
    partitions.retain(|(_, index), leader| {
        partition.is_none_or(|partition| partition == *index) && broker.is_none_or(|broker| broker == *leader)
    });
    Ok(partitions)
}

/// The partitions that coordinators know of the transactions of these producers.
fn known(admin: &mut Admin<'_>, open: &[(Partition, ProducerState)]) -> Result<BTreeMap<i64, Vec<Partition>>, Failure> {
    let mut known = BTreeMap::new();
    if open.is_empty() {
        return Ok(known);
    }
    let producers: Vec<ProducerId> = open.iter().map(|(_, producer)| producer.producer_id).collect();
    let mut ids: Vec<TransactionalId> = Vec::new();
    for node in admin.nodes()? {
        let request = ListTransactionsRequest::default().with_duration_filter(-1);
        let request = request.with_producer_id_filters(producers.clone());
        let answer = admin.ask(To::Broker(node.id), |_| request)?;
        if answer.error_code != 0 {
            return Err(Failure::kafka(answer.error_code, None));
        }
        ids.extend(answer.transaction_states.into_iter().map(|one| one.transactional_id));
    }
    for id in ids {
        let coordinator = admin.coordinator(Coordinates::Transaction, &id.0)?;
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id]);
        for one in admin.ask(To::Broker(coordinator.id), |_| request)?.transaction_states {
            let topics = one.topics.iter();
            let partitions = topics.flat_map(|topic| topic.partitions.iter().map(|at| (topic.topic.to_string(), *at)));
            known.insert(one.producer_id.0, partitions.collect::<Vec<Partition>>());
        }
    }
    Ok(known)
}
