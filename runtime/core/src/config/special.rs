//! Rules of single framework keys that are more than a type and a range.
//!
//! Owns the rules for names, aliases, a sink's topics and dead letter queue, topic creation, and client overrides, with
//! Kafka's texts. Invariant: each error is attached to the key that Kafka attaches it to.

use super::infos::{ConfigInfo, ConfigInfos, ConfigValueInfo};
use super::validate::OverridePolicy;
use super::value::{full_match, list};
use super::{ConfigMap, Submitted};
use crate::plugin::Role;
use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

/// Most transforms, predicates or topic groups of one connector.
pub const MAX_ALIASES: usize = 100;

/// Applies every rule to the rows that are there.
pub fn check(infos: &mut ConfigInfos, submitted: &Submitted, role: Role) {
    let config = &submitted.config;
    if let Some(why) = config.get("name").and_then(|name| bad_name(name.trim())) {
        infos.error(
            "name",
            format!("Invalid value {} for configuration name: {why}", config.get("name").unwrap_or_default().trim()),
        );
    }
    let groups = (role == Role::Source).then_some("topic.creation.groups");
    for key in ["transforms", "predicates"].into_iter().chain(groups) {
        if submitted.nulls.iter().any(|null| null == key) {
            infos.error(key, format!("Invalid value null for configuration {key}: entry must be non null"));
        }
        check_aliases(infos, config, key);
    }
    if role == Role::Sink {
        check_topics(infos, config);
        check_dead_letter_queue(infos, config);
    } else {
        check_topic_creation(infos, config);
    }
}

/// Why `name` cannot be a connector's name.
pub fn bad_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("String may not be empty".into());
    }
    let control: BTreeSet<u32> = name.chars().filter(|char| char.is_control()).map(u32::from).collect();
    let codes: Vec<String> = control.iter().map(|code| format!("{code}")).collect();
    (!codes.is_empty()).then(|| {
        format!("String may not contain control sequences but had the following ASCII chars: {}", codes.join(", "))
    })
}

fn check_aliases(infos: &mut ConfigInfos, config: &ConfigMap, key: &str) {
    let aliases = list(config.get(key).unwrap_or_default());
    let shown = || format!("[{}]", aliases.join(", "));
    if aliases.iter().collect::<BTreeSet<_>>().len() < aliases.len() {
        infos.error(key, format!("Invalid value {} for configuration {key}: Duplicate alias provided.", shown()));
    }
    if aliases.len() > MAX_ALIASES {
        infos.error(
            key,
            format!(
                "Invalid value for configuration {key}: {} names, but at most {MAX_ALIASES} are allowed",
                aliases.len()
            ),
        );
    }
    if key != "transforms" {
        return;
    }
    for alias in aliases.iter().take(MAX_ALIASES) {
        let has = |setting| config.contains(&format!("transforms.{alias}.{setting}"));
        if has("negate") && !has("predicate") {
            infos.error(
                &format!("transforms.{alias}.type"),
                format!("Config 'transforms.{alias}.negate' was provided but there is no config 'transforms.{alias}.predicate' defining a predicate to be negated."),
            );
        }
    }
}

fn check_topics(infos: &mut ConfigInfos, config: &ConfigMap) {
    let set = |key| config.get(key).is_some_and(|value| !value.trim().is_empty());
    let message = match (set("topics"), set("topics.regex")) {
        (true, true) => Some("topics and topics.regex are mutually exclusive options, but both are set."),
        (false, false) => Some("Must configure one of topics or topics.regex"),
        _ => None,
    };
    for key in message.iter().flat_map(|_| ["topics", "topics.regex"]) {
        infos.error(key, message.unwrap_or_default().into());
    }
    let topics = list(config.get("topics").unwrap_or_default());
    if topics.iter().collect::<BTreeSet<_>>().len() < topics.len() {
        infos.error("topics", "Configuration 'topics' values must not be duplicated.".into());
    } else if topics.iter().any(String::is_empty) {
        infos.error("topics", "Configuration 'topics' values must not be empty.".into());
    }
    if let Some(pattern) = config.get("topics.regex").map(str::trim)
        && let Err(error) = full_match(pattern)
    {
        infos.error(
            "topics.regex",
            format!("Invalid value {pattern} for configuration topics.regex: Invalid regex: {error}"),
        );
    }
}

fn check_dead_letter_queue(infos: &mut ConfigInfos, config: &ConfigMap) {
    let Some(queue) = config.get("errors.deadletterqueue.topic.name").map(str::trim).filter(|queue| !queue.is_empty())
    else {
        return;
    };
    let topics = list(config.get("topics").unwrap_or_default());
    if topics.iter().any(|topic| topic == queue) {
        let mut seen = BTreeSet::new();
        let shown: Vec<&str> = topics.iter().map(String::as_str).filter(|topic| seen.insert(*topic)).collect();
        let shown = shown.join(", ");
        infos.error("topics", format!("The DLQ topic '{queue}' may not be included in the list of topics ('topics=[{shown}]') consumed by the connector"));
    }
    let pattern = config.get("topics.regex").map(str::trim).filter(|pattern| !pattern.is_empty());
    if let Some(pattern) = pattern.filter(|pattern| full_match(pattern).is_ok_and(|regex| regex.is_match(queue))) {
        infos.error(
            "topics.regex",
            format!("The DLQ topic '{queue}' may not be matched by the regex for the topics ('topics.regex={pattern}') consumed by the connector"),
        );
    }
}

/// Kafka finds this out when it starts the connector, and leaves it registered and FAILED; it is better said at once.
fn check_topic_creation(infos: &mut ConfigInfos, config: &ConfigMap) {
    if !config.iter().any(|(key, _)| key.starts_with("topic.creation.")) {
        return;
    }
    for key in ["topic.creation.default.replication.factor", "topic.creation.default.partitions"] {
        match config.get(key).map(|value| value.trim().parse::<i32>()) {
            None => infos.error(
                "topic.creation.groups",
                format!("Missing required configuration \"{key}\" which has no default value."),
            ),
            Some(Ok(-1 | 1..)) => {}
            Some(_) => infos.error(
                "topic.creation.groups",
                format!(
                    "Invalid value {} for configuration {key}: Value must be -1 or at least 1",
                    config.get(key).unwrap_or_default()
                ),
            ),
        }
    }
}

/// Rows of the client overrides that are in the configuration and that a connector of this kind uses.
pub fn overrides(infos: &mut ConfigInfos, submitted: &Submitted, role: Role, policy: &OverridePolicy) {
    let config = &submitted.config;
    let dead_letters = config.get("errors.deadletterqueue.topic.name").is_some_and(|queue| !queue.trim().is_empty());
    let creates = config.iter().any(|(key, _)| key.starts_with("topic.creation."));
    let prefixes: &[&str] = match role {
        Role::Source if creates => &["producer.override.", "admin.override."],
        Role::Source => &["producer.override."],
        _ if dead_letters => &["consumer.override.", "producer.override.", "admin.override."],
        _ => &["consumer.override."],
    };
    for prefix in prefixes {
        for (key, value) in config.under(prefix).iter() {
            let errors: Vec<String> = refused(policy, key).into_iter().collect();
            infos.error_count += errors.len();
            let secret = ["password", "jaas.config", "keystore.key"].iter().any(|word| key.contains(word));
            let value = if secret { "[hidden]" } else { value };
            let value = ConfigValueInfo {
                name: format!("{prefix}{key}"),
                value: Some(value.into()),
                recommended_values: Vec::new(),
                errors,
                visible: true,
            };
            infos.configs.push(ConfigInfo { definition: None, value });
        }
    }
}

fn refused(policy: &OverridePolicy, key: &str) -> Option<String> {
    let (name, allowed) = match policy {
        OverridePolicy::All => return None,
        OverridePolicy::None => ("None", false),
        OverridePolicy::Principal => {
            ("Principal", matches!(key, "security.protocol" | "sasl.jaas.config" | "sasl.mechanism"))
        }
        OverridePolicy::Allowlist(keys) => ("Allowlist", keys.iter().any(|allowed| allowed == key)),
    };
    (!allowed)
        .then(|| format!("The '{name}' policy does not allow '{key}' to be overridden in the connector configuration."))
}
