//! What a task is made of: the attributes of `connector-task-metrics`, `connector-transform-metrics` and `connector-predicate-metrics`
//! whose values are text (KIP-1120, Kafka 4.1), each shown as a metric of value 1 with the text as a label.

use runtime_core::{
    config::ConfigMap,
    herder::Direction,
    transform::{Converters, predicates_of, transforms_of},
};

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `connector_task`, `connector_transform` or `connector_predicate`.
    pub group: &'static str,
    /// Kafka's name of it.
    pub attribute: &'static str,
    /// Which transform or predicate: the label's name and value.
    pub alias: Option<(&'static str, String)>,
    /// Its value.
    pub value: String,
}

/// The facts of a task whose connector is of that class and version. `stock` is the version of converters and transforms.
pub fn facts(
    config: &ConfigMap,
    (class, version): (&str, &str),
    direction: Direction,
    converters: &Converters,
    stock: &str,
) -> Vec<Fact> {
    let kind = match direction {
        Direction::Source => "source",
        Direction::Sink => "sink",
    };
    let task_class = format!("{}Task", class.strip_suffix("Connector").unwrap_or(class));
    let task = [
        ("connector-class", class),
        ("connector-type", kind),
        ("connector-version", version),
        ("task-class", &task_class),
        ("task-version", version),
        ("key-converter-class", converters.key.class()),
        ("key-converter-version", stock),
        ("value-converter-class", converters.value.class()),
        ("value-converter-version", stock),
        ("header-converter-class", converters.header.class()),
        ("header-converter-version", stock),
    ];
    let fact = |group, attribute, alias, value: &str| Fact { group, attribute, alias, value: value.to_owned() };
    let mut all: Vec<_> = task.map(|(attribute, value)| fact("connector_task", attribute, None, value)).into();
    for named in transforms_of(config) {
        let alias = || Some(("transform", named.alias.clone()));
        all.push(fact("connector_transform", "transform-class", alias(), &named.class));
        all.push(fact("connector_transform", "transform-version", alias(), stock));
    }
    for named in predicates_of(config) {
        let alias = || Some(("predicate", named.alias.clone()));
        all.push(fact("connector_predicate", "predicate-class", alias(), &named.class));
        all.push(fact("connector_predicate", "predicate-version", alias(), stock));
    }
    all
}
