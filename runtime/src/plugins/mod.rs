//! The connector classes of this worker: built in, and on `plugin.path`.
//!
//! Owns which component answers to which class name, and the whole verdict on a configuration: the framework's, the plug-in's own, and
//! the grants. Leaves running components to `runtime_host`, rules to `runtime_core::config`. Invariant: what is in the catalogue has been
//! loaded and has described itself.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use runtime_core::{
    config::{Catalog, ClassError, ConfigInfos, ConfigMap, Defaults, Submitted, catalog, validate},
    herder::{Catalogue, Class, Direction, Refusal, RefusalKind},
    plugin::{Issue, Role, aliases},
};
use runtime_host::{Engine, LoadError, Plugin, Settings};
use tokio::runtime::Handle;

use crate::grants::Grants;

mod scan;

/// Version of Kafka Connect whose contract this worker keeps: what stock converters and REST's root say.
pub const CONTRACT_VERSION: &str = "4.3.0";

/// Where plug-ins come from, and what a configuration is judged by.
#[derive(Debug)]
pub struct Sources {
    /// `plugin.path`.
    pub path: Vec<String>,
    /// Where compiled code is kept; none: it is compiled at each start.
    pub cache_dir: Option<PathBuf>,
    /// What connectors take from the worker.
    pub defaults: Defaults,
    /// What they may touch.
    pub grants: Arc<Grants>,
}

/// Every plug-in of this worker.
pub struct Plugins {
    catalog: Catalog,
    /// By the class name that each calls its own.
    components: BTreeMap<(Role, String), Plugin>,
    /// What was found and cannot be used, a sentence each.
    unusable: Vec<String>,
    notes: Vec<String>,
    defaults: Defaults,
    grants: Arc<Grants>,
    guests: Handle,
}

/// A component in one role.
#[derive(Clone, Debug)]
pub struct Found {
    /// The component.
    pub plugin: Plugin,
    /// As what.
    pub role: Role,
}

impl Plugins {
    /// Loads them all, side by side, on `guests`: the runtime that guest code runs on. A component that cannot be loaded is left out
    /// and named in [`Plugins::notes`].
    ///
    /// # Errors
    /// Only if this machine cannot run WebAssembly at all.
    pub async fn load(sources: Sources, guests: Handle) -> Result<Self, LoadError> {
        let engine = Engine::new(Settings { cache_dir: sources.cache_dir, ..Settings::default() })?;
        let (files, mut notes) = scan::scan(&sources.path);
        // Those on the path come first: somebody put them there to be used.
        let on_path = files.into_iter().map(|path| {
            let bytes = std::fs::read(&path).map(Arc::from);
            (path.display().to_string(), bytes)
        });
        let built_in = connectors_embedded::COMPONENTS
            .iter()
            .map(|component| (format!("the built-in {}", component.name), Ok(component.bytes.into())));
        let start = |(named, bytes)| (named, guests.spawn(load(engine.clone(), bytes)));
        let loading: Vec<_> = on_path.chain(built_in).map(start).collect();
        let (mut rows, mut components, mut unusable) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (named, loaded) in loading {
            let loaded = loaded.await.unwrap_or_else(|ended| Err(format!("Loading it ended: {ended}")));
            match loaded {
                Ok(plugin) => notes.extend(add(&plugin, &named, &mut rows, &mut components)),
                Err(why) => unusable.push(format!("plugin.path: {named} is not used. {why}")),
            }
        }
        notes.extend(unusable.iter().cloned());
        let catalog = Catalog::new(CONTRACT_VERSION, rows);
        Ok(Self { catalog, components, unusable, notes, defaults: sources.defaults, grants: sources.grants, guests })
    }

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
            for name in plugin.classes.iter().flat_map(|full| aliases(plugin.role, full).chain([full.as_str()])) {
                classes.entry(name.to_owned()).or_insert_with(|| class.clone());
            }
        }
        classes
    }

    /// The component that `connector.class` selects. The error is a sentence for the user.
    pub async fn find(&self, class: &str) -> Result<Found, String> {
        let row = self.catalog.connector(class).map_err(|error| self.explain(&error))?;
        let plugin = self.components.get(&(row.role, row.class.clone()));
        Ok(Found { plugin: plugin.expect("the catalogue lists what is loaded").clone(), role: row.role })
    }

    /// True if a connector of this configuration reads or writes the worker's standard streams.
    pub async fn uses_streams(&self, config: &ConfigMap) -> bool {
        let Ok(found) = self.find(config.get("connector.class").unwrap_or_default()).await else { return false };
        let granted = self.grants.of(config.get("name").unwrap_or_default(), config, found.plugin.info());
        granted.is_ok_and(|granted| granted.stdin || granted.stdout)
    }

    /// What connectors may touch.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Everything that is wrong with a configuration, and what its keys are. The error: it names no connector.
    pub async fn validate(&self, submitted: &Submitted) -> Result<ConfigInfos, ClassError> {
        let mut infos = validate(&self.catalog, &self.defaults, submitted)?;
        let config = &submitted.config;
        let class = config.get("connector.class").unwrap_or_default();
        if let Ok(found) = self.find(class).await {
            let name = config.get("name").unwrap_or_default();
            if let Err(issue) = self.grants.of(name, config, found.plugin.info()) {
                infos.add_issues([issue]);
            }
            // A plug-in is asked only about a configuration that keeps to its own definition.
            if infos.error_count == 0 {
                infos.add_issues(self.ask(found, config).await);
            }
        }
        Ok(infos)
    }

    async fn ask(&self, found: Found, config: &ConfigMap) -> Vec<Issue> {
        let pairs: Vec<(String, String)> = config.iter().map(|(key, value)| (key.into(), value.into())).collect();
        let asked = self.guests.spawn(async move { found.plugin.validate(found.role, &pairs).await });
        let failed = |why: String| vec![Issue { key: "connector.class".into(), message: why }];
        match asked.await {
            Ok(Ok(issues)) => issues,
            Ok(Err(error)) => failed(format!("The connector could not check its configuration: {}", error.trace())),
            Err(ended) => failed(format!("The connector could not check its configuration: {ended}")),
        }
    }

    /// Whether a configuration will do; `Err` with the message of POST and PUT.
    pub async fn judge(&self, config: ConfigMap) -> Result<(), Refusal> {
        let refused = |why: String| Err(Refusal::new(RefusalKind::BadRequest, why));
        match self.validate(&config.into()).await {
            Ok(infos) => infos.refusal().map_or(Ok(()), refused),
            Err(error) => refused(self.explain(&error)),
        }
    }

    /// The message of a class error; one that is not found may be one that could not be loaded.
    fn explain(&self, error: &ClassError) -> String {
        match error {
            ClassError::Unknown(message) if !self.unusable.is_empty() => {
                format!("{message}. {}", self.unusable.join(" "))
            }
            other => other.message().to_owned(),
        }
    }
}

async fn load(engine: Engine, bytes: io::Result<Arc<[u8]>>) -> Result<Plugin, String> {
    match bytes {
        Ok(bytes) => engine.load(bytes).await.map_err(|error| error.to_string()),
        Err(error) => Err(format!("It cannot be read: {error}")),
    }
}

/// Lists a component under each of its roles. Returns notes about classes that are taken.
fn add(
    plugin: &Plugin,
    named: &str,
    rows: &mut Vec<catalog::Plugin>,
    components: &mut BTreeMap<(Role, String), Plugin>,
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
        if components.contains_key(&(role, row.class.clone())) {
            notes.push(format!("{named}: the class {} is there already, and the one found first is used", row.class));
            continue;
        }
        components.insert((role, row.class.clone()), plugin.clone());
        rows.push(row);
    }
    notes
}

/// Where compiled code is kept: in the user's cache (XDG base directories), for it belongs to no data folder.
pub fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("connectd").join("compiled"))
}
