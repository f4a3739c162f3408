//! `kafka-consumer-groups --delete-offsets`.
//!
//! Invariant: every topic that was named has a line that says what became of it.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    GroupId, OffsetDeleteRequest,
    offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
};

use crate::{
    admin::{Admin, Coordinates, To, text, topic_name},
    failure::Failure,
    flags::Given,
    offsets::Partition,
    reset,
};

pub(super) fn delete(given: &Given, admin: &mut Admin<'_>) -> Result<(), Failure> {
    let name = given.one("group")?.unwrap_or_default();
    let mut outcomes: BTreeMap<(String, Option<i32>), Option<Failure>> = BTreeMap::new();
    let mut partitions: Vec<Partition> = Vec::new();
    for topic in given.all("topic") {
        match reset::partitions_of(admin, topic) {
            Ok(found) => partitions.extend(found),
            Err(failure) if failure.code == 3 => {
                outcomes.insert(
                    (topic.split(':').next().unwrap_or_default().to_owned(), None),
                    Some(Failure::kafka(failure.code, None)),
                );
            }
            Err(failure) => return Err(failure),
        }
    }
    let whole = match forget(admin, name, &partitions) {
        Ok(results) => {
            outcomes.extend(results.into_iter().map(|((topic, partition), result)| ((topic, Some(partition)), result)));
            let failed = outcomes.iter().any(|((_, partition), outcome)| partition.is_some() && outcome.is_some());
            match failed {
                true => "\nError: Encountered some partition-level error, see the follow-up details.\n".to_owned(),
                false => format!("Request succeeded for deleting offsets from group {name}.\n"),
            }
        }
        Err(failure) if failure.code != 0 => {
            for (topic, partition) in partitions {
                outcomes.insert((topic, Some(partition)), Some(failure.clone()));
            }
            format!("\nError: {}\n", failure.message)
        }
        Err(failure) => return Err(failure),
    };
    let line = |topic: &str, partition: &str, status: &str| format!("{topic:<15} {partition:<10} {status:<15}\n");
    let mut lines = format!("{whole}\n{}", line("TOPIC", "PARTITION", "STATUS"));
    for ((topic, partition), outcome) in &outcomes {
        let partition = partition.map_or("-".to_owned(), |partition| partition.to_string());
        let status = outcome.as_ref().map_or("Successful".to_owned(), |failure| format!("Error: {}", failure.java()));
        lines.push_str(&line(topic, &partition, &status));
    }
    admin.world.out(&lines);
    Ok(())
}

fn forget(
    admin: &mut Admin<'_>,
    name: &str,
    partitions: &[Partition],
) -> Result<BTreeMap<Partition, Option<Failure>>, Failure> {
    let mut topics: BTreeMap<&str, Vec<OffsetDeleteRequestPartition>> = BTreeMap::new();
    for (topic, partition) in partitions {
        let request = OffsetDeleteRequestPartition::default().with_partition_index(*partition);
        topics.entry(topic).or_default().push(request);
    }
    let topic = |(name, partitions): (&&str, &Vec<OffsetDeleteRequestPartition>)| {
        OffsetDeleteRequestTopic::default().with_name(topic_name(name)).with_partitions(partitions.clone())
    };
    admin.retrying(|admin| {
        let coordinator = admin.coordinator(Coordinates::Group, name)?;
        let request = OffsetDeleteRequest::default().with_group_id(GroupId(text(name)));
        let request = request.with_topics(topics.iter().map(topic).collect());
        let answer = admin.ask(To::Broker(coordinator.id), |_| request)?;
        if answer.error_code != 0 {
            return Err(Failure::kafka(answer.error_code, None));
        }
        let mut results = BTreeMap::new();
        for topic in &answer.topics {
            for partition in &topic.partitions {
                let failure = (partition.error_code != 0).then(|| Failure::kafka(partition.error_code, None));
                results.insert((topic.name.to_string(), partition.partition_index), failure);
            }
        }
        Ok(results)
    })
}
