//! The connector classes of this worker: built in, and on `plugin.path`.
//!
//! Owns the whole verdict on a configuration: the framework's, the plug-in's own, and the grants; and that a component that is put on the
//! path is seen by whoever asks next. Leaves which component answers to which name to `set`, running components to `runtime_host`, rules to
//! `runtime_core::config`. Invariant: a set is never changed, only followed by another one, so that a verdict has one catalogue.

use std::{
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use runtime_core::{
    config::{
        ClassError, ConfigInfos, ConfigMap, Defaults, Submitted,
        unknown::{Unknown, without_class},
        validate,
    },
    herder::{Catalogue, Refusal, RefusalKind},
    plugin::{Issue, Role},
    worker_config::WorkerConfig,
};
use runtime_host::{Compiler, Engine, LoadError, Plugin, Settings};
use tokio::runtime::Handle;

use crate::{
    grants::Grants,
    providers::{Providers, Secrets},
};

mod scan;
mod set;
#[cfg(test)]
mod tests;

pub use scan::scan;
pub use set::Set;

/// Version of Kafka Connect whose contract this worker keeps: what stock converters and REST's root say.
pub const CONTRACT_VERSION: &str = "4.3.0";

/// Where plug-ins come from, and what a configuration is judged by.
#[derive(Debug)]
pub struct Sources {
    /// `plugin.path`.
    pub path: Vec<String>,
    /// Where compiled code is kept; none: it is compiled at each start.
    pub cache_dir: Option<PathBuf>,
    /// What compiles the components on `plugin.path`; none: this process does.
    pub compiler: Option<Compiler>,
    /// What connectors take from the worker.
    pub defaults: Defaults,
    /// What they may touch.
    pub grants: Arc<Grants>,
    /// What their references name.
    pub providers: Providers,
}

impl Sources {
    /// Those of a worker on this machine.
    pub fn of(config: &WorkerConfig, grants: Arc<Grants>, providers: Providers) -> Self {
        Self {
            path: config.plugin_path.clone(),
            cache_dir: cache_dir(),
            compiler: compiler(),
            defaults: config.defaults(),
            grants,
            providers,
        }
    }
}

/// Every plug-in of this worker.
pub struct Plugins {
    set: RwLock<Arc<Set>>,
    /// Held while the path is looked through, so that two who ask load nothing twice.
    loader: tokio::sync::Mutex<set::Loader>,
    /// The herder has not been told of the set.
    is_news: AtomicBool,
    defaults: Defaults,
    grants: Arc<Grants>,
    providers: Providers,
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
        let Sources { cache_dir, compiler, .. } = sources;
        let engine = Engine::new(Settings { cache_dir, compiler, ..Settings::default() })?;
        let mut loader = set::Loader::new(engine, sources.path, guests.clone());
        let set = loader.look().await.unwrap_or_default();
        Ok(Self {
            set: RwLock::new(set),
            loader: tokio::sync::Mutex::new(loader),
            is_news: AtomicBool::new(false),
            defaults: sources.defaults,
            grants: sources.grants,
            providers: sources.providers,
            guests,
        })
    }

    /// What there is, as far as it is known.
    pub fn known(&self) -> Arc<Set> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What there is, after another look at the path.
    pub async fn now(&self) -> Arc<Set> {
        if let Some(set) = self.loader.lock().await.look().await {
            set.notes().iter().for_each(|note| tracing::warn!("{note}"));
            tracing::info!("plugin.path has changed: there are {} connector plug-ins", set.catalog().rows(true).len());
            *self.set.write().unwrap_or_else(PoisonError::into_inner) = set;
            self.is_news.store(true, Ordering::Relaxed);
        }
        self.known()
    }

    /// Every class, if that has changed since the herder was told.
    pub fn news(&self) -> Option<Catalogue> {
        self.is_news.swap(false, Ordering::Relaxed).then(|| self.known().classes())
    }

    /// The component that `connector.class` and `connector.plugin.version` select. The error is a sentence for the user.
    pub async fn find(&self, config: &ConfigMap) -> Result<Found, String> {
        self.known().find(config)
    }

    /// True if a connector of this configuration reads or writes the worker's standard streams.
    pub async fn uses_streams(&self, config: &ConfigMap) -> bool {
        let Ok(config) = self.resolve(config) else { return false };
        let Ok(found) = self.find(&config).await else { return false };
        let granted = self.grants.of(config.get("name").unwrap_or_default(), &config, found.plugin.info());
        granted.is_ok_and(|granted| granted.stdin || granted.stdout)
    }

    /// A connector's configuration with values in place of references. The error is a sentence for the user.
    pub fn resolve(&self, config: &ConfigMap) -> Result<ConfigMap, String> {
        self.providers.resolve(config)
    }

    /// What the references of a connector's configuration stand for: not to be shown.
    pub fn secrets(&self, config: &ConfigMap) -> Secrets {
        self.providers.secrets(config)
    }

    /// What connectors may touch.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Everything that is wrong with a configuration, and what its keys are. The values behind references are judged, and the
    /// references shown. The error: it names no connector, or a reference cannot be followed.
    pub async fn validate(&self, submitted: &Submitted) -> Result<ConfigInfos, ClassError> {
        let raw = &submitted.config;
        if raw.get("connector.class").is_none() {
            // The message quotes the configuration: its references, not what they stand for.
            return Err(ClassError::Missing(without_class(raw)));
        }
        let resolved = self.resolve(raw).map_err(ClassError::Reference)?;
        let submitted = &Submitted { config: resolved, ..submitted.clone() };
        let set = self.now().await;
        let mut infos = validate(set.catalog(), &self.defaults, submitted)?;
        let config = &submitted.config;
        if let Ok(found) = set.find(config) {
            let name = config.get("name").unwrap_or_default();
            if let Err(issue) = self.grants.of(name, config, found.plugin.info()) {
                infos.add_issues([issue]);
            }
            // A plug-in is asked only about a configuration that keeps to its own definition.
            if infos.error_count == 0 {
                infos.add_issues(self.ask(found, config).await);
            }
        }
        infos.hide_resolved(raw, config);
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

    /// Whether a configuration will do, and the keys that nobody reads; `Err` with the message of POST and PUT.
    pub async fn judge(&self, config: ConfigMap) -> Result<Vec<Unknown>, Refusal> {
        let refused = |why: String| Err(Refusal::new(RefusalKind::BadRequest, why));
        let submitted = Submitted::from(config);
        match self.validate(&submitted).await {
            Ok(infos) => infos.refusal(&submitted.config).map_or(Ok(infos.unknown(&submitted.config)), refused),
            // As in Kafka, which does not say whose mistake that is.
            Err(ClassError::Reference(why)) => Err(Refusal::new(RefusalKind::Failed, why)),
            Err(error) => refused(self.known().explain(&error)),
        }
    }
}

/// Where compiled code is kept: in the user's cache (XDG base directories), for it belongs to no data folder.
pub fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("connectd").join("compiled"))
}

/// The argument with which this program compiles a component and does nothing else.
pub const COMPILE: &str = "--compile-component";

/// This program, as the compiler of components that did not come with it.
pub fn compiler() -> Option<Compiler> {
    // A program that is replaced while it runs still compiles for itself.
    let itself = Some(PathBuf::from("/proc/self/exe")).filter(|path| path.exists());
    let program = itself.or_else(|| std::env::current_exe().ok())?;
    Some(Compiler(vec![program.into(), COMPILE.into()]))
}
