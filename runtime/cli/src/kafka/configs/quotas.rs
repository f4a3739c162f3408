//! `kafka-configs` for users, clients and addresses: quotas, and the users of SCRAM.
//!
//! Owns their requests and lines. Invariant: a password is never sent; its salted hash is not made here, so SCRAM users can be shown
//! and deleted, and adding one is refused.

use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterUserScramCredentialsRequest, DescribeClientQuotasRequest,
    DescribeUserScramCredentialsRequest,
    alter_client_quotas_request::{EntityData, EntryData, OpData},
    alter_user_scram_credentials_request::ScramCredentialDeletion,
    describe_client_quotas_request::ComponentData,
    describe_user_scram_credentials_request::UserName,
};

use super::{Entity, added, deleted};
use crate::{
    admin::{Admin, To, text},
    failure::Failure,
    flags::Given,
    java,
};

/// The type's name on the wire.
fn kind(entity: &Entity) -> &'static str {
    match entity.kind {
        "users" => "user",
        "clients" => "client-id",
        _ => "ip",
    }
}

/// What the lines call it.
fn title(kind: &str, name: Option<&str>) -> String {
    let kind = if kind == "user" { "user-principal" } else { kind };
    match name {
        Some(name) => format!("{kind} '{name}'"),
        None => format!("the default {kind}"),
    }
}

const MECHANISMS: [(&str, i8); 2] = [("SCRAM-SHA-256", 1), ("SCRAM-SHA-512", 2)];

pub(super) fn describe(admin: &mut Admin<'_>, entities: &[Entity]) -> Result<(), Failure> {
    const EXACT: i8 = 0;
    const DEFAULT: i8 = 1;
    const ANY: i8 = 2;
    let component = |entity: &Entity| {
        let component = ComponentData::default().with_entity_type(text(kind(entity)));
        match entity.name.as_deref() {
            None => component.with_match_type(ANY).with_match(None),
            Some("") => component.with_match_type(DEFAULT).with_match(None),
            Some(name) => component.with_match_type(EXACT).with_match(Some(text(name))),
        }
    };
    let request = DescribeClientQuotasRequest::default().with_components(entities.iter().map(component).collect());
    if admin.serves::<DescribeClientQuotasRequest>(To::Any)? {
        let answer = admin.ask(To::Any, |_| request.with_strict(true))?;
        if answer.error_code != 0 {
            return Err(Failure::kafka(answer.error_code, answer.error_message.as_deref()));
        }
        for entry in answer.entries.unwrap_or_default() {
            let names = entry.entity.iter().map(|entity| title(&entity.entity_type, entity.entity_name.as_deref()));
            let names: Vec<String> = names.collect();
            let values = entry.values.iter().map(|value| format!("{}={}", value.key, java::double(value.value)));
            let values: Vec<String> = values.collect();
            admin.world.out(&format!("Quota configs for {} are {}\n", names.join(", "), values.join(", ")));
        }
    }
    match entities {
        [Entity { kind: "users", name }] if name.as_deref() != Some("") => users(admin, name.as_deref()),
        _ => Ok(()),
    }
}

/// The users of SCRAM, or one of them.
fn users(admin: &mut Admin<'_>, name: Option<&str>) -> Result<(), Failure> {
    if !admin.serves::<DescribeUserScramCredentialsRequest>(To::Any)? {
        return Ok(());
    }
    let wanted = name.map(|name| vec![UserName::default().with_name(text(name))]);
    let answer = admin.ask(To::Any, |_| DescribeUserScramCredentialsRequest::default().with_users(wanted))?;
    for user in answer.results.iter().filter(|user| user.error_code == 0) {
        let mechanism =
            |number: i8| MECHANISMS.iter().find(|(_, known)| *known == number).map_or("UNKNOWN", |(name, _)| name);
        let credentials = user.credential_infos.iter();
        let credentials: Vec<String> =
            credentials.map(|info| format!("{}=iterations={}", mechanism(info.mechanism), info.iterations)).collect();
        let line =
            format!("SCRAM credential configs for user-principal '{}' are {}\n", user.user, credentials.join(", "));
        admin.world.out(&line);
    }
    Ok(())
}

pub(super) fn alter(given: &Given, admin: &mut Admin<'_>, entities: &[Entity]) -> Result<(), Failure> {
    let (added, deleted) = (added(given, admin.world)?, deleted(given));
    let is_scram = |name: &str| MECHANISMS.iter().any(|(known, _)| *known == name);
    if added.keys().any(|name| is_scram(name)) {
        return Err(Failure::new("known, but not supported here: adding users of SCRAM. Nothing was changed."));
    }
    let (credentials, removed): (Vec<String>, Vec<String>) = deleted.into_iter().partition(|name| is_scram(name));
    let mut operations = Vec::new();
    for (name, value) in &added {
        let value: f64 = value
            .parse()
            .map_err(|_| Failure::new(format!("Cannot parse quota configuration value for {name}: {value}")))?;
        operations.push(OpData::default().with_key(text(name)).with_value(value).with_remove(false));
    }
    removed.iter().for_each(|name| operations.push(OpData::default().with_key(text(name)).with_remove(true)));
    if !operations.is_empty() {
        let name = |entity: &Entity| entity.name.as_deref().filter(|name| !name.is_empty()).map(text);
        let data =
            |entity: &Entity| EntityData::default().with_entity_type(text(kind(entity))).with_entity_name(name(entity));
        let entry = EntryData::default().with_entity(entities.iter().map(data).collect()).with_ops(operations);
        admin.calling("alterClientQuotas");
        let answer = admin.ask(To::Any, |_| AlterClientQuotasRequest::default().with_entries(vec![entry]))?;
        if let Some(refused) = answer.entries.iter().find(|entry| entry.error_code != 0) {
            return Err(Failure::kafka(refused.error_code, refused.error_message.as_deref()));
        }
    }
    forget(admin, entities, &credentials)?;
    let updated: Vec<String> = entities.iter().map(updated).collect();
    admin.world.out(&format!("Completed updating {}.\n", updated.join(", ")));
    Ok(())
}

fn forget(admin: &mut Admin<'_>, entities: &[Entity], credentials: &[String]) -> Result<(), Failure> {
    if credentials.is_empty() {
        return Ok(());
    }
    let user = entities[0].name.as_deref().unwrap_or_default();
    let number = |name: &String| MECHANISMS.iter().find(|(known, _)| known == name).map_or(0, |(_, number)| *number);
    let deletion =
        |name: &String| ScramCredentialDeletion::default().with_name(text(user)).with_mechanism(number(name));
    let request =
        AlterUserScramCredentialsRequest::default().with_deletions(credentials.iter().map(deletion).collect());
    let answer = admin.ask(To::Any, |_| request)?;
    match answer.results.iter().find(|result| result.error_code != 0) {
        Some(refused) => Err(Failure::kafka(refused.error_code, refused.error_message.as_deref())),
        None => Ok(()),
    }
}

fn updated(entity: &Entity) -> String {
    match entity.name.as_deref() {
        Some("") | None => format!("default config for {} in the cluster", entity.kind),
        Some(name) => format!("config for {} {name}", entity.singular()),
    }
}
