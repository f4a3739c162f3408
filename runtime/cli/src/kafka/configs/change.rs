//! Changing settings: what `--add-config`, `--add-config-file` and `--delete-config` say, and carrying it out.

use std::collections::BTreeMap;

use runtime_core::properties;

use super::{Entity, broker};
use crate::{
    admin::{Admin, To},
    failure::Failure,
    flags::Given,
    settings,
    world::World,
};

pub(super) fn alter(given: &Given, admin: &mut Admin<'_>, entity: &Entity) -> Result<(), Failure> {
    let resource = entity.resource().expect("quotas are altered elsewhere");
    let name = entity.name.as_deref().unwrap_or_default();
    let set = added(given, admin.world)?;
    let to = match entity.kind {
        "brokers" | "broker-loggers" if !name.is_empty() => To::Broker(broker(name)?),
        _ => To::Any,
    };
    admin.calling("incrementalAlterConfigs");
    let change = settings::Change { resource, name, set: &set, unset: &deleted(given) };
    settings::alter(admin, to, change, false)?;
    admin.world.out(&match name.is_empty() {
        true => format!("Completed updating default config for {} in the cluster.\n", entity.kind),
        false => format!("Completed updating config for {} {name}.\n", entity.singular()),
    });
    Ok(())
}

/// What `--add-config` or `--add-config-file` sets.
pub(super) fn added(given: &Given, world: &mut dyn World) -> Result<BTreeMap<String, String>, Failure> {
    if let Some(path) = given.one("add-config-file")? {
        let bytes = world.read(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
        let pairs = properties::parse(&bytes).map_err(|bad| Failure::new(format!("{path}, {bad}")))?;
        return Ok(pairs.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    }
    let mut pairs = BTreeMap::new();
    for pair in given.one("add-config")?.map(split_list).unwrap_or_default() {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::new(
                "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  \
                 \"key=[val1,val2]\" to group values which contain commas.",
            ));
        };
        let value = value.trim();
        let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
        pairs.insert(name.trim().to_owned(), inner.to_owned());
    }
    Ok(pairs)
}

/// What `--delete-config` takes away.
pub(super) fn deleted(given: &Given) -> Vec<String> {
    let names = given.all("delete-config").iter().flat_map(|list| list.split(','));
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Splits at commas outside of brackets.
fn split_list(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0usize, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_settings() {
        let check = |list: &str, expected: &[&str]| assert_eq!(split_list(list), expected, "{list}");
        check("a=1", &["a=1"]);
        check("a=1,b=2", &["a=1", "b=2"]);
        check("a=[x,y], b=2", &["a=[x,y]", "b=2"]);
        check("a=[x,y],b=[z]", &["a=[x,y]", "b=[z]"]);
        check("", &[]);
    }
}
