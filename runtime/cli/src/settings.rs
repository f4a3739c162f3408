//! Settings of topics, brokers and groups, changed.
//!
//! Owns IncrementalAlterConfigs for tools. Invariant: with `validate_only` nothing is changed, and the answer is the one that the change
//! would get.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    IncrementalAlterConfigsRequest,
    incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
};

use crate::{
    admin::{Admin, To, text},
    failure::Failure,
};

/// A topic's number among resources.
pub const TOPIC: i8 = 2;

/// What to change.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Of what kind of resource, by its number on the wire.
    pub resource: i8,
    /// Its name; empty for the default of all.
    pub name: &'a str,
    /// Settings to make.
    pub set: &'a BTreeMap<String, String>,
    /// Names of settings that go back to their defaults.
    pub unset: &'a [String],
}

/// Makes the change.
///
/// # Errors
/// What the broker says; nobody answers in time.
pub fn alter(admin: &mut Admin<'_>, to: To, change: Change<'_>, validate_only: bool) -> Result<(), Failure> {
    const SET: i8 = 0;
    const DELETE: i8 = 1;
    let config = |name: &str, operation: i8, value: Option<&str>| {
        AlterableConfig::default().with_name(text(name)).with_config_operation(operation).with_value(value.map(text))
    };
    let set = change.set.iter().map(|(name, value)| config(name, SET, Some(value)));
    let configs = set.chain(change.unset.iter().map(|name| config(name, DELETE, None))).collect();
    let what = AlterConfigsResource::default().with_resource_type(change.resource);
    let what = what.with_resource_name(text(change.name)).with_configs(configs);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![what]);
    let answer = admin.ask(to, |_| request.with_validate_only(validate_only))?;
    match answer.responses.iter().find(|response| response.error_code != 0) {
        Some(refused) => Err(Failure::kafka(refused.error_code, refused.error_message.as_deref())),
        None => Ok(()),
    }
}
