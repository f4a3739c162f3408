//! Builds the connectors that come with connectd.

#[path = "guests.rs"]
mod guests;

fn main() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.parent().expect("this crate is in the folder of the connectors");
    let packages = ["file-source", "file-sink", "echo"];
    let watched = ["Cargo.toml", "Cargo.lock", "sdk", "file-source", "file-sink", "echo", "../wit"];
    guests::embed(folder, &packages, &watched);
}
