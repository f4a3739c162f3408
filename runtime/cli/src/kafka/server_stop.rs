//! `kafka-server-stop`: its flags. Processes are the binary's matter.

use crate::{
    flags::{Flag, value},
    tool::{Run, Tool},
};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "kafka-server-stop",
    about: "Stop the brokers of this program that run on this machine.",
    flags: FLAGS,
    commands: &[],
    run: Run::Edge,
};

const FLAGS: &[Flag] = &[
    value("process-role", "role", "Only brokers, or only controllers; a connectd is both."),
    value("node-id", "id", "").not_here("give the port's owner a signal instead: connectd stops on Ctrl-C"),
];
