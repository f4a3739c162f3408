//! References to values that are kept elsewhere: `${provider:path:key}` and `${provider:key}`.
//!
//! Owns the grammar, the settings of the stock providers (contract 8.6), and the way back from values to references. Leaves reading
//! files and the environment to the edge. Invariant: what a provider answers is not scanned again.

use alloc::{format, string::String, vec::Vec};

use super::ConfigMap;
use super::value::{full_match, list};

/// A provider, as `config.providers` of the worker names it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in references.
    pub name: String,
    /// What it reads.
    pub kind: ProviderKind,
}

/// What a provider reads.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// A key of a properties file, in one of these folders or files; none named: any.
    File(Vec<String>),
    /// A whole file of a folder, likewise.
    Directory(Vec<String>),
    /// Variables of the environment whose whole name matches; none: all.
    Environment(Option<regex::Regex>),
}

impl PartialEq for Provider {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

impl Eq for Provider {}

impl Provider {
    /// Reads `config.providers` and what belongs to it from the worker's settings. The errors are sentences.
    pub fn all(worker: &ConfigMap) -> Result<Vec<Self>, String> {
        let names = list(worker.get("config.providers").unwrap_or_default());
        names.into_iter().map(|name| Self::new(worker, name)).collect()
    }

    fn new(worker: &ConfigMap, name: String) -> Result<Self, String> {
        let keys = worker.under(&format!("config.providers.{name}."));
        let class = keys.get("class").map(str::trim).unwrap_or_default();
        let paths = || list(keys.get("param.allowed.paths").unwrap_or_default());
        let kind = match class.strip_prefix("org.apache.kafka.common.config.provider.").unwrap_or(class) {
            "FileConfigProvider" => ProviderKind::File(paths()),
            "DirectoryConfigProvider" => ProviderKind::Directory(paths()),
            "EnvVarConfigProvider" => {
                let pattern = keys.get("param.allowlist.pattern").map(str::trim).map(full_match).transpose();
                ProviderKind::Environment(pattern.map_err(|error| {
                    format!("Invalid value for configuration config.providers.{name}.param.allowlist.pattern: {error}")
                })?)
            }
            "" => {
                return Err(format!("config.providers names {name}, but config.providers.{name}.class is missing"));
            }
            _ => {
                return Err(format!(
                    "Invalid value {class} for configuration config.providers.{name}.class: Could not load config provider class or one of its dependencies. There are FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider"
                ));
            }
        };
        Ok(Self { name, kind })
    }
}

/// One reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// The path; empty if the reference has none.
    pub path: &'a str,
    /// The key.
    pub key: &'a str,
}

/// The first reference in `text`: where it begins and ends, and what it names.
fn first(text: &str) -> Option<(usize, usize, Variable<'_>)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("${") {
        let start = from + at;
        let length = text[start..].find('}')?;
        let inner = &text[start + 2..start + length];
        if let Some((provider, rest)) = inner.split_once(':') {
            let (path, key) = rest.split_once(':').unwrap_or(("", rest));
            return Some((start, start + length + 1, Variable { provider, path, key }));
        }
        from = start + 2;
    }
    None
}

/// True if a value has a reference in it.
pub fn has_variable(text: &str) -> bool {
    first(text).is_some()
}

/// The settings with every reference replaced by what `look_up` answers; one that it does not know stays. Its error is the answer.
pub fn resolve(
    config: &ConfigMap,
    mut look_up: impl FnMut(Variable<'_>) -> Result<Option<String>, String>,
) -> Result<ConfigMap, String> {
    let mut resolved: Vec<(String, String)> = Vec::with_capacity(config.len());
    for (name, value) in config.iter() {
        let (mut out, mut rest) = (String::new(), value);
        while let Some((start, end, variable)) = first(rest) {
            out.push_str(&rest[..start]);
            match look_up(variable)? {
                Some(found) => out.push_str(&found),
                None => out.push_str(&rest[start..end]),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        resolved.push((name.into(), out));
    }
    Ok(resolved.into_iter().collect())
}

/// The settings of a task with the connector's references in them again, where their values came from those.
pub fn unresolve(task: &ConfigMap, raw: &ConfigMap, resolved: &ConfigMap) -> ConfigMap {
    let back = |name: &str, value: &str| {
        let reference = raw.get(name).filter(|raw| has_variable(raw) && resolved.get(name) == Some(value));
        String::from(reference.unwrap_or(value))
    };
    task.iter().map(|(name, value)| (name, back(name, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let config: ConfigMap = [("k", text)].into_iter().collect();
        let look_up = |variable: Variable<'_>| {
            let Variable { provider, path, key } = variable;
            Ok((provider != "none").then(|| format!("<{provider}|{path}|{key}>")))
        };
        assert_eq!(resolve(&config, look_up).unwrap().get("k"), Some(expected), "{text}");
    }

    #[test]
    fn references() {
        check("plain ${x} $", "plain ${x} $");
        check("${file:/a/b.properties:key}", "<file|/a/b.properties|key>");
        check("${env:NAME}", "<env||NAME>");
        check("a${env:N}b${dir:/x:f}c", "a<env||N>bc".replace("bc", "b<dir|/x|f>c").as_str());
        check("${none:/x:y}-${env:A}", "${none:/x:y}-<env||A>");
        check("${open:x", "${open:x");
        check("${x}${env:A}", "${x}<env||A>");
    }

    #[test]
    fn references_come_back() {
        let raw: ConfigMap = [("a", "${env:A}"), ("b", "2")].into_iter().collect();
        let resolved: ConfigMap = [("a", "1"), ("b", "2")].into_iter().collect();
        let task: ConfigMap = [("a", "1"), ("b", "2"), ("c", "1")].into_iter().collect();
        assert_eq!(unresolve(&task, &raw, &resolved).to_java(), "{a=${env:A}, b=2, c=1}");
    }

    #[test]
    fn providers() {
        let worker: ConfigMap = [
            ("config.providers", "file,env"),
            ("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
            ("config.providers.file.param.allowed.paths", "/a,/b"),
            ("config.providers.env.class", "EnvVarConfigProvider"),
        ]
        .into_iter()
        .collect();
        let all = Provider::all(&worker).unwrap();
        assert!(matches!(&all[0].kind, ProviderKind::File(paths) if paths == &["/a", "/b"]));
        assert!(matches!(&all[1].kind, ProviderKind::Environment(None)));
        let worker: ConfigMap = [("config.providers", "x"), ("config.providers.x.class", "Nope")].into_iter().collect();
        assert!(
            Provider::all(&worker)
                .unwrap_err()
                .contains("Could not load config provider class or one of its dependencies")
        );
    }
}
