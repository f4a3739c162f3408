//! Builds the guests.

#[path = "../../connectors/embedded/guests.rs"]
mod guests;

fn main() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let packages = ["hostile", "forger", "speechless", "newer"];
    let watched = [
        "Cargo.toml",
        "Cargo.lock",
        "hostile",
        "forger",
        "speechless",
        "newer",
        "../../../connectors/sdk",
        "../../../wit",
    ];
    guests::embed(&folder, &packages, &watched);
}
