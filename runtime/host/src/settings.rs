//! Limits of the sandbox.

use crate::compiler::Compiler;
use std::path::PathBuf;
use std::time::Duration;

/// How much a guest may take. The defaults suit connectors of any language.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Time that one call may take, host functions included.
    pub call_deadline: Duration,
    /// Time that describing a plug-in or validating a configuration may take.
    pub describe_deadline: Duration,
    /// Bytes that one call may hand over to the host, as a result or as an argument.
    pub batch_bytes: usize,
    /// Size of a component, in bytes.
    pub component_bytes: usize,
    /// Where compiled code is kept; none: it is compiled at each start.
    pub cache_dir: Option<PathBuf>,
    /// What compiles components that did not come with the worker; none: this process does.
    pub compiler: Option<Compiler>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            call_deadline: Duration::from_secs(30),
            describe_deadline: Duration::from_secs(5),
            batch_bytes: 16 << 20,
            component_bytes: 32 << 20,
            cache_dir: None,
            compiler: None,
        }
    }
}
