//! Config providers: the files and variables that references in configurations name (contract 8.6).
//!
//! Owns reading them, under the operator's `allowed.paths` and `allowlist.pattern`. Leaves the grammar to
//! `runtime_core::config::variables`. Invariant: what is read goes to the connector that names it, never into REST's answers or the
//! internal topics.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use runtime_core::{
    config::{
        ConfigMap,
        variables::{self, Provider, ProviderKind, Variable},
    },
    properties,
};

/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// Shorter values (`true`, a port) are no secrets, and part of too many words.
const LEAST_SECRET: usize = 6;

/// What references of a configuration stand for, kept out of texts that are shown.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Value and reference, the longest value first.
    found: Vec<(String, String)>,
}

impl Secrets {
    /// The text with references in place of values.
    pub fn hide(&self, text: String) -> String {
        self.found.iter().fold(text, |text, (value, reference)| text.replace(value, reference))
    }
}

/// The worker's config providers.
#[derive(Debug, Default)]
pub struct Providers {
    all: Vec<Provider>,
}

impl Providers {
    /// These.
    pub fn new(all: Vec<Provider>) -> Self {
        Self { all }
    }

    /// A configuration with the values in place of the references. One that no provider knows stays as it is, as in Kafka.
    ///
    /// # Errors
    /// If a file cannot be read; a sentence.
    pub fn resolve(&self, config: &ConfigMap) -> Result<ConfigMap, String> {
        if self.all.is_empty() || !config.iter().any(|(_, value)| variables::has_variable(value)) {
            return Ok(config.clone());
        }
        variables::resolve(config, |variable| self.look_up(variable))
    }

    /// What the references of a configuration stand for now.
    pub fn secrets(&self, config: &ConfigMap) -> Secrets {
        let mut found = Vec::new();
        // A reference that cannot be followed stands for nothing, and those behind it are not followed either.
        let _ = variables::resolve(config, |variable| {
            let value = self.look_up(variable)?;
            found.extend(value.clone().map(|value| (value, reference(variable))));
            Ok(value)
        });
        found.retain(|(value, _)| value.len() >= LEAST_SECRET);
        found.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Secrets { found }
    }

    fn look_up(&self, variable: Variable<'_>) -> Result<Option<String>, String> {
        let Variable { provider, path, key } = variable;
        match self.all.iter().find(|known| known.name == provider).map(|known| &known.kind) {
            None => Ok(None),
            Some(ProviderKind::Environment(allowed)) => {
                let is_allowed = allowed.as_ref().is_none_or(|pattern| pattern.is_match(key));
                Ok(std::env::var(key).ok().filter(|_| is_allowed && path.is_empty()))
            }
            Some(ProviderKind::File(allowed)) => match permitted(Path::new(path), allowed) {
                None => Ok(None),
                Some(file) => {
                    let text =
                        read(&file).map_err(|why| format!("Could not read properties from file {path}: {why}"))?;
                    let properties = properties::parse_utf8(&text)
                        .map_err(|why| format!("Could not read properties from file {path}: {why}"))?;
                    Ok(properties.get(key).map(str::to_owned))
                }
            },
            Some(ProviderKind::Directory(allowed)) => match permitted(&Path::new(path).join(key), allowed) {
                Some(file) if !key.contains('/') && file.is_file() => {
                    read(&file).map(Some).map_err(|why| format!("Could not read file {}: {why}", file.display()))
                }
                _ => Ok(None),
            },
        }
    }
}

/// As it is written in a configuration.
fn reference(Variable { provider, path, key }: Variable<'_>) -> String {
    match path {
        "" => format!("${{{provider}:{key}}}"),
        path => format!("${{{provider}:{path}:{key}}}"),
    }
}

/// The file with links followed, if it lies where the operator allows it; a file that is not there is for the reader to report.
fn permitted(path: &Path, allowed: &[String]) -> Option<PathBuf> {
    if path.as_os_str().is_empty() {
        return None;
    }
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let inside = |folder: &String| fs::canonicalize(folder).is_ok_and(|folder| real.starts_with(folder));
    (allowed.is_empty() || allowed.iter().any(inside)).then_some(real)
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    if !file.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err("it is not a regular file".into());
    }
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("it is larger than {MOST_BYTES} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(provider: ProviderKind, text: &str) -> Result<String, String> {
        let providers = Providers::new(vec![Provider { name: "p".into(), kind: provider }]);
        let config = [("k", text)].into_iter().collect();
        providers.resolve(&config).map(|config| config.get("k").unwrap().to_owned())
    }

    #[test]
    fn files() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets.properties");
        fs::write(&secrets, "user = é\npass=\\u0041b\n").unwrap();
        let (path, root) = (secrets.display().to_string(), folder.path().display().to_string());
        let file = |allowed: &[&str]| ProviderKind::File(allowed.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(resolved(file(&[]), &format!("<${{p:{path}:user}}>")).unwrap(), "<é>");
        assert_eq!(resolved(file(&[&root]), &format!("${{p:{path}:pass}}")).unwrap(), "Ab");
        let unknown = format!("${{p:{path}:nope}}");
        assert_eq!(resolved(file(&[]), &unknown).unwrap(), unknown);
        let outside = format!("${{p:{path}:user}}");
        assert_eq!(resolved(file(&["/proc"]), &outside).unwrap(), outside);
        let missing = resolved(file(&[]), "${p:/no/such/file:x}").unwrap_err();
        assert!(missing.starts_with("Could not read properties from file /no/such/file"), "{missing}");
        let directory = ProviderKind::Directory(vec![root.clone()]);
        let whole = resolved(directory.clone(), &format!("${{p:{root}:secrets.properties}}")).unwrap();
        assert_eq!(whole, "user = é\npass=\\u0041b\n");
        let up = format!("${{p:{root}:../x}}");
        assert_eq!(resolved(directory, &up).unwrap(), up);
    }

    #[test]
    fn secrets_are_kept_out_of_texts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.properties");
        fs::write(&path, "long=hunter2-hunter2\nshort=true\npart=hunter2\n").unwrap();
        let path = path.display();
        let providers = Providers::new(vec![Provider { name: "p".into(), kind: ProviderKind::File(Vec::new()) }]);
        let reference = |key: &str| format!("${{p:{path}:{key}}}");
        let config = [
            ("a", format!("x{}y", reference("part"))),
            ("b", reference("long")),
            ("c", reference("short")),
            ("d", "${q:unknown}".into()),
        ];
        let config: ConfigMap = config.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let (long, part) = (reference("long"), reference("part"));
        let shown = providers.secrets(&config).hide("hunter2-hunter2 is not hunter2, true".into());
        assert_eq!(shown, format!("{long} is not {part}, true"));
    }

    #[test]
    fn variables_of_the_environment() {
        let pattern =
            |text: &str| ProviderKind::Environment(Some(runtime_core::config::value::full_match(text).unwrap()));
        assert_eq!(resolved(ProviderKind::Environment(None), "${p:PATH}").unwrap(), std::env::var("PATH").unwrap());
        assert_eq!(resolved(pattern("P.*"), "${p:PATH}").unwrap(), std::env::var("PATH").unwrap());
        assert_eq!(resolved(pattern("X"), "${p:PATH}").unwrap(), "${p:PATH}");
        assert_eq!(
            resolved(ProviderKind::Environment(None), "${p:NO_SUCH_VARIABLE}").unwrap(),
            "${p:NO_SUCH_VARIABLE}"
        );
    }
}
