//! Is this a connector that this worker can run?
//!
//! Owns the look at a component's bytes and at the names of its imports and exports, so that the answer is a sentence and
//! not a linker error. Invariant: nothing here runs the component.

use crate::error::LoadError;
use wasmtime::component::Component;

/// Version of `connect:connector` that this worker serves.
pub(crate) const SERVED: &str = "0.1";
const SERVED_NUMBERS: (u64, u64) = (0, 1);

const PACKAGE: &str = "connect:connector/";
const MAGIC: &[u8] = b"\0asm";
const COMPONENT_LAYER: &[u8] = &[0x0d, 0x00, 0x01, 0x00];

/// Looks at the first bytes.
pub(crate) fn bytes(component: &[u8], limit_bytes: usize) -> Result<(), LoadError> {
    if component.len() > limit_bytes {
        return Err(LoadError::TooLarge { limit_bytes });
    }
    match (component.get(..4), component.get(4..8)) {
        (Some(MAGIC), Some(COMPONENT_LAYER)) => Ok(()),
        (Some(MAGIC), _) => {
            Err(LoadError::NotAComponent("it is a core module; build it for the target wasm32-wasip2."))
        }
        _ => Err(LoadError::NotAComponent("it does not begin as one; is it the right file?")),
    }
}

/// Looks at what the component imports and exports.
pub(crate) fn interfaces(component: &Component) -> Result<(), LoadError> {
    let engine = component.engine();
    let world = component.component_type();
    let imports: Vec<String> = world.imports(engine).map(|(name, _)| name.to_string()).collect();
    let exports: Vec<String> = world.exports(engine).map(|(name, _)| name.to_string()).collect();
    if let Some(newest) = imports.iter().chain(&exports).filter_map(|name| version(name)).max()
        && newest > SERVED_NUMBERS
    {
        return Err(LoadError::NewerWit { needs: format!("{}.{}", newest.0, newest.1) });
    }
    let has = |name: &str| exports.iter().any(|export| interface(export) == Some(name));
    for needed in ["plugin", "connector"] {
        if !has(needed) {
            return Err(LoadError::NotAConnector(format!("it does not export connect:connector/{needed}.")));
        }
    }
    if !has("source-task") && !has("sink-task") {
        return Err(LoadError::NotAConnector("it exports neither a source-task nor a sink-task.".to_owned()));
    }
    Ok(())
}

/// `files` of `connect:connector/files@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    Some(name.strip_prefix(PACKAGE)?.split('@').next().unwrap_or_default())
}

/// Major and minor number of an interface of ours.
fn version(name: &str) -> Option<(u64, u64)> {
    let (_, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(version("connect:connector/files@0.2.11"), Some((0, 2)));
        assert_eq!(version("wasi:io/poll@0.9.0"), None);
        assert_eq!(interface("connect:connector/sink-task@0.1.0"), Some("sink-task"));
    }

    #[test]
    fn first_bytes() {
        let check = |bytes_: &[u8], expected: &str| {
            let text = bytes(bytes_, 8).err().map_or(String::new(), |error| error.to_string());
            assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{text}");
        };
        check(b"\0asm\x0d\0\x01\0", "");
        check(b"\0asm\x01\0\0\0", "core module");
        check(b"PK\x03\x04", "right file");
        check(b"", "right file");
        check(b"\0asm\x0d\0\x01\0\0", "larger than 8 bytes");
    }
}
