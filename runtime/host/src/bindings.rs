//! The generated bindings of `wit/`, once for every role: a worker binds to each exported interface by itself, so that a
//! component with one role need not have the others.
#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "source-and-sink-connector",
    imports: {
        "connect:connector/files": async | trappable,
        "connect:connector/stdio": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    ownership: Borrowing { duplicate_if_necessary: true },
    with: {
        "connect:connector/files.reader": crate::files::OpenReader,
        "connect:connector/files.appender": crate::files::OpenAppender,
    },
});
