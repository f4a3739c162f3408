//! Components that a stranger might drop into `plugin.path`: those of `tests/components/guests`, and some that are no connector at all.
//!
//! Invariant: they are built at run time, beside the repository's own target folder, so that nothing here links them.

use crate::folder::{repo_dir, target_dir};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const TARGET: &str = "wasm32-wasip2";

/// The component called `name`.
///
/// # Panics
/// When the guests do not build.
pub fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).join(format!("{name}.wasm"))
}

fn build() -> PathBuf {
    let target = target_dir().join("guests");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", TARGET]);
    cargo.current_dir(repo_dir().join("tests/components/guests")).env("CARGO_TARGET_DIR", &target);
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "the guests did not build; is the target there (rustup target add {TARGET})?");
    target.join(TARGET).join("release")
}

/// A component with one module of `functions` functions, each of which nests `depth` blocks.
pub fn compile_bomb(functions: usize, depth: usize) -> Vec<u8> {
    // Blocks that take and leave a value cost a compiler more than their two bytes.
    let nested = [[0x02, 0x7f].repeat(depth), vec![0x41, 0x00], vec![0x0b; depth]].concat();
    let body = [&[0x00][..], &nested, &[0x1a, 0x0b]].concat();
    let code = [number(body.len()), body].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, [number(1), vec![0x60, 0x00, 0x00]].concat()),
        section(3, [number(functions), vec![0; functions]].concat()),
        section(10, [number(functions), code.repeat(functions)].concat()),
    ];
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, module.concat())].concat()
}

fn section(id: u8, content: Vec<u8>) -> Vec<u8> {
    [vec![id], number(content.len()), content].concat()
}

/// LEB128.
fn number(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = if n > 0x7f { 0x80 } else { 0 };
        bytes.push((n & 0x7f) as u8 | more);
        n >>= 7;
        if more == 0 {
            return bytes;
        }
    }
}
