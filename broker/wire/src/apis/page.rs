//! The page that lists the APIs, made from their table: `docs/apis.md`.
//!
//! Owns the remarks about what is done otherwise than in Kafka. `cargo run -p broker-wire --example apis > docs/apis.md` writes the
//! page; a test compares.

use std::fmt::Write as _;

use kafka_protocol::messages::ApiKey;

use super::APIS;

/// What a user of Kafka would not expect, by API.
const REMARKS: &[(ApiKey, &str)] = &[
    (ApiKey::Produce, "Advertised from 0 as in Kafka; 0 to 2 are refused. acks=1 is as durable as acks=all."),
    (ApiKey::Fetch, "Topics by name. No follower fetches, no preferred replica."),
    (ApiKey::ListOffsets, "Nothing is tiered: the latest tiered offset is -1, the earliest local one the earliest."),
    (ApiKey::FindCoordinator, "One key per request. This node coordinates everything."),
    (ApiKey::ListGroups, "Classic groups; a filter for other types finds none."),
    (ApiKey::DescribeGroups, "Classic groups; a rebalance shows members without metadata, as in Kafka."),
    (ApiKey::ApiVersions, "No features are finalized."),
    (ApiKey::CreateTopics, "Replication factor 1 or -1; at most 10,000 partitions per topic."),
    (ApiKey::DeleteTopics, "Internal topics cannot be deleted (Kafka lets them be)."),
    (
        ApiKey::InitProducerId,
        "What the id's last producer had open is aborted before the answer: nobody is told CONCURRENT_TRANSACTIONS to wait for it.",
    ),
    (
        ApiKey::EndTxn,
        "Transactions v1. The answer comes when every marker is durable: the whole end is one journal entry.",
    ),
    (ApiKey::DescribeTransactions, "No transaction is ever in a state between open and complete."),
    (ApiKey::DescribeAcls, "SECURITY_DISABLED: there is no authorizer."),
    (ApiKey::CreateAcls, "SECURITY_DISABLED: there is no authorizer."),
    (ApiKey::DeleteAcls, "SECURITY_DISABLED: there is no authorizer."),
    (
        ApiKey::DescribeConfigs,
        "Of brokers: the settings that are honoured. Of loggers: `root`. Of groups and client metrics: none.",
    ),
    (
        ApiKey::AlterConfigs,
        "Topics, and the broker settings that are defaults of topics; others cannot be altered at run time.",
    ),
    (ApiKey::IncrementalAlterConfigs, "As AlterConfigs."),
    (ApiKey::AlterReplicaLogDirs, "There is one folder: any other is LOG_DIR_NOT_FOUND."),
    (ApiKey::CreateDelegationToken, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as over any plaintext listener."),
    (ApiKey::RenewDelegationToken, "As CreateDelegationToken."),
    (ApiKey::ExpireDelegationToken, "As CreateDelegationToken."),
    (ApiKey::DescribeDelegationToken, "As CreateDelegationToken."),
    (ApiKey::ElectLeaders, "ELECTION_NOT_NEEDED: one node leads everything."),
    (ApiKey::AlterPartitionReassignments, "A partition can be assigned to this node, where it is."),
    (ApiKey::ListPartitionReassignments, "None is ever under way."),
    (ApiKey::DescribeClientQuotas, "There are none."),
    (ApiKey::AlterClientQuotas, "Refused: a quota would not be enforced."),
    (ApiKey::DescribeUserScramCredentials, "There are none."),
    (ApiKey::AlterUserScramCredentials, "Refused: clients are not authenticated."),
    (ApiKey::DescribeQuorum, "A quorum of one; its high watermark is the last durable entry of the journal."),
    (ApiKey::UpdateFeatures, "Refused: no feature is finalized."),
    (ApiKey::DescribeCluster, "Brokers, not controllers. Without an authorizer every operation is allowed."),
    (ApiKey::ListConfigResources, "Topics, the broker and its loggers."),
];

/// What Kafka 4.3 has and we do not.
const ABSENT: &str = "\
## What is not served

Clients and tools see that these are missing and do without.

| | |
|---|---|
| GetTelemetrySubscriptions, PushTelemetry | as in a Kafka without a telemetry plug-in |
| ConsumerGroupHeartbeat, ConsumerGroupDescribe | `group.protocol=consumer` (KIP-848); classic groups are whole |
| ShareGroup*, ShareFetch, ShareAcknowledge, StreamsGroup* | share groups and the streams protocol |
| SaslHandshake, SaslAuthenticate | listeners are plaintext |
| UnregisterBroker, AddRaftVoter, RemoveRaftVoter and what brokers say to each other | there is one node |
";

/// The page.
pub fn page() -> String {
    let mut page = String::from(
        "# The APIs of Kafka's protocol that connectd serves\n\nMade from the table that also makes the answer to ApiVersions: \
         `cargo run -p broker-wire --example apis > docs/apis.md`.\nThe remarks say what is otherwise than in Kafka 4.3.\n\n\
         | key | API | versions | remarks |\n|---|---|---|---|\n",
    );
    for row in APIS {
        let remark = REMARKS.iter().find(|(api, _)| *api == row.key).map_or("", |(_, remark)| remark);
        writeln!(page, "| {} | {} | {} to {} | {remark} |", row.key as i16, row.name, row.served, row.max)
            .expect("a string takes everything");
    }
    page + "\n" + ABSENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_made_from_the_table() {
        let written = include_str!("../../../../docs/apis.md");
        assert!(written == page(), "run: cargo run -p broker-wire --example apis > docs/apis.md");
        for (api, _) in REMARKS {
            assert!(APIS.iter().any(|row| row.key == *api), "{api:?} has a remark and no row");
        }
    }
}
