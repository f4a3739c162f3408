//! The command line: arguments in, a command out; what a command has to say in, text out.
//!
//! Owns the names, flags and exit codes of every command, and the texts they print. Leaves doing them, and writing to a terminal, to
//! the binary. Invariant: nothing here does I/O, so that a terminal in a browser can run it too.

pub mod arguments;
pub mod banner;

pub use arguments::{Command, Said, parse};
