//! `connectd topic`: list, describe, create, change and delete topics.
//!
//! Owns its flags, texts and objects. Leaves showing to [`show`], requests to [`crate::topics`] and [`crate::settings`]. Invariant: with `--dry-run` nothing is
//! changed, the cluster has judged the change where it can, and what is printed begins with "would".

use kafka_protocol::messages::{
    create_partitions_request::CreatePartitionsTopic,
    create_topics_request::{CreatableTopic, CreatableTopicConfig},
};
use runtime_core::complaint::Complaint;
use serde_json::json;

use super::{
    cluster::Cluster,
    outcome::{Common, Done, Outcome, because, failed, input},
};
use crate::{
    admin::{Admin, To, text, topic_name},
    settings,
    topics::{self, named},
    world::World,
};

mod show;

/// `connectd topic`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
enum Action {
    /// List topics
    List {
        /// Only those whose whole name matches
        #[arg(value_name = "REGEX")]
        matching: Option<String>,
        /// Internal topics too
        #[arg(long)]
        internal: bool,
    },
    /// Show partitions, offsets and settings
    Describe {
        /// The topics
        #[arg(value_name = "TOPIC", required = true)]
        names: Vec<String>,
    },
    /// Create topics
    Create {
        /// Their names
        #[arg(value_name = "TOPIC", required = true)]
        names: Vec<String>,
        /// Number of partitions [default: the broker's num.partitions]
        #[arg(short, long, value_name = "COUNT")]
        partitions: Option<i32>,
        /// Number of replicas [default: the broker's]
        #[arg(short, long, value_name = "COUNT")]
        replicas: Option<i16>,
        /// A setting of the topic, such as retention.ms=3600000
        #[arg(short = 'c', long = "config", value_name = "NAME=VALUE", value_parser = super::pair)]
        configs: Vec<(String, String)>,
        /// A topic that is there already is no error
        #[arg(long)]
        if_not_exists: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Add partitions, change settings
    Alter {
        /// The topic
        #[arg(value_name = "TOPIC")]
        name: String,
        /// So many partitions from now on; there are never fewer than before
        #[arg(short, long, value_name = "COUNT")]
        partitions: Option<i32>,
        /// A setting
        #[arg(short = 'c', long = "config", value_name = "NAME=VALUE", value_parser = super::pair)]
        configs: Vec<(String, String)>,
        /// A setting that goes back to its default
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete topics and all their records
    Delete {
        /// The topics
        #[arg(value_name = "TOPIC", required = true)]
        names: Vec<String>,
        /// A topic that is not there is no error
        #[arg(long)]
        if_exists: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

impl Topics {
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::List { .. } => "topic list",
            Action::Describe { .. } => "topic describe",
            Action::Create { .. } => "topic create",
            Action::Alter { .. } => "topic alter",
            Action::Delete { .. } => "topic delete",
        }
    }

    pub(super) fn run(&self, world: &mut dyn World) -> Done {
        let unusable = because("the cluster was not asked");
        let admin = &mut self.cluster.admin(world, "listTopics").map_err(unusable)?;
        match &self.action {
            Action::List { matching, internal } => show::list(admin, matching.as_deref(), *internal),
            Action::Describe { names } => show::describe(admin, names),
            Action::Create { names, partitions, replicas, configs, if_not_exists, dry_run } => {
                let wanted = Wish { partitions: *partitions, replicas: *replicas, configs };
                create(admin, names, &wanted, *if_not_exists, *dry_run)
            }
            Action::Alter { name, partitions, configs, unset, dry_run } => {
                alter(admin, name, *partitions, configs, unset, *dry_run)
            }
            Action::Delete { names, if_exists, dry_run } => delete(admin, names, *if_exists, *dry_run),
        }
    }
}

/// What new topics are to be like.
struct Wish<'a> {
    partitions: Option<i32>,
    replicas: Option<i16>,
    configs: &'a [(String, String)],
}

impl Wish<'_> {
    fn topic(&self, name: &str) -> CreatableTopic {
        let config = |(name, value): &(String, String)| {
            CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        };
        CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(self.partitions.unwrap_or(-1))
            .with_replication_factor(self.replicas.unwrap_or(-1))
            .with_configs(self.configs.iter().map(config).collect())
    }

    fn words(&self) -> String {
        let partitions = self.partitions.map(|count| format!("{count} partition{}", if count == 1 { "" } else { "s" }));
        let replicas = self.replicas.map(|count| format!("{count} replica{}", if count == 1 { "" } else { "s" }));
        let configs = self.configs.iter().map(|(name, value)| format!("{name}={value}"));
        let parts: Vec<String> = partitions.into_iter().chain(replicas).chain(configs).collect();
        if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) }
    }
}

fn create(admin: &mut Admin<'_>, names: &[String], wish: &Wish<'_>, if_not_exists: bool, dry_run: bool) -> Done {
    let (mut result, mut text) = (Vec::new(), String::new());
    for name in names {
        let what = format!("topic \"{name}\" was not created");
        let created = match topics::create(admin, &wish.topic(name), dry_run) {
            Err(exists) if exists.code == 36 && if_not_exists => false,
            Err(exists) if exists.code == 36 => {
                return Err(because(what)(exists.advising(format!("connectd topic describe {name}"))));
            }
            other => other.map(|()| true).map_err(because(what))?,
        };
        text += &match (created, dry_run) {
            (false, _) => format!("topic {name} is there already\n"),
            (true, true) => format!("would create topic {name}{}\n", wish.words()),
            (true, false) => format!("created topic {name}{}\n", wish.words()),
        };
        result.push(json!({ "name": name, "created": created && !dry_run, "dry_run": dry_run }));
    }
    Ok(Outcome::new(result.into(), text))
}

fn alter(
    admin: &mut Admin<'_>,
    name: &str,
    partitions: Option<i32>,
    configs: &[(String, String)],
    unset: &[String],
    dry_run: bool,
) -> Done {
    let what = format!("topic \"{name}\" was not changed");
    if partitions.is_none() && configs.is_empty() && unset.is_empty() {
        let complaint = Complaint::new(what).because("the command line names no change");
        return Err(input(complaint.help("say --partitions COUNT, --config NAME=VALUE or --unset NAME")));
    }
    let names = [name.to_owned()];
    let before = show::found(admin, &names, &what)?.first().map_or(0, |topic| topic.partitions.len());
    let settings_before = topics::settings(admin, &names).map_err(because(&what))?.remove(name).unwrap_or_default();
    let mut changes = Vec::new();
    if let Some(count) = partitions {
        let topic =
            CreatePartitionsTopic::default().with_name(topic_name(name)).with_count(count).with_assignments(None);
        topics::add_partitions(admin, vec![topic], dry_run).map_err(because(&what))?;
        changes.push(("partitions".to_owned(), before.to_string(), count.to_string()));
    }
    if !configs.is_empty() || !unset.is_empty() {
        let set = configs.iter().cloned().collect();
        let change = settings::Change { resource: settings::TOPIC, name, set: &set, unset };
        settings::alter(admin, To::Any, change, dry_run).map_err(because(&what))?;
        let was = |key: &str| {
            let found = settings_before.iter().find(|(name, _)| name == key);
            found.map_or("(default)".to_owned(), |(_, value)| value.clone())
        };
        changes.extend(set.iter().map(|(key, value)| (key.clone(), was(key), value.clone())));
        changes.extend(unset.iter().map(|key| (key.clone(), was(key), "(default)".to_owned())));
    }
    let line = |(key, before, after): &(String, String, String)| format!("  {key}: {before} -> {after}\n");
    let lines: String = changes.iter().map(line).collect();
    let object =
        |(key, before, after): &(String, String, String)| json!({ "key": key, "before": before, "after": after });
    let result = json!({ "name": name, "dry_run": dry_run, "changes": changes.iter().map(object).collect::<Vec<_>>() });
    let verb = if dry_run { "would change" } else { "changed" };
    Ok(Outcome::new(result, format!("{verb} topic {name}\n{lines}")))
}

fn delete(admin: &mut Admin<'_>, names: &[String], if_exists: bool, dry_run: bool) -> Done {
    let what = format!("{} not deleted", super::listed("topic", names));
    let metadata = admin.metadata(None).map_err(because(&what))?;
    let there: Vec<String> = named(&metadata).map(|(name, _)| name).collect();
    let (names, missing): (Vec<String>, Vec<String>) = names.iter().cloned().partition(|name| there.contains(name));
    if let Some(missing) = missing.first().filter(|_| !if_exists) {
        return Err(failed(show::missing(&what, missing, &there)));
    }
    if !dry_run && !names.is_empty() {
        topics::delete(admin, &names).map_err(because(&what))?;
    }
    let verb = if dry_run { "would delete" } else { "deleted" };
    let text = names.iter().map(|name| format!("{verb} topic {name}\n")).collect::<String>();
    Ok(Outcome::new(json!({ "deleted": names, "dry_run": dry_run }), text))
}
