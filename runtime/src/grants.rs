//! What a connector may touch: its declared wants, as far as the operator grants them.
//!
//! Owns the rule: a path that a file on the command line names for a connector is granted to that connector, any other path only
//! inside `connectd.grants.files`. Leaves opening to `runtime_host`, which keeps a path inside its root against `..` and symbolic
//! links too. Invariant: what a plug-in does not ask for in its description it does not get.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
    sync::Mutex,
};

use runtime_core::{
    config::ConfigMap,
    plugin::{Issue, PluginInfo},
};
use runtime_host::{FileGrant, FileMode};

/// What an instance gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Files that it may open.
    pub files: Vec<FileGrant>,
    /// Whether it may read the worker's standard input: it asks for it, and its configuration names no file to read.
    pub stdin: bool,
    /// Whether it may write to the worker's standard output, likewise.
    pub stdout: bool,
}

/// The operator's grants.
#[derive(Debug)]
pub struct Grants {
    working_dir: PathBuf,
    roots: Vec<PathBuf>,
    /// Connector and path, from the files on the command line.
    named: Mutex<BTreeSet<(String, PathBuf)>>,
}

impl Grants {
    /// Grants of a worker in `working_dir` (absolute) with `connectd.grants.files`.
    pub fn new(working_dir: &Path, folders: &[String]) -> Self {
        let roots = folders.iter().map(|folder| normal(&working_dir.join(folder))).collect();
        Self { working_dir: working_dir.to_owned(), roots, named: Mutex::default() }
    }

    /// The operator's own file configures `connector` so: whatever it names as a path is granted to that connector.
    pub fn add_file(&self, connector: &str, config: &ConfigMap) {
        let mut named = self.named.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        named.extend(
            config.iter().map(|(_, value)| (connector.to_owned(), normal(&self.working_dir.join(value.trim())))),
        );
    }

    /// What `connector` gets; the error is an issue of the key that names a path which is not granted.
    pub fn of(&self, connector: &str, config: &ConfigMap, info: &PluginInfo) -> Result<Granted, Issue> {
        let mut granted = Granted::default();
        for want in &info.wants {
            let mode = match want.capability.as_str() {
                "file-read" => FileMode::Read,
                "file-append" => FileMode::Append,
                _ => continue,
            };
            if let Some(path) = config.get(&want.detail).map(str::trim).filter(|path| !path.is_empty()) {
                granted.files.push(self.file(connector, &want.detail, path, mode)?);
            }
        }
        let wants = |capability: &str| info.wants.iter().any(|want| want.capability == capability);
        granted.stdin = wants("stdin") && !granted.files.iter().any(|file| file.mode == FileMode::Read);
        granted.stdout = wants("stdout") && !granted.files.iter().any(|file| file.mode == FileMode::Append);
        Ok(granted)
    }

    fn file(&self, connector: &str, key: &str, path: &str, mode: FileMode) -> Result<FileGrant, Issue> {
        let full = normal(&self.working_dir.join(path));
        let named = self.named.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let root = if named.contains(&(connector.to_owned(), full.clone())) {
            None
        } else {
            let root = self.roots.iter().find(|root| full.starts_with(root) && full != **root);
            Some(root.ok_or_else(|| self.refused(key, path))?.clone())
        };
        Ok(FileGrant { key: key.to_owned(), path: full, mode, root })
    }

    fn refused(&self, key: &str, path: &str) -> Issue {
        let roots: Vec<String> = self.roots.iter().map(|root| root.display().to_string()).collect();
        Issue {
            key: key.to_owned(),
            message: format!(
                "Invalid value {path} for configuration {key}: a connector made over REST may only name files inside {}; \
                 name one there, add its folder to connectd.grants.files, or give the connector a file on the command line",
                roots.join(", ")
            ),
        }
    }
}

/// The path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // Above the root there is only the root.
            Component::ParentDir => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_core::plugin::Want;

    fn plugin(capability: &str, stream: &str) -> PluginInfo {
        let want = |capability: &str, detail: &str| Want {
            capability: capability.into(),
            detail: detail.into(),
            reason: String::new(),
        };
        PluginInfo { wants: vec![want(capability, "file"), want(stream, "")], ..PluginInfo::default() }
    }

    fn of(grants: &Grants, connector: &str, config: &[(&str, &str)]) -> Result<Granted, Issue> {
        grants.of(connector, &config.iter().copied().collect(), &plugin("file-append", "stdout"))
    }

    #[test]
    fn rest_stays_inside_the_folders() {
        let grants = Grants::new(Path::new("/home/c"), &[".".into(), "/srv/out".into()]);
        let check = |path: &str, expected: Option<(&str, &str)>| {
            let granted = of(&grants, "c", &[("file", path)]);
            let found = granted.ok().map(|granted| granted.files[0].clone());
            let found = found.map(|file| (file.path.display().to_string(), file.root.unwrap().display().to_string()));
            assert_eq!(found, expected.map(|(path, root)| (path.to_owned(), root.to_owned())), "{path}");
        };
        check("a.txt", Some(("/home/c/a.txt", "/home/c")));
        check(" ./x/../a.txt ", Some(("/home/c/a.txt", "/home/c")));
        check("/srv/out/a.txt", Some(("/srv/out/a.txt", "/srv/out")));
        check("/srv", None);
        check("../a.txt", None);
        check("/home/cc/a.txt", None);
        check("/etc/passwd", None);
        let issue = of(&grants, "c", &[("file", "/etc/passwd")]).unwrap_err();
        assert!(issue.key == "file" && issue.message.contains("/home/c, /srv/out"), "{}", issue.message);
    }

    #[test]
    fn a_file_on_the_command_line_grants_its_connector_what_it_names() {
        let grants = Grants::new(Path::new("/home/c"), &[".".into()]);
        grants.add_file("mine", &[("file", "/var/log/x"), ("topics", "t")].into_iter().collect());
        let granted = of(&grants, "mine", &[("file", "/var/log/x")]).unwrap();
        assert_eq!(granted.files[0].root, None);
        assert!(of(&grants, "other", &[("file", "/var/log/x")]).is_err());
        assert!(of(&grants, "mine", &[("file", "/var/log/y")]).is_err());
    }

    #[test]
    fn streams_where_no_file_is_named() {
        let grants = Grants::new(Path::new("/home/c"), &[".".into()]);
        assert_eq!(of(&grants, "c", &[]).unwrap(), Granted { stdout: true, ..Granted::default() });
        assert!(!of(&grants, "c", &[("file", "a")]).unwrap().stdout);
        let nothing = grants.of("c", &ConfigMap::new(), &PluginInfo::default()).unwrap();
        assert_eq!(nothing, Granted::default());
    }
}
