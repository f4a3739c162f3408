//! Guests under test, and the worker's side of running them.
//!
//! Owns the hostile components (built by `build.rs`), an engine with small limits, and tasks that keep offsets and state as the
//! runtime would. Leaves what is checked to `tests/`.

pub mod folder;
pub mod pipe;

use runtime_host::{Engine, Plugin, Settings};
use std::time::Duration;

/// A component.
pub struct Embedded {
    /// Its crate.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

/// The guests that misbehave.
pub const GUESTS: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/components.rs"));

/// The guest called `name`.
pub fn guest(name: &str) -> &'static [u8] {
    GUESTS.iter().find(|guest| guest.name == name).map(|guest| guest.bytes).expect("the guest is built")
}

/// An engine whose calls may take 300 ms and whose guests may use 16 MiB.
pub fn engine() -> Engine {
    engine_with(Settings {
        memory_bytes: 16 << 20,
        call_deadline: Duration::from_millis(300),
        describe_deadline: Duration::from_secs(10),
        ..Settings::default()
    })
}

/// An engine with these limits, whose compiled code is kept in the build's folder.
pub fn engine_with(settings: Settings) -> Engine {
    let cache = std::path::Path::new(env!("OUT_DIR")).join("cwasm");
    Engine::new(Settings { cache_dir: Some(cache), ..settings }).expect("this machine runs WebAssembly")
}

/// The guest called `name`, loaded.
pub async fn load(engine: &Engine, name: &str) -> Plugin {
    engine.load(guest(name)).await.expect("the guest loads")
}

/// The embedded connector called `name`, loaded.
pub async fn load_ours(engine: &Engine, name: &str) -> Plugin {
    let bytes = connectors_embedded::component(name).expect("the connector is embedded");
    engine.load(bytes).await.expect("the connector loads")
}

/// A configuration.
pub fn config(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
