//! The house itself: which crate may know which, and that the pure ones are pure.

use e2e::folder::repo_dir;
use e2e::purity::{imports_of_crate, imports_of_source};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Every crate of the workspace, and those of our own that it may know. Pure crates know pure ones only.
const ARROWS: [(&str, &[&str]); 14] = [
    ("broker-store", &[]),
    ("broker-core", &["broker-store"]),
    ("broker-wire", &["broker-store"]),
    ("broker", &["broker-core", "broker-store", "broker-wire"]),
    ("runtime-core", &["broker-core", "broker-store"]),
    ("runtime-cli", &["broker-store", "broker-wire", "runtime-core"]),
    ("runtime-host", &["runtime-core"]),
    ("connectors-embedded", &[]),
    (
        "connectd",
        &[
            "broker",
            "broker-core",
            "broker-store",
            "broker-wire",
            "runtime-core",
            "runtime-cli",
            "runtime-host",
            "connectors-embedded",
        ],
    ),
    ("sim", &["broker-core", "broker-store", "runtime-core"]),
    ("components", &["connectors-embedded", "runtime-core", "runtime-host"]),
    ("e2e", &[]),
    ("oracle", &["runtime-cli", "runtime-core"]),
    ("xtask", &["e2e"]),
];

/// The pure crates and their folders.
const PURE: [(&str, &str); 5] = [
    ("broker-core", "broker/core"),
    ("broker-store", "broker/store"),
    ("broker-wire", "broker/wire"),
    ("runtime-core", "runtime/core"),
    ("runtime-cli", "runtime/cli"),
];

/// What no pure crate may ask for.
const REFUSED: [&str; 5] = ["wasi:clocks/", "wasi:filesystem/", "wasi:sockets/", "wasi:random/random", "wasi:http/"];

#[test]
fn the_arrows_are_those_of_the_map() {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(repo_dir());
    let metadata: Value =
        serde_json::from_slice(&cargo.output().expect("cargo runs").stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    assert_eq!(
        names,
        ARROWS.iter().map(|(name, _)| *name).collect(),
        "the crates of the workspace and those of the map"
    );
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let allowed = ARROWS.iter().find(|(known, _)| *known == name).expect("it was compared above").1;
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let other = dependency["name"].as_str().expect("a name");
            let ours = dependency["path"].is_string();
            assert!(!ours || allowed.contains(&other), "{name} must not know {other}");
        }
    }
}

#[test]
fn a_pure_crate_asks_for_no_clock_file_socket_or_chance() {
    for (name, folder) in PURE {
        let imports = imports_of_crate(name, folder).unwrap_or_else(|e| panic!("{name}: {e:#}"));
        let refused: Vec<&String> =
            imports.iter().filter(|import| REFUSED.iter().any(|start| import.starts_with(start))).collect();
        assert!(refused.is_empty(), "{name} asks for {refused:?}");
    }
}

#[test]
fn a_clock_would_be_noticed() {
    let source =
        "#[unsafe(no_mangle)] pub extern \"C\" fn now() -> u64 { std::time::Instant::now().elapsed().as_secs() }";
    assert!(imports_of_source("clock", source).unwrap().contains("wasi:clocks/monotonic-clock"));
    let source = "#[unsafe(no_mangle)] pub extern \"C\" fn now() -> bool { std::fs::exists(\"x\").is_ok() }";
    assert!(imports_of_source("file", source).unwrap().contains("wasi:filesystem/types"));
}

/// Libraries that the pure crates use keep hash maps which they never walk through; our own code has none, whose order is chance.
#[test]
fn a_pure_crate_has_no_hash_map_of_its_own() {
    for (name, folder) in PURE {
        let mut found = Vec::new();
        search(&repo_dir().join(folder).join("src"), &mut found);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

fn search(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue; // What tests read.
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default().replace("java.util.HashMap", "");
            if code.contains("HashMap") || code.contains("HashSet") {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
}
