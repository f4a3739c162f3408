//! Where a group's offsets may be moved to.
//!
//! Owns the partitions that are meant and their new offsets. Leaves flags to the tools, the commit to [`crate::groups`], requests for
//! offsets to [`crate::offsets`]. Invariant: a new offset lies between the beginning and the end of its log.

use std::collections::BTreeMap;

use crate::{
    admin::Admin,
    failure::Failure,
    groups::Committed,
    java::hash_order,
    offsets::{self, EARLIEST, LATEST, Partition},
};

/// A place in every log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Its beginning.
    Earliest,
    /// Its end.
    Latest,
    /// Where the group is; its end where the group has no offset.
    Current,
    /// This offset.
    Offset(i64),
    /// So many records on from where the group is, or back if negative.
    Shift(i64),
    /// The first record at or after a time, milliseconds since 1970.
    At(i64),
}

/// `topic`, or `topic:0,2`: its partitions.
///
/// # Errors
/// The topic or a partition is not there.
pub fn partitions_of(admin: &mut Admin<'_>, topic: &str) -> Result<Vec<Partition>, Failure> {
    let (name, some) = topic.split_once(':').map_or((topic, None), |(name, some)| (name, Some(some)));
    let metadata = admin.metadata(Some(&[name.to_owned()]))?;
    let Some(found) = metadata.topics.first().filter(|found| found.error_code == 0) else {
        let code = metadata.topics.first().map_or(3, |found| found.error_code);
        return Err(Failure::kafka(code, None).without_class());
    };
    let mut there: Vec<i32> = found.partitions.iter().map(|partition| partition.partition_index).collect();
    there.sort_unstable();
    let Some(some) = some else {
        return Ok(there.into_iter().map(|partition| (name.to_owned(), partition)).collect());
    };
    let number = |text: &str| {
        text.trim()
            .parse::<i32>()
            .map_err(|_| Failure::usage(format!("Invalid partition '{text}' specified in topic arg '{topic}''")))
    };
    let wanted = some.split(',').map(number).collect::<Result<Vec<i32>, Failure>>()?;
    let missing: Vec<String> =
        wanted.iter().filter(|wanted| !there.contains(wanted)).map(|wanted| format!("{name}-{wanted}")).collect();
    if !missing.is_empty() {
        let message = format!("The partitions \"{}\" do not exist", missing.join(","));
        return Err(Failure::kafka(3, Some(&message)).without_class());
    }
    Ok(wanted.into_iter().map(|partition| (name.to_owned(), partition)).collect())
}

/// The new offsets of partitions, in the order in which Kafka's tool has them. What is peculiar is said on the way.
///
/// # Errors
/// A partition without an offset where one is needed; what a leader says.
pub fn offsets(
    admin: &mut Admin<'_>,
    target: Target,
    partitions: Vec<Partition>,
    committed: &BTreeMap<Partition, Committed>,
) -> Result<Vec<(Partition, i64)>, Failure> {
    let partitions = hash_order(partitions, Clone::clone);
    let current = |partition: &Partition| committed.get(partition).map(|committed| committed.offset);
    match target {
        Target::Earliest => found(admin, &partitions, EARLIEST),
        Target::Latest => found(admin, &partitions, LATEST),
        Target::Offset(offset) => bounded(admin, partitions.into_iter().map(|partition| (partition, offset)).collect()),
        Target::Shift(by) => {
            let shifted = |partition: Partition| match current(&partition) {
                Some(offset) => Ok((partition, offset.saturating_add(by))),
                None => Err(Failure::usage(format!(
                    "Cannot shift offset for partition {}-{} since there is no current committed offset",
                    partition.0, partition.1
                ))),
            };
            bounded(admin, partitions.into_iter().map(shifted).collect::<Result<_, Failure>>()?)
        }
        Target::Current => {
            let ends = found(admin, &partitions, LATEST)?;
            Ok(ends
                .into_iter()
                .map(|(partition, end)| (partition.clone(), current(&partition).unwrap_or(end)))
                .collect())
        }
        Target::At(at) => at_time(admin, &partitions, at),
    }
}

/// Offsets that must be there.
fn found(admin: &mut Admin<'_>, partitions: &[Partition], timestamp: i64) -> Result<Vec<(Partition, i64)>, Failure> {
    let mut offsets = offsets::at(admin, partitions, timestamp)?;
    let offset = |partition: &Partition| match offsets.remove(partition) {
        Some(Ok(Some(offset))) => Ok((partition.clone(), offset)),
        Some(Err(failure)) => Err(failure.without_class()),
        _ => Err(Failure::usage(format!(
            "Error getting starting offset of topic partition: {}-{}",
            partition.0, partition.1
        ))),
    };
    partitions.iter().map(offset).collect()
}

/// The first record at or after a time, or the end of the log.
fn at_time(admin: &mut Admin<'_>, partitions: &[Partition], timestamp: i64) -> Result<Vec<(Partition, i64)>, Failure> {
    let mut at = offsets::at(admin, partitions, timestamp)?;
    let ends = found(admin, partitions, LATEST)?;
    let mut offsets = Vec::new();
    for (partition, end) in ends {
        let offset = match at.remove(&partition) {
            Some(Ok(Some(offset))) => offset,
            Some(Err(failure)) => return Err(failure.without_class()),
            _ => {
                let (topic, number) = &partition;
                let warning = "is empty. Falling back to latest known offset.";
                admin.world.out(&format!("\nWarn: Partition {number} from topic {topic} {warning}\n"));
                end
            }
        };
        offsets.push((partition, offset));
    }
    Ok(offsets)
}

/// The same offsets within their logs. One that lies outside is said on the way.
///
/// # Errors
/// What a leader says; nobody answers in time.
pub fn bounded(admin: &mut Admin<'_>, wanted: Vec<(Partition, i64)>) -> Result<Vec<(Partition, i64)>, Failure> {
    let partitions: Vec<Partition> = wanted.iter().map(|(partition, _)| partition.clone()).collect();
    let (starts, ends) = (found(admin, &partitions, EARLIEST)?, found(admin, &partitions, LATEST)?);
    let mut offsets = Vec::new();
    for (((partition, wanted), (_, start)), (_, end)) in wanted.into_iter().zip(starts).zip(ends) {
        let warning = match () {
            () if wanted > end => Some(("higher than latest", end)),
            () if wanted < start => Some(("lower than earliest", start)),
            () => None,
        };
        let offset = warning.map_or(wanted, |(_, offset)| offset);
        if let Some((than, _)) = warning {
            let name = format!("{}-{}", partition.0, partition.1);
            admin.world.err(&format!(
                "WARN New offset ({wanted}) is {than} offset for topic partition {name}. Value will be set to {offset}\n"
            ));
        }
        offsets.push((partition, offset));
    }
    Ok(offsets)
}
