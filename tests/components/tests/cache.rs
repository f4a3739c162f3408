//! Compiled code on disk: used again, made anew when it is damaged, never run then.

use components::folder::Folder;
use components::guest;
use runtime_host::Settings;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    files.sort();
    files
}

async fn load(cache: &Path) {
    let engine =
        runtime_host::Engine::new(Settings { cache_dir: Some(cache.to_owned()), ..Settings::default() }).unwrap();
    assert_eq!(engine.load(guest("forger")).await.unwrap().info().name, "forger");
}

#[tokio::test]
async fn damage_is_noticed() {
    let folder = Folder::new();
    let cache = folder.file("a/b");
    load(&cache).await;
    let [file] = &files(&cache)[..] else { panic!("{:?}", files(&cache)) };
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    let good = fs::read(file).unwrap();
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(file).unwrap());
    let first = inode();
    load(&cache).await;
    assert_eq!(inode(), first, "it is used as it is");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x40;
    for damaged in [&flipped[..], &good[..good.len() / 2], &good[..20], b""] {
        fs::write(file, damaged).unwrap();
        load(&cache).await;
        assert!(fs::read(file).unwrap().len() > good.len() / 2, "it was made anew");
        assert_eq!(files(&cache).len(), 1);
    }
}

#[tokio::test]
async fn a_folder_that_others_may_write_to_is_not_used() {
    let folder = Folder::new();
    let cache = folder.file("open");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    load(&cache).await;
    assert!(files(&cache).is_empty());
    // Nor does a cache that cannot be made stop anything.
    load(Path::new("/proc/no/such")).await;
}
