//! Which classes a connector's transforms and predicates are, by their aliases.

use alloc::{format, string::String, vec::Vec};

use super::{classes, predicate};
use crate::config::{ConfigMap, value::list};
use crate::plugin::{Role, aliases};

/// An alias of a configuration, and the class behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// As in `transforms` or `predicates`.
    pub alias: String,
    /// Full class name.
    pub class: String,
}

/// The transforms, in their order. What names no class is left out.
pub fn transforms_of(config: &ConfigMap) -> Vec<Named> {
    named(config, "transforms", Role::Transform, || classes().map(|(class, _)| class))
}

/// The predicates. What names no class is left out.
pub fn predicates_of(config: &ConfigMap) -> Vec<Named> {
    named(config, "predicates", Role::Predicate, || predicate::CLASSES.into_iter().map(|(class, _)| class.into()))
}

fn named<I: Iterator<Item = String>>(config: &ConfigMap, key: &str, role: Role, all: impl Fn() -> I) -> Vec<Named> {
    let aliases_here = list(config.get(key).unwrap_or_default());
    let one = |alias: String| {
        let name = config.get(&format!("{key}.{alias}.type"))?.trim();
        let class = all().find(|class| class == name || aliases(role, class).any(|short| short == name))?;
        Some(Named { alias, class })
    };
    aliases_here.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_their_classes() {
        let config: ConfigMap = [
            ("transforms", "a, b,c"),
            ("transforms.a.type", "RegexRouter"),
            ("transforms.b.type", "org.apache.kafka.connect.transforms.Cast$Value"),
            ("transforms.c.type", "Nope"),
            ("predicates", "p"),
            ("predicates.p.type", "RecordIsTombstone"),
        ]
        .into_iter()
        .collect();
        let text =
            |named: Vec<Named>| named.into_iter().map(|n| format!("{}={}", n.alias, n.class)).collect::<Vec<_>>();
        assert_eq!(
            text(transforms_of(&config)),
            ["a=org.apache.kafka.connect.transforms.RegexRouter", "b=org.apache.kafka.connect.transforms.Cast$Value"]
        );
        assert_eq!(
            text(predicates_of(&config)),
            ["p=org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"]
        );
    }
}
