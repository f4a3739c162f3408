//! Which component answers to which class name and version.
//!
//! Owns loading: what is built in once, what is on the path when it is new or has changed. Leaves which files those are to `scan`.
//! Invariant: what is in the catalogue has been loaded and has described itself; of two with the same class and version the first counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use runtime_core::{
    config::{Catalog, ClassError, ConfigMap, catalog, version::fits},
    herder::{Catalogue, Class, Direction},
    plugin::{Role, aliases},
};
use runtime_host::{Engine, Plugin};
use tokio::runtime::Handle;

use super::{CONTRACT_VERSION, Found, scan::scan};

/// Every plug-in at one time.
pub struct Set {
    catalog: Catalog,
    /// By the class name that each calls its own, and its version.
    components: BTreeMap<(Role, String, String), Plugin>,
    /// What was found and cannot be used, a sentence each.
    unusable: Vec<String>,
    notes: Vec<String>,
}

impl Default for Set {
    fn default() -> Self {
        let catalog = Catalog::new(CONTRACT_VERSION, Vec::new());
        Self { catalog, components: BTreeMap::new(), unusable: Vec::new(), notes: Vec::new() }
    }
}

impl Set {
    /// What the operator should know about them, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Every class, for REST.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Every class, for the herder.
    pub fn classes(&self) -> Catalogue {
        let mut classes = Catalogue::new();
        for plugin in self.catalog.plugins() {
            let direction = match plugin.role {
                Role::Source => Direction::Source,
                Role::Sink => Direction::Sink,
                _ => continue,
            };
            let task_class = format!("{}Task", plugin.class.strip_suffix("Connector").unwrap_or(&plugin.class));
            let class = Class { direction, version: plugin.version.clone(), task_class };
            // Two classes of one component may share an alias.
            let names: BTreeSet<&str> =
                plugin.classes.iter().flat_map(|full| aliases(plugin.role, full).chain([full.as_str()])).collect();
            for name in names {
                let versions = classes.entry(name.to_owned()).or_default();
                // A name that two classes answer to is the first one's.
                if versions.first().is_none_or(|first| first.task_class == class.task_class) {
                    versions.push(class.clone());
                }
            }
        }
        classes
    }

    /// The component that a configuration selects. The error is a sentence for the user.
    pub fn find(&self, config: &ConfigMap) -> Result<Found, String> {
        let class = config.get("connector.class").unwrap_or_default().trim();
        let latest = self.catalog.connector(class).map_err(|error| self.explain(&error))?;
        let wanted = config.get("connector.plugin.version");
        let row = self.catalog.versions(class).find(|row| fits(wanted, &row.version)).ok_or_else(|| {
            format!("Plugin {} is not there in the version {}", latest.class, wanted.unwrap_or_default())
        })?;
        let plugin = self.components.get(&(row.role, row.class.clone(), row.version.clone()));
        Ok(Found { plugin: plugin.expect("the catalogue lists what is loaded").clone(), role: row.role })
    }

    /// The message of a class error; one that is not found may be one that could not be loaded.
    pub fn explain(&self, error: &ClassError) -> String {
        match error {
            ClassError::Unknown(message) if !self.unusable.is_empty() => {
                format!("{message}. {}", self.unusable.join(" "))
            }
            other => other.message().to_owned(),
        }
    }
}

type Outcome = Result<Plugin, String>;

/// A file as it was when it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Loads components, each once.
pub(super) struct Loader {
    engine: Engine,
    path: Vec<String>,
    guests: Handle,
    built_in: Vec<(String, Outcome)>,
    files: BTreeMap<PathBuf, (Stamp, Outcome)>,
}

impl Loader {
    pub fn new(engine: Engine, path: Vec<String>, guests: Handle) -> Self {
        Self { engine, path, guests, built_in: Vec::new(), files: BTreeMap::new() }
    }

    /// Looks at the path; `None` if there is nothing new.
    pub async fn look(&mut self) -> Option<Arc<Set>> {
        let (paths, notes) = scan(&self.path);
        let stamped: Vec<(PathBuf, Stamp)> =
            paths.into_iter().map(|path| (stamp(&path), path)).map(|(s, p)| (p, s)).collect();
        let is_new = |(path, stamp): &&(PathBuf, Stamp)| self.files.get(path).is_none_or(|(old, _)| old != stamp);
        let new: Vec<_> = stamped.iter().filter(is_new).cloned().collect();
        let first = self.built_in.is_empty();
        if new.is_empty() && stamped.len() == self.files.len() && !first {
            return None;
        }
        // All side by side.
        let built_in: Vec<_> = match first {
            true => connectors_embedded::COMPONENTS
                .iter()
                .map(|component| (format!("the built-in {}", component.name), self.begin_built_in(component.bytes)))
                .collect(),
            false => Vec::new(),
        };
        let loading: Vec<_> = new.into_iter().map(|(path, stamp)| (self.begin(path.clone()), path, stamp)).collect();
        for (named, loading) in built_in {
            self.built_in.push((named, ended(loading).await));
        }
        self.files.retain(|path, _| stamped.iter().any(|(there, _)| there == path));
        for (loading, path, stamp) in loading {
            self.files.insert(path, (stamp, ended(loading).await));
        }
        // Those on the path come first: somebody put them there to be used.
        let on_path = stamped.iter().map(|(path, _)| (path.display().to_string(), &self.files[path].1));
        Some(Arc::new(set(on_path.chain(self.built_in.iter().map(|(named, outcome)| (named.clone(), outcome))), notes)))
    }

    fn begin(&self, path: PathBuf) -> tokio::task::JoinHandle<Outcome> {
        let engine = self.engine.clone();
        self.guests.spawn(async move {
            let bytes = std::fs::read(path).map_err(|error| format!("It cannot be read: {error}"))?;
            engine.load(bytes).await.map_err(|error| error.to_string())
        })
    }

    fn begin_built_in(&self, bytes: &'static [u8]) -> tokio::task::JoinHandle<Outcome> {
        let engine = self.engine.clone();
        self.guests.spawn(async move { engine.load_built_in(bytes).await.map_err(|error| error.to_string()) })
    }
}

async fn ended(loading: tokio::task::JoinHandle<Outcome>) -> Outcome {
    loading.await.unwrap_or_else(|ended| Err(format!("Loading it ended: {ended}")))
}

/// What cannot be looked at has a stamp too: it is tried again when it can.
fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok();
    Stamp {
        bytes: meta.as_ref().map_or(0, std::fs::Metadata::len),
        modified: meta.and_then(|meta| meta.modified().ok()),
    }
}

fn set<'a>(loaded: impl Iterator<Item = (String, &'a Outcome)>, mut notes: Vec<String>) -> Set {
    let (mut rows, mut components, mut unusable) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (named, loaded) in loaded {
        match loaded {
            Ok(plugin) => notes.extend(add(plugin, &named, &mut rows, &mut components)),
            Err(why) => unusable.push(format!("plugin.path: {named} is not used. {why}")),
        }
    }
    notes.extend(unusable.iter().cloned());
    Set { catalog: Catalog::new(CONTRACT_VERSION, rows), components, unusable, notes }
}

/// Lists a component under each of its roles. Returns notes about classes that are taken.
fn add(
    plugin: &Plugin,
    named: &str,
    rows: &mut Vec<catalog::Plugin>,
    components: &mut BTreeMap<(Role, String, String), Plugin>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for role in [Role::Source, Role::Sink] {
        let Some(definition) = plugin.definition(role) else { continue };
        let Some(row) = catalog::Plugin::new(plugin.info(), role, definition.clone()) else {
            notes.push(format!(
                "{named}: its description names no class for the role {}, so it cannot be used as one",
                role.name()
            ));
            continue;
        };
        let key = (role, row.class.clone(), row.version.clone());
        if components.contains_key(&key) {
            let (class, version) = (&row.class, &row.version);
            notes.push(format!(
                "{named}: version {version} of the class {class} is there already, and the one found first is used"
            ));
            continue;
        }
        components.insert(key, plugin.clone());
        rows.push(row);
    }
    notes
}
