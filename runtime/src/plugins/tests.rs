//! A component that comes while the worker runs, in another version than one that is there.

use std::{path::Path, sync::Arc};

use runtime_core::config::{ConfigMap, Defaults, OverridePolicy};

use super::*;

/// The echo component, as its next version: the same length, and its imports as they are.
fn next_version() -> Vec<u8> {
    let echo = connectors_embedded::COMPONENTS
        .iter()
        .find(|component| component.name.contains("echo"))
        .expect("it is built in");
    let mut bytes = echo.bytes.to_vec();
    let places: Vec<usize> =
        (1..bytes.len() - 5).filter(|at| &bytes[*at..at + 5] == b"0.1.0" && bytes[at - 1] != b'@').collect();
    assert!(!places.is_empty(), "the component says its version");
    places.into_iter().for_each(|at| bytes[at + 2] = b'2');
    bytes
}

fn config(version: Option<&str>) -> ConfigMap {
    let version = version.map(|version| ("connector.plugin.version", version));
    [("connector.class", "EchoSinkConnector"), ("name", "n"), ("topics", "t")].into_iter().chain(version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_seen_when_it_comes_and_its_versions_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let defaults = Defaults {
        key_converter: String::new(),
        value_converter: String::new(),
        header_converter: String::new(),
        override_policy: OverridePolicy::All,
    };
    let sources = Sources {
        path: vec![folder.path().display().to_string()],
        cache_dir: cache_dir(),
        compiler: None,
        defaults,
        grants: Arc::new(Grants::new(Path::new("/srv"), &[])),
        providers: crate::providers::Providers::default(),
    };
    let plugins = Plugins::load(sources, Handle::current()).await.unwrap();
    let versions =
        |set: &Set| set.catalog().versions("EchoSinkConnector").map(|row| row.version.clone()).collect::<Vec<_>>();
    assert_eq!(versions(&*plugins.now().await), ["0.1.0"]);
    assert!(plugins.news().is_none());

    std::fs::write(folder.path().join("echo.wasm"), next_version()).unwrap();
    std::fs::write(folder.path().join("torn.wasm"), b"\0asm").unwrap();
    assert_eq!(versions(&*plugins.now().await), ["0.2.0", "0.1.0"]);
    let classes = plugins.news().expect("there is something new");
    assert_eq!(classes["EchoSinkConnector"].len(), 2);
    assert!(plugins.news().is_none(), "it is told once");
    let chosen = |version| plugins.known().find(&config(version)).map(|found| found.plugin.info().version.clone());
    assert_eq!(chosen(None).as_deref(), Ok("0.2.0"));
    assert_eq!(chosen(Some("[0.1,0.2)")).as_deref(), Ok("0.1.0"));
    assert!(chosen(Some("9")).is_err());
    let refusal = plugins.judge(config(Some("9"))).await.unwrap_err().message;
    assert!(refusal.contains("available versions: [0.2.0, 0.1.0]"), "{refusal}");

    std::fs::remove_file(folder.path().join("echo.wasm")).unwrap();
    assert_eq!(versions(&*plugins.now().await), ["0.1.0"]);
}
