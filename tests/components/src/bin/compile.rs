//! A process that compiles a component, as the worker starts one.

fn main() -> std::process::ExitCode {
    runtime_host::compile_child()
}
