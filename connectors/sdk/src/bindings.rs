//! The generated bindings: one module per world half, so that a component exports only what it is.
#![allow(missing_docs)]

pub mod base {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "connector-base",
        pub_export_macro: true,
        export_macro_name: "export_base",
        default_bindings_module: "connect_sdk::bindings::base",
    });
}

pub mod source {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "source-half",
        pub_export_macro: true,
        export_macro_name: "export_source_half",
        default_bindings_module: "connect_sdk::bindings::source",
        with: {
            "connect:connector/types@0.1.0": super::base::connect::connector::types,
            "connect:connector/log@0.1.0": super::base::connect::connector::log,
            "connect:connector/task-context@0.1.0": super::base::connect::connector::task_context,
        },
        generate_all,
    });
}

pub mod sink {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "sink-half",
        pub_export_macro: true,
        export_macro_name: "export_sink_half",
        default_bindings_module: "connect_sdk::bindings::sink",
        with: {
            "connect:connector/types@0.1.0": super::base::connect::connector::types,
            "connect:connector/log@0.1.0": super::base::connect::connector::log,
            "connect:connector/task-context@0.1.0": super::base::connect::connector::task_context,
            "connect:connector/state@0.1.0": super::source::connect::connector::state,
            "connect:connector/files@0.1.0": super::source::connect::connector::files,
            "connect:connector/stdio@0.1.0": super::source::connect::connector::stdio,
        },
        generate_all,
    });
}
