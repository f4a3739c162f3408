//! What a fetch answered, as columns.

use broker::Handle;
use broker_core::{
    error::Error,
    request::{Fetch, Fetched as Partition, TopicReply},
};
use broker_wire::records::{self, RecordReader};
use runtime_core::{columns::Columns, consumer::Fetched, exchange::TopicPartition};

/// Reads what is in segments, and then the records of all partitions.
pub async fn read(handle: &Handle, asked: &Fetch, topics: Vec<TopicReply<Partition>>) -> Result<Fetched, String> {
    let mut fetched = Fetched::default();
    let mut bytes = Vec::new();
    for TopicReply { topic, partitions } in topics {
        for partition in partitions {
            let tp = TopicPartition { topic: topic.clone(), partition: partition.partition };
            match partition.error {
                Some(error) => fetched.errors.push((tp, error)),
                None => match handle.read(partition.records).await {
                    Ok(pieces) if pieces.is_empty() => {}
                    Ok(pieces) => bytes.push((tp, pieces)),
                    Err(error) => {
                        tracing::error!("{}-{}: {error}", tp.topic, tp.partition);
                        fetched.errors.push((tp, Error::KafkaStorageError));
                    }
                },
            }
        }
    }
    if bytes.is_empty() {
        return Ok(fetched);
    }
    decode(asked, &bytes, fetched)
}

fn decode(asked: &Fetch, all: &[(TopicPartition, Vec<bytes::Bytes>)], mut fetched: Fetched) -> Result<Fetched, String> {
    let total: usize = all.iter().flat_map(|(_, pieces)| pieces).map(|piece| piece.len()).sum();
    let count: usize = all.iter().flat_map(|(_, pieces)| pieces).map(|piece| count(piece)).sum();
    let mut columns = Columns::with_capacity(count, total);
    let mut reader = RecordReader::default();
    for (tp, pieces) in all {
        let from = offset_asked(asked, tp);
        columns.partition(&tp.topic, tp.partition, from);
        for piece in pieces {
            one_piece(&mut columns, &mut reader, piece)
                .map_err(|why| format!("{}-{}: {why}", tp.topic, tp.partition))?;
        }
        if columns.next_offset() > from {
            fetched.next.push((tp.clone(), columns.next_offset()));
        }
    }
    fetched.records = columns.finish().map_err(|bad| bad.to_string())?;
    Ok(fetched)
}

fn one_piece(columns: &mut Columns, reader: &mut RecordReader, piece: &[u8]) -> Result<(), String> {
    for batch in records::batches(piece) {
        let batch = batch.map_err(|error| error.to_string())?;
        if !batch.info.is_control() {
            for record in reader.records(&batch).map_err(|error| error.to_string())? {
                let record = record.map_err(|error| error.to_string())?;
                let headers = record.headers.map(|header| (header.key, header.value));
                columns.push(record.offset, record.timestamp, record.key, record.value, headers);
            }
        }
        columns.batch_end(batch.info.last_offset() + 1);
    }
    Ok(())
}

/// Records in these batches, as their headers say; only to reserve room, so no more than the bytes can hold.
fn count(piece: &[u8]) -> usize {
    const LEAST_RECORD_BYTES: usize = 7;
    let counts =
        records::batches(piece).map_while(Result::ok).map(|batch| usize::try_from(batch.info.count).unwrap_or(0));
    let most = if counts.clone().count() == 1 { 1 << 20 } else { piece.len() / LEAST_RECORD_BYTES };
    counts.sum::<usize>().min(most.max(1))
}

fn offset_asked(asked: &Fetch, tp: &TopicPartition) -> i64 {
    let topic = asked.topics.iter().find(|(topic, _)| *topic == tp.topic);
    let partitions = topic.into_iter().flat_map(|(_, partitions)| partitions);
    partitions.into_iter().find(|asked| asked.partition == tp.partition).map_or(0, |asked| asked.offset)
}
