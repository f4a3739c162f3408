//! The command line: arguments in, a command out; what a command has to say in, text out.
//!
//! Owns the names, flags and exit codes of every command, the requests they send and the texts they print. Leaves sockets, files and the
//! terminal to the binary. Invariant: nothing here does I/O, so that a terminal in a browser can run it too.
//!
//! Reading order: [`arguments`] says which command was meant; [`tool`] how any of Kafka's tools runs, [`flags`] how its flags are read,
//! [`world`] what it may ask for; [`admin`] is the client that the admin tools share; [`kafka`] holds the tools, one file each.
//!
//! A tool is a `pub const TOOL: Tool` in a file of [`kafka`], named in [`kafka::TOOLS`]:
//! - its table of [`flags::Flag`]s holds every flag of Kafka's tool: done, `.not_here("reason")`, `.renamed("now")` or
//!   `.ignored("reason")`. `--help` and `--version` come by themselves.
//! - an admin tool is [`tool::Run::Here`]: a function from what was [given](flags::Given) and a [`world::World`] to an exit code. It
//!   talks to the cluster through [`admin::Admin::ask`], and to the terminal through `world.out` and `world.err`.
//! - a tool that lives on threads or a client library is [`tool::Run::Edge`]: its table and its printers are here, and the binary's
//!   `tools` module runs it by name, with `Tool::begin` for the flags and `Tool::end` for a failure.
//! - what goes wrong is a [`failure::Failure`]: Kafka's message, what Kafka prints on stdout (`printing`), our advice (`advising`).

pub mod admin;
pub mod arguments;
pub mod banner;
pub mod connection;
pub mod errors;
pub mod failure;
pub mod flags;
pub mod groups;
pub mod java;
pub mod kafka;
pub mod message;
pub mod offsets;
pub mod own;
pub mod reset;
pub mod sasl;
pub mod server_start;
pub mod settings;
pub mod shims;
pub mod table;
pub mod time;
pub mod tool;
pub mod topic_names;
pub mod topics;
pub mod world;

pub use arguments::{Command, Said, parse};
