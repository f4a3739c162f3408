//! The engine: one per worker, shared by all plug-ins.
//!
//! Owns wasmtime's configuration and the linker. Invariant: guests get only what `wit/` and an empty WASI context give.

use crate::bindings::SourceAndSinkConnector;
use crate::compiler::Compiler;
use crate::error::LoadError;
use crate::plugin::Plugin;
use crate::settings::Settings;
use crate::store::TaskData;
use crate::ticker::Ticker;
use crate::{cache, check};
use std::sync::Arc;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, OptLevel};

/// A WebAssembly engine with its limits; clones share it.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linker: Linker<TaskData>,
    pub(crate) settings: Settings,
    pub(crate) ticker: Ticker,
}

impl Engine {
    /// An engine with these limits. Fails if the machine cannot run it.
    pub fn new(settings: Settings) -> Result<Self, LoadError> {
        let worker = |error: wasmtime::Error| LoadError::Worker(format!("WebAssembly cannot run here: {error:#}"));
        let wasmtime = bare().map_err(worker)?;
        let linker = linker(&wasmtime).map_err(worker)?;
        let ticker = Ticker::start(wasmtime.weak())
            .map_err(|error| LoadError::Worker(format!("No thread for the ticker: {error}")))?;
        Ok(Self(Arc::new(Inner { wasmtime, linker, settings, ticker })))
    }

    /// Checks and compiles a component (or finds it compiled on disk) and asks it what it is. Compiling takes a fraction of a
    /// second and happens in a process of its own if the settings name one.
    pub async fn load(&self, component: impl Into<Arc<[u8]>>) -> Result<Plugin, LoadError> {
        self.load_with(self.0.settings.compiler.clone(), component.into()).await
    }

    /// As [`Engine::load`], compiled in this process: for components that came with it.
    pub async fn load_built_in(&self, component: impl Into<Arc<[u8]>>) -> Result<Plugin, LoadError> {
        self.load_with(None, component.into()).await
    }

    async fn load_with(&self, compiler: Option<Compiler>, bytes: Arc<[u8]>) -> Result<Plugin, LoadError> {
        check::bytes(&bytes, self.0.settings.component_bytes)?;
        let inner = self.0.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            cache::compiled(&inner.wasmtime, inner.settings.cache_dir.as_deref(), compiler.as_ref(), &bytes)
        });
        let component = match compiling.await {
            Ok(compiled) => compiled.map_err(|error| LoadError::Invalid(format!("{error:#}")))?,
            Err(ended) => return Err(LoadError::Worker(format!("Compiling ended: {ended}"))),
        };
        check::interfaces(&component)?;
        let pre = self.0.linker.instantiate_pre(&component);
        Plugin::describe(self.clone(), pre.map_err(|error| LoadError::NotAConnector(format!("{error:#}")))?).await
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// wasmtime's own engine, the same in the worker and in the process that compiles for it.
pub(crate) fn bare() -> wasmtime::Result<wasmtime::Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.cranelift_opt_level(OptLevel::Speed);
    // Guest functions are synchronous; without the machinery of component-model async a call costs a fifth.
    config.concurrency_support(false);
    wasmtime::Engine::new(&config)
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<TaskData>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    SourceAndSinkConnector::add_to_linker::<_, HasSelf<TaskData>>(&mut linker, |data| data)?;
    Ok(linker)
}
