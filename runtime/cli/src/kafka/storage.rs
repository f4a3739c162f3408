//! `kafka-storage`: a cluster's id, and a data folder that bears it.
//!
//! Owns its flags and texts, and `meta.properties` as `format` writes it: Kafka's, with the line by which connectd's broker knows its
//! own. Leaves everything else in the folder to the broker, which makes it at its first start. Source: Kafka 4.3's StorageTool, observed.
//! Invariant: a folder that is formatted already is never written to.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use runtime_core::{config::ConfigMap, properties};

use crate::{
    failure::Failure,
    flags::{Flag, Given, several, switch, value},
    tool::{Run, Sub, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-storage",
    about: "Make a cluster id, or a data folder for a broker.",
    flags: &[],
    commands: COMMANDS,
    run: Run::Here(run),
};

const CONFIG: Flag = value("config", "file", "The broker's server.properties.").or("c");

const COMMANDS: &[Sub] = &[
    Sub { name: "random-uuid", about: "Print a new cluster id.", flags: &[] },
    Sub { name: "info", about: "Say whose the data folder is.", flags: &[CONFIG] },
    Sub { name: "format", about: "Make the data folder.", flags: FORMAT },
    Sub {
        name: "version-mapping",
        about: "Print the features of a version.",
        flags: &[value("release-version", "version", "The version.")
            .or("r")
            .not_here("connectd has no feature levels")],
    },
    Sub {
        name: "feature-dependencies",
        about: "Print what a feature needs.",
        flags: &[several("feature", "name=level", "The features.").or("f").not_here("connectd has no feature levels")],
    },
];

const FORMAT: &[Flag] = &[
    CONFIG,
    value("cluster-id", "id", "The cluster's id, as random-uuid prints one.").or("t"),
    switch("ignore-formatted", "No error where the folder is formatted already.").or("g"),
    switch("standalone", "One node that is its own quorum, which connectd always is.").or("s"),
    switch("no-initial-controllers", "Taken, and of no meaning for one node.").or("N"),
    value("initial-controllers", "list", "").or("I").not_here("connectd is one node and its own quorum"),
    several("add-scram", "user", "").or("S").not_here("connectd does not authenticate clients yet"),
    value("release-version", "version", "").or("r").not_here("connectd has no feature levels"),
    several("feature", "name=level", "").or("f").not_here("connectd has no feature levels"),
];

/// Kafka 4.3's features and their levels, which `format` names.
const FEATURES: [(&str, u8); 6] = [
    ("metadata.version", 30),
    ("eligible.leader.replicas.version", 1),
    ("group.version", 1),
    ("share.version", 1),
    ("streams.version", 1),
    ("transaction.version", 2),
];

const META: &str = "meta.properties";

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    match given.command {
        Some("random-uuid") => {
            let id = random_id(world);
            world.out(&format!("{id}\n"));
            Ok(0)
        }
        Some("info") => info(given, world),
        Some("format") => format(given, world),
        Some(other) => {
            Err(Failure::new(format!("known, but not supported here: {other} (connectd has no feature levels)")))
        }
        None => Err(Failure::usage("kafka-storage: error: too few arguments")),
    }
}

/// Sixteen random bytes as Kafka writes an id: without a dash in front.
fn random_id(world: &mut dyn World) -> String {
    loop {
        let id = URL_SAFE_NO_PAD.encode(world.random());
        if !id.starts_with('-') {
            return id;
        }
    }
}

/// The settings of `--config`, and its one data folder.
fn settings(given: &Given, world: &mut dyn World) -> Result<(ConfigMap, String), Failure> {
    let Some(path) = given.one("config")? else {
        return Err(Failure::usage("kafka-storage: error: argument --config/-c is required"));
    };
    let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    let settings = properties::parse(&bytes).map_err(|bad| Failure::new(format!("{path}, {bad}")))?;
    let named = settings.get("log.dirs").or_else(|| settings.get("log.dir")).unwrap_or("/tmp/kafka-logs");
    let folders: Vec<&str> = named.split(',').map(str::trim).filter(|folder| !folder.is_empty()).collect();
    match folders.as_slice() {
        [one] => {
            let folder = (*one).to_owned();
            Ok((settings, folder))
        }
        _ => Err(Failure::new(format!("log.dirs={named}: connectd keeps its data in one folder; name that"))),
    }
}

fn meta(world: &mut dyn World, folder: &str) -> Option<ConfigMap> {
    let bytes = world.read(&format!("{folder}/{META}")).ok()?;
    properties::parse(&bytes).ok()
}

fn info(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let (_, folder) = settings(given, world)?;
    let found = format!("Found log directory:\n  {folder}\n\n");
    let (text, code) = match meta(world, &folder) {
        Some(meta) => {
            let mut pairs: Vec<String> = meta
                .iter()
                .filter(|(key, _)| *key != FORMAT_KEY)
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            pairs.sort();
            (format!("{found}Found metadata: {{{}}}\n\n", pairs.join(", ")), 0)
        }
        None if world.exists(&folder) => (format!("{found}Found problem:\n  {folder} is not formatted.\n\n"), 1),
        None => (format!("Found problem:\n  {folder} does not exist\n\n"), 1),
    };
    world.out(&text);
    Ok(code)
}

/// The line of `meta.properties` that says whose format the folder has (`broker/store`).
const FORMAT_KEY: &str = "connectd.format";

fn format(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    let (settings, folder) = settings(given, world)?;
    let Some(cluster) = given.one("cluster-id")? else {
        return Err(Failure::usage("kafka-storage format: error: argument --cluster-id/-t is required"));
    };
    let is_static = settings.contains("controller.quorum.voters");
    let is_dynamic = given.has("standalone");
    let is_controller = settings.get("process.roles").is_some_and(|roles| roles.contains("controller"));
    if is_static && is_dynamic {
        return Err(Failure::new(
            "You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. If you \
             want to use dynamic quorum, please remove controller.quorum.voters and specify controller.quorum.bootstrap.servers \
             instead.",
        ));
    }
    if is_controller && !is_static && !is_dynamic && !given.has("no-initial-controllers") {
        return Err(Failure::new(
            "Because controller.quorum.voters is not set on this controller, you must specify one of the following: \
             --standalone, --initial-controllers, or --no-initial-controllers.",
        ));
    }
    if let Some(meta) = meta(world, &folder) {
        let found = meta.get("cluster.id").unwrap_or_default();
        if found != cluster {
            let message = format!("Invalid cluster.id in: {folder}/{META}. Expected {cluster}, but read {found}");
            return Err(Failure::new(message)
                .advising(format!("the folder belongs to another cluster; name another, or remove {folder}")));
        }
        if !given.has("ignore-formatted") {
            return Err(Failure::new(format!(
                "Log directory {folder} is already formatted. Use --ignore-formatted to ignore this directory and format the others."
            )));
        }
        world.out("All of the log directories are already formatted.\n");
        return Ok(0);
    }
    let node = settings.get("node.id").or_else(|| settings.get("broker.id")).unwrap_or("1");
    let directory = random_id(world);
    let text = format!("cluster.id={cluster}\n{FORMAT_KEY}=1\ndirectory.id={directory}\nnode.id={node}\nversion=1\n");
    let path = format!("{folder}/{META}");
    world.write(&path, text.as_bytes()).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    let records = FEATURES.map(|(name, level)| {
        format!("ApiMessageAndVersion(FeatureLevelRecord(name='{name}', featureLevel={level}) at version 0)")
    });
    let (records, level) = (records.join(", "), FEATURES[0].1);
    let kind = if is_dynamic { "dynamic metadata voter" } else { "metadata" };
    world.out(&format!(
        "Bootstrap metadata: BootstrapMetadata(records=[{records}], metadataVersionLevel={level}, source=format command)\n\
         Formatting {kind} directory {folder} with metadata.version 4.3-IV0.\n"
    ));
    Ok(0)
}
