//! Kafka's tools, one file each.
//!
//! Owns the list of names under which the binary answers. Leaves every tool to its file.

pub mod topics;

use crate::tool::Tool;

/// Every tool, by name.
pub const TOOLS: &[&Tool] = &[&topics::TOOL];

/// The tool of this name, which may have the ending of a script.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().copied().find(|tool| tool.name == name)
}
