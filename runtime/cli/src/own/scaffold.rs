//! `connectd plugin new`: a connector to begin with.
//!
//! Owns which files it consists of and what differs between two of them. The SDK and the contract are this repository's own, taken in when
//! the binary is built, so a new connector begins with what its host was built with, and no network is asked for it. Invariant: nothing is
//! written over.

use runtime_core::complaint::Complaint;
use serde_json::json;

use super::outcome::{Done, Outcome, failed, input};
use crate::world::World;

/// `connectd plugin new`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// The connector's name, such as weather; a folder of this name is made
    #[arg(value_name = "NAME")]
    name: String,
    /// A sink in place of a source
    #[arg(long)]
    sink: bool,
}

macro_rules! files {
    ($from:literal, $to:literal: $($name:literal)*) => {
        &[$((concat!($to, $name), include_str!(concat!("../../../../", $from, $name)))),*]
    };
}

/// The SDK; its folder is as deep as it is here, for it names the contract's.
const SDK: &[(&str, &str)] = files!("connectors/sdk/", "connectd/sdk/": "Cargo.toml" "src/about.rs" "src/batch.rs" "src/bindings.rs"
    "src/config.rs" "src/definition.rs" "src/error.rs" "src/export.rs" "src/host.rs" "src/lib.rs" "src/records.rs" "src/sink.rs"
    "src/source.rs");

/// The contract with the host.
const WIT: &[(&str, &str)] = files!("wit/", "wit/": "connector.wit" "host.wit" "types.wit");

/// Where versions and lints of the SDK stand.
const WORKSPACE: &str = include_str!("../../../../connectors/Cargo.toml");

/// The versions of everything that the SDK is built with.
const LOCK: &str = include_str!("../../../../connectors/Cargo.lock");

const SOURCE: &str = include_str!("../../templates/source.rs");
const SINK: &str = include_str!("../../templates/sink.rs");
const README: &str = include_str!("../../templates/README.md");

/// Where cargo puts what it builds.
const BUILT: &str = "target/wasm32-wasip2/release";

impl New {
    /// Writes the connector's folder.
    pub(super) fn run(&self, world: &mut dyn World) -> Done {
        let name = &self.name;
        let what = format!("connector {name} was not made");
        let is_name = name.starts_with(|letter: char| letter.is_ascii_lowercase())
            && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
            && name.len() <= 64;
        if !is_name {
            let why = "a name has small letters, digits and -, and begins with a letter";
            return Err(input(Complaint::new(what).because(why).help("connectd plugin new weather")));
        }
        if world.exists(name) {
            return Err(input(
                Complaint::new(what).at(name).because("it is there already, and nothing is written over"),
            ));
        }
        let files = self.files();
        for (path, text) in &files {
            let path = format!("{name}/{path}");
            world.write(&path, text.as_bytes()).map_err(|why| failed(Complaint::new(&what).at(&path).because(why)))?;
        }
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let next = self.next();
        let text = format!(
            "made {name}: a {} in src/lib.rs, with the SDK and the contract beside it\n  cd {name}\n  {}\n",
            self.role(),
            next.join("\n  ")
        );
        Ok(Outcome::new(json!({ "name": name, "role": self.role(), "files": paths, "next": next }), text))
    }

    fn role(&self) -> &'static str {
        if self.sink { "sink" } else { "source" }
    }

    /// What a sink is tried on, for the command line.
    fn records(&self) -> &'static str {
        if self.sink { " --in records.txt" } else { "" }
    }

    /// `WeatherSource` for `weather`.
    fn type_name(&self) -> String {
        let word = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        };
        let words: String = self.name.split('-').map(word).collect();
        format!("{words}{}", if self.sink { "Sink" } else { "Source" })
    }

    fn wasm(&self) -> String {
        format!("{BUILT}/{}.wasm", self.name.replace('-', "_"))
    }

    fn next(&self) -> Vec<String> {
        let (name, wasm) = (&self.name, self.wasm());
        let lines = self.records();
        vec![
            "cargo build --release --target wasm32-wasip2".to_owned(),
            format!("connectd try {wasm} --config {name}.properties{lines}"),
            format!("connectd standalone worker.properties {name}.properties"),
        ]
    }

    /// Paths within the folder, and what stands there.
    fn files(&self) -> Vec<(String, String)> {
        let (name, role, kind) = (&self.name, self.role(), self.type_name());
        let class = format!("{kind}Connector");
        let filled = |template: &str| {
            let filled = template.replace("{{name}}", name).replace("{{type}}", &kind).replace("{{class}}", &class);
            let filled = filled.replace("{{role}}", role).replace("{{wasm}}", &self.wasm());
            let filled = filled.replace("{{in}}", self.records());
            filled.replace("{{version}}", env!("CARGO_PKG_VERSION"))
        };
        let (code, settings) = match self.sink {
            true => (SINK, "topics=try\ngreeting=hello\n"),
            false => (SOURCE, "topic=try\nlast=10\n"),
        };
        let mut files = vec![
            ("Cargo.toml".to_owned(), self.manifest()),
            ("Cargo.lock".to_owned(), LOCK.to_owned()),
            ("src/lib.rs".to_owned(), filled(code)),
            ("README.md".to_owned(), filled(README)),
            (".gitignore".to_owned(), "/target\n/connectd-data\n".to_owned()),
            (format!("{name}.properties"), format!("name={name}\nconnector.class={class}\ntasks.max=1\n{settings}")),
            ("worker.properties".to_owned(), format!("{WORKER}plugin.path={BUILT}\n")),
        ];
        if self.sink {
            files.push(("records.txt".to_owned(), "one\ntwo\nthree\n".to_owned()));
        }
        files.extend(SDK.iter().chain(WIT).map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
        files
    }

    /// The workspace of the connector and the SDK. Versions and lints are those that the SDK is built with here.
    fn manifest(&self) -> String {
        let name = &self.name;
        let bindgen = WORKSPACE.lines().find(|line| line.starts_with("wit-bindgen =")).unwrap_or_default();
        let sections = ["workspace.package", "workspace.lints.rust", "workspace.lints.clippy", "profile.release"];
        let sections: String = sections.iter().map(|name| section(name)).collect();
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
             [lib]\ncrate-type = [\"cdylib\"]\n\n\
             [dependencies]\nconnect-sdk.workspace = true\n\n\
             [workspace]\nresolver = \"3\"\nmembers = [\"connectd/sdk\"]\n\n\
             [workspace.dependencies]\nconnect-sdk = {{ path = \"connectd/sdk\" }}\n{bindgen}\n{sections}"
        )
    }
}

/// The worker of the third command.
const WORKER: &str = "bootstrap.servers=localhost:9092\nlisteners=http://:8083\n\
                      key.converter=org.apache.kafka.connect.storage.StringConverter\n\
                      value.converter=org.apache.kafka.connect.storage.StringConverter\n\
                      offset.storage.file.filename=connectd-data/offsets\n";

/// A section of the SDK's workspace, with an empty line before it.
fn section(name: &str) -> String {
    let head = format!("[{name}]");
    let lines = WORKSPACE.lines().skip_while(|line| *line != head);
    let body = lines.skip(1).take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty());
    let body: String = body.map(|line| format!("{line}\n")).collect();
    format!("\n{head}\n{body}")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_sdk_and_the_contract_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let check = |folder: &str, at: &str, files: &[(&str, &str)]| {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(files.iter().any(|(path, _)| *path == format!("{at}{name}")), "{folder}/{name} is not written");
            }
        };
        check("connectors/sdk/src", "connectd/sdk/src/", SDK);
        check("wit", "wit/", WIT);
    }

    #[test]
    fn names() {
        let new = |name: &str, sink: bool| New { name: name.into(), sink };
        assert_eq!(new("my-2-weather", false).type_name(), "My2WeatherSource");
        assert_eq!(new("my-weather", true).wasm(), "target/wasm32-wasip2/release/my_weather.wasm");
        for bad in ["", "Weather", "2x", "a/b", "a_b", "-a", &"a".repeat(65)] {
            assert!(new(bad, false).run(&mut crate::world::Silent::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn templates_are_filled_and_the_manifest_is_whole() {
        for sink in [false, true] {
            let new = New { name: "weather".into(), sink };
            let files = new.files();
            for (path, text) in &files {
                assert!(!text.is_empty() && (path.starts_with("connectd/") || !text.contains("{{")), "{path}: {text}");
            }
            let manifest = new.manifest();
            for expected in ["wit-bindgen = {", "edition = \"2024\"\n", "missing_docs", "panic = \"abort\""] {
                assert!(manifest.contains(expected), "no {expected} in\n{manifest}");
            }
        }
    }
}
