//! Files that tasks wait for.
//!
//! Owns one watcher for the whole worker. A file's folder is watched, so that one is seen which is not there yet or takes
//! another's place. Where the system may tell nothing (network file systems, links), a task is to look again soon by itself:
//! [`Watched::longest_idle_ms`]. Invariant: a change after [`Watched::set`] completes [`Watched::changed`], now or at its next call.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    waiting: BTreeMap<u64, Waiting>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Clone, Default)]
struct Waiting {
    paths: BTreeSet<PathBuf>,
    notify: Arc<Notify>,
    /// The system tells of every change to all of them.
    is_sure: Arc<AtomicBool>,
}

/// One task's files.
pub(super) struct Watched {
    watch: Watch,
    id: u64,
    waiting: Waiting,
}

/// How long a task may wait that is told of every change: there are ways to change a file that no system tells of.
const LOOK_MS: u32 = 10_000;
/// How long a task may wait that may not be told.
const LOOK_UNTOLD_MS: u32 = 1_000;

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
        Watched { watch: self.clone(), id: interest.next, waiting: Waiting::default() }
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
            let interest = lock(&inner.interest);
            for waiting in interest.waiting.values() {
                let sure = waiting.paths.iter().all(|path| interest.is_watched(path) && is_told_of(path));
                waiting.is_sure.store(sure, Ordering::Relaxed);
                waiting.notify.notify_one();
            }
        });
    }
}

impl Watched {
    /// Waits for these from now on.
    pub fn set(&mut self, paths: Vec<PathBuf>) {
        let paths: BTreeSet<_> = paths.into_iter().collect();
        if paths != self.waiting.paths {
            self.waiting = Waiting { paths, notify: self.waiting.notify.clone(), is_sure: Arc::default() };
            lock(&self.watch.0.interest).waiting.insert(self.id, self.waiting.clone());
            self.watch.refresh();
        }
    }

    /// Milliseconds after which a task that has nothing to do looks all the same; `None` if it waits for no file.
    pub fn longest_idle_ms(&self) -> Option<u32> {
        let sure = self.waiting.is_sure.load(Ordering::Relaxed);
        (!self.waiting.paths.is_empty()).then_some(if sure { LOOK_MS } else { LOOK_UNTOLD_MS })
    }

    /// Completes when one of them has changed, come or gone.
    pub async fn changed(&self) {
        self.waiting.notify.notified().await;
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
        for Waiting { paths, notify, .. } in self.waiting.values() {
            if event.need_rescan() || event.paths.iter().any(|path| paths.contains(path)) {
                notify.notify_one();
            }
        }
    }

    /// Folders to watch and to watch no more.
    fn difference(&mut self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let paths = self.waiting.values().flat_map(|waiting| &waiting.paths);
        let wanted: BTreeSet<PathBuf> = paths.filter_map(|path| path.parent()).map(Path::to_owned).collect();
        let add = wanted.difference(&self.folders).cloned().collect();
        let remove = self.folders.difference(&wanted).cloned().collect();
        self.folders = wanted;
        (add, remove)
    }

    fn is_watched(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| self.folders.contains(folder))
    }
}

/// Whether the system tells of what anybody does to a file of this name. A link's target lies elsewhere, and on a network, or behind a
/// layer, others write unseen.
fn is_told_of(path: &Path) -> bool {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    !is_link && path.parent().is_some_and(is_local)
}

#[cfg(target_os = "linux")]
fn is_local(folder: &Path) -> bool {
    // ext2 to ext4, XFS, btrfs, tmpfs, F2FS (statfs(2)).
    const LOCAL: [u64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0xf2f5_2010];
    rustix::fs::statfs(folder).is_ok_and(|found| LOCAL.contains(&(found.f_type as u64 & 0xffff_ffff)))
}

#[cfg(not(target_os = "linux"))]
fn is_local(_: &Path) -> bool {
    false
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use notify::{
        Event,
        event::{AccessMode, CreateKind, ModifyKind},
    };

    use super::*;

    /// Who is told of an event about `path`, if "one" and "two" wait for the files of those names.
    fn check(kind: EventKind, path: &str, expected: &[&str]) {
        let mut interest = Interest::default();
        for (id, name) in ["one", "two"].into_iter().enumerate() {
            let paths = BTreeSet::from([PathBuf::from(format!("/d/{name}"))]);
            interest.waiting.insert(id as u64, Waiting { paths, ..Waiting::default() });
        }
        interest.tell(&Event::new(kind).add_path(format!("/d/{path}").into()));
        let told = |id: u64| {
            let mut waits = once(interest.waiting[&id].notify.notified());
            waits.poll_once()
        };
        let told: Vec<_> =
            [(0, "one"), (1, "two")].into_iter().filter(|(id, _)| told(*id)).map(|(_, name)| name).collect();
        assert_eq!(told, expected, "{kind:?} {path}");
    }

    /// A future that is looked at once.
    struct Once<F>(std::pin::Pin<Box<F>>);

    fn once<F: Future>(future: F) -> Once<F> {
        Once(Box::pin(future))
    }

    impl<F: Future> Once<F> {
        fn poll_once(&mut self) -> bool {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            self.0.as_mut().poll(&mut context).is_ready()
        }
    }

    #[test]
    fn only_who_waits_for_a_file_is_told_and_only_of_changes() {
        check(EventKind::Create(CreateKind::File), "one", &["one"]);
        check(EventKind::Modify(ModifyKind::Any), "two", &["two"]);
        check(EventKind::Modify(ModifyKind::Any), "three", &[]);
        check(EventKind::Access(AccessKind::Close(AccessMode::Write)), "one", &["one"]);
        check(EventKind::Access(AccessKind::Open(AccessMode::Any)), "one", &[]);
        check(EventKind::Access(AccessKind::Close(AccessMode::Read)), "one", &[]);
        check(EventKind::Access(AccessKind::Read), "one", &[]);
    }

    #[test]
    fn a_folder_is_watched_as_long_as_somebody_waits_for_a_file_in_it() {
        let mut interest = Interest::default();
        let waiting = |path: &str| Waiting { paths: BTreeSet::from([PathBuf::from(path)]), ..Waiting::default() };
        interest.waiting.insert(1, waiting("/a/x"));
        interest.waiting.insert(2, waiting("/a/y"));
        assert_eq!(interest.difference(), (vec!["/a".into()], vec![]));
        interest.waiting.remove(&1);
        assert_eq!(interest.difference(), (vec![], vec![]));
        interest.waiting.insert(2, waiting("/b/y"));
        assert_eq!(interest.difference(), (vec!["/b".into()], vec!["/a".into()]));
    }

    /// Waits for a change; gives up after a time in which no system would be silent.
    async fn changed(watched: &Watched) -> bool {
        tokio::time::timeout(Duration::from_secs(30), watched.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn a_file_comes_grows_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("f"), folder.path().join("other"));
        let mut watched = Watch::start(Handle::current()).nothing();
        watched.set(vec![path.clone()]);
        assert_eq!(watched.longest_idle_ms(), Some(LOOK_UNTOLD_MS), "nothing is watched yet");
        assert!(changed(&watched).await, "once, when the watch is there: what came before it is not missed");
        let told = is_local(folder.path());
        assert_eq!(watched.longest_idle_ms(), Some(if told { LOOK_MS } else { LOOK_UNTOLD_MS }));
        std::fs::write(&path, "a").unwrap();
        assert!(changed(&watched).await, "it comes");
        std::fs::write(&path, "ab").unwrap();
        assert!(changed(&watched).await, "it grows");
        std::fs::write(&other, "c").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(changed(&watched).await, "another takes its place");
    }

    #[tokio::test]
    async fn what_a_link_names_is_looked_at_more_often() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/somewhere/else", folder.path().join("link")).unwrap();
        let mut watched = Watch::start(Handle::current()).nothing();
        assert_eq!(watched.longest_idle_ms(), None);
        watched.set(vec![folder.path().join("link")]);
        assert!(changed(&watched).await);
        assert_eq!(watched.longest_idle_ms(), Some(LOOK_UNTOLD_MS));
    }
}
