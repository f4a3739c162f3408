//! The connectors that come with connectd, as bytes.
//!
//! Owns building them (`build.rs`) and nothing else. Invariant: the bytes are components of the `wit/` beside them.

/// A component.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its crate, such as `file-source`.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

/// All of them.
pub const COMPONENTS: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/components.rs"));

/// The component called `name`.
pub fn component(name: &str) -> Option<&'static [u8]> {
    COMPONENTS.iter().find(|component| component.name == name).map(|component| component.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_component() {
        for name in ["file-source", "file-sink", "echo"] {
            assert!(component(name).unwrap().starts_with(b"\0asm\x0d\0\x01\0"), "{name}");
        }
    }
}
