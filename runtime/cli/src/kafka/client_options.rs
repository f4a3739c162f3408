//! What the tools that produce and consume have in common on their command lines: settings for the client, old names of flags.
//!
//! Invariant: an old name and the new one for it never stand together, as in Kafka.

use std::collections::BTreeMap;

use runtime_core::properties;

use crate::{connection::has_port, failure::Failure, flags::Given, world::World};

/// Names and values.
pub type Pairs = BTreeMap<String, String>;

/// Old and new names of flags, and the word that the warning begins with.
pub struct Renamed {
    pub(super) word: &'static str,
    pub(super) flags: &'static [(&'static str, &'static str)],
}

/// Of the console producer.
pub const RENAMED_PRODUCER: Renamed = Renamed {
    word: "Warning:",
    flags: &[
        ("producer-property", "command-property"),
        ("producer.config", "command-config"),
        ("property", "reader-property"),
        ("max-partition-memory-bytes", "batch-size"),
    ],
};

/// Of the console consumer.
pub const RENAMED_CONSUMER: Renamed = Renamed {
    word: "Option",
    flags: &[
        ("consumer-property", "command-property"),
        ("property", "formatter-property"),
        ("consumer.config", "command-config"),
    ],
};

/// Warns of old names, on stdout as Kafka does.
///
/// # Errors
/// The old and the new name together.
pub fn warn_of_old_names(given: &Given, renamed: &Renamed, world: &mut dyn World) -> Result<(), Failure> {
    for (old, new) in renamed.flags {
        if given.has(old) && given.has(new) {
            return Err(Failure::usage(format!("Options --{new} and --{old} cannot be specified together.")));
        }
    }
    for (old, new) in renamed.flags.iter().filter(|(old, _)| given.has(old)) {
        let word = renamed.word;
        world.out(&format!(
            "{word} --{old} is deprecated and will be removed in a future version. Use --{new} instead.\n"
        ));
    }
    Ok(())
}

/// The settings in the files that these flags name.
///
/// # Errors
/// A file that cannot be read.
pub fn config(given: &Given, flags: &[&str], world: &mut dyn World) -> Result<Pairs, Failure> {
    let mut pairs = Pairs::new();
    for flag in flags {
        let Some(path) = given.one(flag)? else { continue };
        pairs.extend(file(path, world)?);
    }
    Ok(pairs)
}

/// The settings in a file.
///
/// # Errors
/// One that cannot be read.
pub fn file(path: &str, world: &mut dyn World) -> Result<Pairs, Failure> {
    let bytes = world.read(path).map_err(|why| Failure::new(format!("{path}: {why}")))?;
    let read = properties::parse(&bytes).map_err(|bad| Failure::new(format!("{path}, {bad}")))?;
    Ok(read.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// The `name=value` pairs of these flags; a name alone has an empty value.
///
/// # Errors
/// A pair without a name.
pub fn pairs(given: &Given, flags: &[&str]) -> Result<Pairs, Failure> {
    let all = flags.iter().flat_map(|flag| given.all(flag));
    all.map(|pair| match pair.split_once('=') {
        Some(("", _)) => Err(Failure::new(format!("Invalid command line properties: {pair}"))),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Ok((pair.clone(), String::new())),
    })
    .collect()
}

/// Whether every server of `--bootstrap-server` has a port.
///
/// # Errors
/// The flag stood there twice.
pub fn have_ports(given: &Given) -> Result<bool, Failure> {
    let servers = given.one("bootstrap-server")?.unwrap_or_default();
    Ok(servers.split(',').map(str::trim).all(has_port))
}

/// What a consumer reads is said once.
///
/// # Errors
/// Neither `--topic` nor `--include`, or both.
pub fn require_topic_or_include(given: &Given) -> Result<(), Failure> {
    if given.has("topic") == given.has("include") {
        return Err(Failure::usage("Exactly one of the following arguments is required: [topic], [include]"));
    }
    Ok(())
}
