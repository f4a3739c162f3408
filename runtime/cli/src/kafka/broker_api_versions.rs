//! `kafka-broker-api-versions`: what each broker speaks.
//!
//! Owns its lines. Source: Kafka 4.3's BrokerApiVersionsCommand, observed. Invariant: an API that we do not know is listed all the same.

use std::collections::BTreeMap;

use kafka_protocol::{messages::ApiKey, protocol::VersionRange};

use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::{BOOTSTRAP_SERVER, COMMAND_CONFIG, Flag, Given},
    tool::{Run, Tool},
    world::World,
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-broker-api-versions",
    about: "List the APIs of each broker and their versions.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(run),
};

const FLAGS: &[Flag] = &[BOOTSTRAP_SERVER, COMMAND_CONFIG];

/// APIs of controllers alone, which Kafka's tool leaves out.
const OF_CONTROLLERS: [i16; 14] = [4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70];

fn run(given: &Given, world: &mut dyn World) -> Result<u8, Failure> {
    given.require(&["bootstrap-server"])?;
    let mut admin = Admin::new(given, world, "describeCluster")?;
    for node in admin.nodes()? {
        let versions = admin.api_versions(To::Broker(node.id))?;
        let rack = node.rack.as_deref().unwrap_or("null");
        let title = format!("{} (id: {} rack: {rack} isFenced: false)", node.address(), node.id);
        admin.world.out(&format!("{title} -> (\n{}\n)\n", lines(&versions).join(",\n")));
    }
    Ok(0)
}

fn lines(versions: &BTreeMap<i16, (i16, i16)>) -> Vec<String> {
    let last = versions.keys().copied().chain([LAST]).max().unwrap_or(LAST);
    let listed = (0..=last).filter(|key| !OF_CONTROLLERS.contains(key));
    listed.filter_map(|key| line(key, versions.get(&key).copied())).collect()
}

/// The last API of Kafka 4.3.
const LAST: i16 = 92;

fn line(key: i16, served: Option<(i16, i16)>) -> Option<String> {
    let known = ApiKey::try_from(key).ok();
    let name = known.map(|known| format!("{known:?}").trim_end_matches("Key").to_owned());
    match (name, served) {
        (None, None) => None,
        (None, Some((min, max))) => Some(format!("\tUNKNOWN({key}): {}", range(min, max))),
        (Some(name), None) => Some(format!("\t{name}({key}): UNSUPPORTED")),
        (Some(name), Some((min, max))) => {
            let VersionRange { min: least, max: most } = known.map(|known| known.valid_versions())?;
            let usable = if most.min(max) >= least.max(min) { most.min(max).to_string() } else { "none".to_owned() };
            Some(format!("\t{name}({key}): {} [usable: {usable}]", range(min, max)))
        }
    }
}

fn range(min: i16, max: i16) -> String {
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let check = |key: i16, served: Option<(i16, i16)>, expected: &str| {
            assert_eq!(line(key, served).as_deref().unwrap_or_default(), expected);
        };
        check(12, Some((0, 4)), "\tHeartbeat(12): 0 to 4 [usable: 4]");
        check(47, Some((0, 0)), "\tOffsetDelete(47): 0 [usable: 0]");
        check(72, None, "\tPushTelemetry(72): UNSUPPORTED");
        check(999, Some((1, 2)), "\tUNKNOWN(999): 1 to 2");
        check(999, None, "");
    }
}
