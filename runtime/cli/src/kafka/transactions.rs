//! `kafka-transactions`: which transactions there are, and who produces to a partition.
//!
//! Owns its flags, and what is listed and described. Leaves those that hang, and ending them by hand, to [`hanging`]. Source: Kafka 4.3's
//! TransactionsCommand. Invariant: nothing is changed but by `abort`.

use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest, TransactionalId,
    describe_producers_request::TopicRequest, describe_producers_response::ProducerState,
};

use crate::{
    admin::{Admin, Coordinates, To, text, topic_name},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, value},
    table::tabbed,
    tool::{Run, Sub, Tool},
    world::World,
};

mod hanging;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-transactions",
    about: "List and describe transactions, and the producers of a partition.",
    flags: FLAGS,
    commands: COMMANDS,
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[BOOTSTRAP_SERVER, COMMAND_CONFIG];

const ONLY_TWO_PHASE: &str =
    "there are no transactions of two phases; a producer with the same transactional id ends the old one";

const COMMANDS: &[Sub] = &[
    Sub {
        name: "list",
        about: "List transactions.",
        flags: &[
            value("duration-filter", "ms", "Only those that have lasted for longer."),
            value("transactional-id-pattern", "expression", "Only those whose id matches."),
        ],
    },
    Sub { name: "describe", about: "Show one.", flags: &[value("transactional-id", "id", "Which.")] },
    Sub {
        name: "describe-producers",
        about: "Show the producers of a partition.",
        flags: &[
            value("topic", "name", "The topic."),
            value("partition", "id", "The partition."),
            value("broker-id", "id", "The broker that is asked; the leader without it."),
        ],
    },
    Sub {
        name: "abort",
        about: "End one by hand.",
        flags: &[
            value("topic", "name", "The topic."),
            value("partition", "id", "The partition."),
            value("start-offset", "offset", "Where the transaction begins in the partition."),
            value("producer-id", "id", "Its producer, in place of where it begins."),
            value("producer-epoch", "epoch", "With --producer-id."),
            value("coordinator-epoch", "epoch", "With --producer-id."),
        ],
    },
    Sub {
        name: "find-hanging",
        about: "Find those that nobody ends.",
        flags: &[
            value("broker-id", "id", "Look at this broker's partitions."),
            value("topic", "name", "Look at this topic."),
            value("partition", "id", "With --topic: look at this partition."),
            value("max-transaction-timeout", "minutes", "The longest that a transaction may last [default: 15]."),
        ],
    },
    Sub {
        name: "forceTerminateTransaction",
        about: "End those of a transactional id.",
        flags: &[value("transactionalId", "id", "").not_here(ONLY_TWO_PHASE)],
    },
];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let Some(command) = given.command else {
        return Err(Failure::usage("kafka-transactions: error: too few arguments"));
    };
    given.require(&["bootstrap-server"])?;
    let mut admin = Admin::new(given, world, "listTransactions")?;
    match command {
        "list" => list(given, &mut admin),
        "describe" => describe(given, &mut admin),
        "describe-producers" => producers(given, &mut admin),
        "abort" => hanging::abort(given, &mut admin),
        "find-hanging" => hanging::find(given, &mut admin),
        other => Err(Failure::new(format!(
            "known, but not supported here: {other} ({ONLY_TWO_PHASE}). Nothing was changed."
        ))),
    }
    .map(|()| 0)
}

fn list(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let longer = given.parsed_or("duration-filter", -1i64)?;
    let pattern = given.one("transactional-id-pattern")?.map(text);
    // Versions 1 and 2 are those that know the filters.
    let least = if pattern.is_some() { 2 } else { i16::from(longer >= 0) };
    let mut rows = Vec::new();
    for node in admin.nodes()? {
        let request = ListTransactionsRequest::default();
        let request = request.with_duration_filter(longer).with_transactional_id_pattern(pattern.clone());
        let answer = admin.ask_within(To::Broker(node.id), (least, i16::MAX), |_| request)?;
        if answer.error_code != 0 {
            return Err(Failure::kafka(answer.error_code, None));
        }
        for one in answer.transaction_states {
            let id = one.transactional_id.to_string();
            rows.push(vec![id, node.id.to_string(), one.producer_id.0.to_string(), one.transaction_state.to_string()]);
        }
    }
    rows.sort();
    admin.world.out(&tabbed(&["TransactionalId", "Coordinator", "ProducerId", "TransactionState"], &rows));
    Ok(())
}

fn describe(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let Some(id) = given.one("transactional-id")? else {
        return Err(Failure::usage("kafka-transactions describe: error: argument --transactional-id is required"));
    };
    let coordinator = admin.coordinator(Coordinates::Transaction, id)?;
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![TransactionalId(text(id))]);
    let answer = admin.ask(To::Broker(coordinator.id), |_| request)?;
    let Some(one) = answer.transaction_states.first() else { return Ok(()) };
    if one.error_code != 0 {
        let why = match one.error_code {
            105 => format!(
                "DescribeTransactions request for transactionalId `{id}` failed because the ID could not be found. Enable debug \
                 logging for additional detail."
            ),
            code => Failure::kafka(code, None).message,
        };
        return Err(Failure::new(format!("Failed to describe transaction state of transactional-id `{id}`: {why}")));
    }
    let started = Some(one.transaction_start_time_ms).filter(|time| *time >= 0);
    let lasting = started.map_or("None".to_owned(), |started| (admin.world.now_ms() - started).to_string());
    let partitions =
        one.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |at| format!("{}-{at}", &*topic.topic.0)));
    let row = vec![
        coordinator.id.to_string(),
        id.to_owned(),
        one.producer_id.0.to_string(),
        one.producer_epoch.to_string(),
        one.transaction_state.to_string(),
        one.transaction_timeout_ms.to_string(),
        started.map_or("None".to_owned(), |started| started.to_string()),
        lasting,
        partitions.collect::<Vec<String>>().join(","),
    ];
    let header = [
        "CoordinatorId",
        "TransactionalId",
        "ProducerId",
        "ProducerEpoch",
        "TransactionState",
        "TransactionTimeoutMs",
        "CurrentTransactionStartTimeMs",
        "TransactionDurationMs",
        "TopicPartitions",
    ];
    admin.world.out(&tabbed(&header, &[row]));
    Ok(())
}

fn producers(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let topic = given.one("topic")?.unwrap_or_default().to_owned();
    let Some(partition) = given.parsed::<i32>("partition")?.filter(|_| !topic.is_empty()) else {
        return Err(Failure::usage(
            "kafka-transactions describe-producers: error: arguments --topic and --partition are required",
        ));
    };
    let broker = match given.parsed::<i32>("broker-id")? {
        Some(broker) => broker,
        None => {
            let leaders = admin.leaders(std::slice::from_ref(&topic))?;
            *leaders.get(&(topic.clone(), partition)).ok_or_else(|| Failure::kafka(3, None))?
        }
    };
    let found = active(admin, broker, &topic, partition)?;
    let row = |producer: &ProducerState| {
        let start = Some(producer.current_txn_start_offset).filter(|offset| *offset >= 0);
        vec![
            producer.producer_id.0.to_string(),
            producer.producer_epoch.to_string(),
            producer.coordinator_epoch.to_string(),
            producer.last_sequence.to_string(),
            producer.last_timestamp.to_string(),
            start.map_or("None".to_owned(), |offset| offset.to_string()),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let header = [
        "ProducerId",
        "ProducerEpoch",
        "LatestCoordinatorEpoch",
        "LastSequence",
        "LastTimestamp",
        "CurrentTransactionStartOffset",
    ];
    admin.world.out(&tabbed(&header, &rows));
    Ok(())
}

/// The producers of a partition, as a broker knows them.
fn active(admin: &mut Admin<'_>, broker: i32, topic: &str, partition: i32) -> Result<Vec<ProducerState>, Failure> {
    let wanted = TopicRequest::default().with_name(topic_name(topic)).with_partition_indexes(vec![partition]);
    let answer = admin.ask(To::Broker(broker), |_| DescribeProducersRequest::default().with_topics(vec![wanted]))?;
    let found = answer.topics.into_iter().flat_map(|topic| topic.partitions).next();
    let Some(found) = found else { return Ok(Vec::new()) };
    if found.error_code != 0 {
        let why = Failure::kafka(found.error_code, found.error_message.as_deref()).message;
        let message =
            format!("Failed to describe producers for partition {topic}-{partition} on broker {broker}: {why}");
        return Err(Failure::new(message));
    }
    Ok(found.active_producers)
}
