//! What lies on `plugin.path`.
//!
//! Owns which files are tried: `.wasm` files that are named, or lie in a folder that is named or one below it. Invariant: nothing here
//! opens a component.

use std::path::{Path, PathBuf};

/// Components on the path, in order, and notes to print.
pub fn scan(path: &[String]) -> (Vec<PathBuf>, Vec<String>) {
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for entry in path {
        let entry = Path::new(entry);
        match std::fs::metadata(entry) {
            Ok(meta) if meta.is_dir() => {
                let mut files = files_below(entry, 1);
                files.sort();
                if files.iter().any(|file| has_ending(file, "jar")) {
                    notes.push(format!(
                        "plugin.path: jar plugins are not loaded ({}); FileStreamSource is built in",
                        entry.display()
                    ));
                }
                found.extend(files.into_iter().filter(|file| has_ending(file, "wasm")));
            }
            Ok(_) => found.push(entry.to_owned()),
            Err(error) => notes.push(format!("plugin.path: {} cannot be read: {error}", entry.display())),
        }
    }
    (found, notes)
}

fn files_below(folder: &Path, levels: u32) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| match path.is_dir() {
            true if levels > 0 => files_below(&path, levels - 1),
            true => Vec::new(),
            false => vec![path],
        })
        .collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("mine/deep")).unwrap();
        for name in ["b.wasm", "a.wasm", "old.jar", "mine/c.WASM", "mine/deep/d.wasm", "readme.txt"] {
            std::fs::write(at(name), "").unwrap();
        }
        let text = |path: PathBuf| path.display().to_string();
        let (found, notes) = scan(&[text(folder.path().into()), text(at("readme.txt")), text(at("nowhere"))]);
        assert_eq!(found, ["a.wasm", "b.wasm", "mine/c.WASM", "readme.txt"].map(at));
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("jar plugins are not loaded") && notes[1].contains("nowhere"), "{notes:?}");
    }
}
