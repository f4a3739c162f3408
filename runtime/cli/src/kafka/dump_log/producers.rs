//! The lines of `.snapshot` and `.txnindex`: producers as of an offset, and aborted transactions.

use broker_store::segment::{producers_of, transactions_of};

use super::read;
use crate::{failure::Failure, world::World};

/// Prints a `.snapshot`.
pub(super) fn snapshot(world: &mut dyn World, file: &str) -> Result<(), Failure> {
    match producers_of(&read(world, file)?) {
        Err(why) => world.err(&format!("{file}: {why}\n")),
        Ok(producers) => {
            for producer in producers {
                let open = match producer.open {
                    Some(offset) => format!("OptionalLong[{offset}]"),
                    None => "OptionalLong.empty".to_owned(),
                };
                let last = producer.last.map_or_else(String::new, |(first, last, offset)| {
                    format!(
                        " firstSequence: {first} lastSequence: {last} lastOffset: {offset} offsetDelta: {} timestamp: {}",
                        last.wrapping_sub(first) & i32::MAX,
                        producer.timestamp
                    )
                });
                world.out(&format!(
                    "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {open} lastTimestamp: {}{last}\n",
                    producer.id, producer.epoch, producer.coordinator_epoch, producer.timestamp
                ));
            }
        }
    }
    Ok(())
}

/// Prints a `.txnindex`.
pub(super) fn aborted(world: &mut dyn World, file: &str) -> Result<(), Failure> {
    let entries = transactions_of(&read(world, file)?).map_err(|why| Failure::new(format!("{file}: {why}")))?;
    for entry in entries {
        world.out(&format!(
            "version: 0 producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}\n",
            entry.producer_id, entry.first_offset, entry.last_offset, entry.last_stable_offset
        ));
    }
    Ok(())
}
