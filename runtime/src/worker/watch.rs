//! Files that tasks wait for.
//!
//! Owns one watcher for the whole worker. A file's folder is watched, so that one is seen which is not there yet or takes
//! another's place. Where the system tells nothing (network file systems), tasks look again after a while by themselves.
//! Invariant: a change after [`Watched::set`] completes [`Watched::changed`], now or at its next call.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind};
use tokio::{runtime::Handle, sync::Notify};

/// The worker's watcher; clones share it.
#[derive(Clone)]
pub(super) struct Watch(Arc<Inner>);

struct Inner {
    watcher: Mutex<Option<RecommendedWatcher>>,
    interest: Arc<Mutex<Interest>>,
    runtime: Handle,
}

#[derive(Default)]
struct Interest {
    next: u64,
    /// Who waits for which paths.
    waiting: BTreeMap<u64, (BTreeSet<PathBuf>, Arc<Notify>)>,
    folders: BTreeSet<PathBuf>,
}

/// One task's files.
pub(super) struct Watched {
    watch: Watch,
    id: u64,
    notify: Arc<Notify>,
    paths: BTreeSet<PathBuf>,
}

impl Watch {
    /// Starts the watcher. Without one, files are looked at again and again, and the log says so.
    pub fn start(runtime: Handle) -> Self {
        let interest = Arc::new(Mutex::new(Interest::default()));
        let theirs = interest.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
            Ok(event) => lock(&theirs).tell(&event),
            Err(error) => tracing::debug!("file watch: {error}"),
        });
        if let Err(error) = &watcher {
            tracing::warn!("files cannot be watched ({error}); they are looked at once a second");
        }
        Self(Arc::new(Inner { watcher: Mutex::new(watcher.ok()), interest, runtime }))
    }

    /// A task that waits for nothing yet.
    pub fn nothing(&self) -> Watched {
        let mut interest = lock(&self.0.interest);
        interest.next += 1;
        Watched { watch: self.clone(), id: interest.next, notify: Arc::default(), paths: BTreeSet::new() }
    }

    /// Adds and removes watches until they are what is wanted now. Touches the file system, so it runs on a thread for that.
    fn refresh(&self) {
        let inner = self.0.clone();
        self.0.runtime.spawn_blocking(move || {
            let mut watcher = lock(&inner.watcher);
            let Some(watcher) = watcher.as_mut() else { return };
            let (add, remove) = lock(&inner.interest).difference();
            for folder in remove {
                // One that is gone cannot be unwatched, and need not.
                let _ = watcher.unwatch(&folder);
            }
            for folder in add {
                if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    tracing::debug!("{} cannot be watched: {error}", folder.display());
                    lock(&inner.interest).folders.remove(&folder);
                }
            }
            lock(&inner.interest).waiting.values().for_each(|(_, notify)| notify.notify_one());
        });
    }
}

impl Watched {
    /// Waits for these from now on.
    pub fn set(&mut self, paths: Vec<PathBuf>) {
        let paths: BTreeSet<_> = paths.into_iter().collect();
        if paths != self.paths {
            self.paths = paths.clone();
            lock(&self.watch.0.interest).waiting.insert(self.id, (paths, self.notify.clone()));
            self.watch.refresh();
        }
    }

    /// Completes when one of them has changed, come or gone.
    pub async fn changed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if lock(&self.watch.0.interest).waiting.remove(&self.id).is_some() {
            self.watch.refresh();
        }
    }
}

impl Interest {
    fn tell(&self, event: &notify::Event) {
        // Reading a file is no change; our own readers do it all the time.
        if matches!(event.kind, EventKind::Access(kind) if !matches!(kind, AccessKind::Close(notify::event::AccessMode::Write)))
        {
            return;
        }
        for (paths, notify) in self.waiting.values() {
            if event.need_rescan() || event.paths.iter().any(|path| paths.contains(path)) {
                notify.notify_one();
            }
        }
    }

    /// Folders to watch and to watch no more.
    fn difference(&mut self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let paths = self.waiting.values().flat_map(|(paths, _)| paths);
        let wanted: BTreeSet<PathBuf> = paths.filter_map(|path| path.parent()).map(Path::to_owned).collect();
        let add = wanted.difference(&self.folders).cloned().collect();
        let remove = self.folders.difference(&wanted).cloned().collect();
        self.folders = wanted;
        (add, remove)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
