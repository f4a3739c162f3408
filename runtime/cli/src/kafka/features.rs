//! `kafka-features`: the feature levels of a cluster.
//!
//! Owns its lines. Leaves the features to ApiVersions, which tells them (KIP-584). Source: Kafka 4.3's FeatureCommand, observed.
//! Invariant: levels are shown and never changed.

use kafka_protocol::messages::ApiVersionsRequest;

use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given, several, switch, value},
    tool::{Run, Sub, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-features",
    about: "Show the feature levels of a cluster.",
    flags: FLAGS,
    commands: COMMANDS,
    run: Run::Here(run),
};

const FLAGS: &[Flag] =
    &[BOOTSTRAP_SERVER, value("bootstrap-controller", "host:port", "Where its controllers are."), COMMAND_CONFIG];

const WHY: &str = "feature levels are shown here and not changed";

const CHANGE: &[Flag] = &[
    several("feature", "name=level", "").not_here(WHY),
    several("metadata", "version", "").not_here(WHY),
    several("release-version", "version", "").not_here(WHY),
    switch("dry-run", "").not_here(WHY),
    switch("unsafe", "").not_here(WHY),
];

const COMMANDS: &[Sub] = &[
    Sub { name: "describe", about: "Show them.", flags: &[value("node-id", "id", "").not_here("any broker is asked")] },
    Sub { name: "upgrade", about: "Raise one.", flags: CHANGE },
    Sub { name: "downgrade", about: "Lower one.", flags: CHANGE },
    Sub { name: "disable", about: "Lower one to 0.", flags: CHANGE },
    Sub { name: "version-mapping", about: "Print the features of a version.", flags: CHANGE },
    Sub { name: "feature-dependencies", about: "Print what a feature needs.", flags: CHANGE },
];

/// The release of each level of `metadata.version` whose name is not worth more than one line: the oldest and newest that Kafka 4 has.
const METADATA: [(i16, &str); 4] = [(7, "3.3-IV3"), (21, "3.9-IV0"), (25, "4.0-IV3"), (30, "4.3-IV0")];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    match given.command {
        Some("describe") => {}
        Some(other) => {
            return Err(Failure::new(format!("known, but not supported here: {other} ({WHY}). Nothing was changed.")));
        }
        None => return Err(Failure::usage("kafka-features: error: too few arguments")),
    }
    let mut admin = Admin::new(given, world, "describeFeatures")?;
    let answer = admin.ask(To::Any, |version| {
        let request = ApiVersionsRequest::default();
        match version {
            3.. => request
                .with_client_software_name(crate::admin::text("connectd"))
                .with_client_software_version(crate::admin::text("0")),
            _ => request,
        }
    })?;
    if answer.error_code != 0 {
        return Err(Failure::kafka(answer.error_code, None));
    }
    let mut features = answer.supported_features;
    features.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    for feature in &features {
        let level = |level: i16| match METADATA
            .iter()
            .find(|(known, _)| *known == level && &*feature.name == "metadata.version")
        {
            Some((_, name)) => (*name).to_owned(),
            None => level.to_string(),
        };
        let finalized = answer.finalized_features.iter().find(|finalized| finalized.name == feature.name);
        let finalized = level(finalized.map_or(0, |finalized| finalized.max_version_level));
        let epoch = Some(answer.finalized_features_epoch).filter(|epoch| *epoch >= 0);
        let epoch = epoch.map_or("-".to_owned(), |epoch| epoch.to_string());
        admin.world.out(&format!(
            "Feature: {:<40}  SupportedMinVersion: {:<15}  SupportedMaxVersion: {:<15}  FinalizedVersionLevel: {finalized:<15}  Epoch: {epoch}\n",
            &*feature.name,
            level(feature.min_version),
            level(feature.max_version),
        ));
    }
    Ok(0)
}
