//! A connector of one's own, from nothing: `plugin new`, cargo, `plugin validate`, `try`, and a worker that runs it.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use e2e::{Worker, folder::Folder, folder::binary, until};
use serde_json::Value;

fn run(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(binary());
    command.args(line.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    command.output().expect("the binary starts")
}

/// What it prints; it must succeed.
#[track_caller]
fn says(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "connectd {line}:\n{out}{err}");
    format!("{out}{err}")
}

/// The first of the three commands that it prints, with the compiled dependencies of the other connector.
fn build(folder: &Path, shared: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--target", "wasm32-wasip2"]).current_dir(folder);
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR"] {
        cargo.env_remove(name);
    }
    let target = folder.join("target");
    std::os::unix::fs::symlink(shared, &target).expect("a link");
    let output = cargo.stdin(Stdio::null()).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn from_nothing_to_a_worker() {
    let folder = Folder::new("begin");
    let shared = folder.join("built");
    std::fs::create_dir(&shared).expect("a folder");
    let here = folder.path();

    let made = says(here, "plugin new my-numbers");
    assert!(made.contains("cargo build --release --target wasm32-wasip2"), "{made}");
    let output = run(here, "plugin new my-numbers");
    assert_eq!(output.status.code(), Some(2), "it is written over");
    says(here, "plugin new my-words --sink --json");

    let numbers = here.join("my-numbers");
    build(&numbers, &shared);
    let source = "target/wasm32-wasip2/release/my_numbers.wasm";
    let told = says(&numbers, &format!("plugin validate {source}"));
    assert!(told.contains("source with 2 settings, as MyNumbersSourceConnector"), "{told}");
    assert!(told.contains("asks for nothing"), "{told}");
    let expected: String = (1..=10).map(|number| format!("try-0@{} {number}\n", number - 1)).collect();
    assert_eq!(
        says(&numbers, &format!("try {source} --config my-numbers.properties")),
        format!("{expected}10 records\n")
    );
    let object = says(&numbers, &format!("try {source} --config my-numbers.properties --count 2 --json"));
    let object: Value = serde_json::from_str(&object).expect("an object");
    assert_eq!((&object["ok"], object["result"]["records"].as_array().map(Vec::len)), (&Value::Bool(true), Some(2)));
    folder.write("my-numbers/bad.properties", "name=n\nconnector.class=MyNumbersSource\ntopc=t\n");
    let output = run(&numbers, &format!("try {source} --config bad.properties"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("Did you mean \"topic\"?"), "{said}");

    let words = here.join("my-words");
    build(&words, &shared);
    let sink = "target/wasm32-wasip2/release/my_words.wasm";
    let told = says(&words, &format!("try {sink} --config my-words.properties --in records.txt"));
    assert!(told.contains("3 of 3 records are acknowledged") && told.contains("hello three"), "{told}");
    assert!(!words.join("connectd-data").exists(), "the trial has left its data");

    let path = shared.join("wasm32-wasip2/release").display().to_string();
    let worker = Worker::new("begin-worker")
        .set("plugin.path", &path)
        .connector("numbers", "MyNumbersSource", &[("topic", "numbers"), ("last", "3")])
        .connector("words", "MyWordsSink", &[("topics", "numbers")]);
    let connectd = worker.start();
    until("the numbers to arrive", e2e::wait::PATIENCE, || connectd.running.log().contains("got 3").then_some(()));
    assert_eq!(connectd.running.log().matches("got 2").count(), 1);
}
