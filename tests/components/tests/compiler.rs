//! Components that did not come with the worker are compiled by a child process, and the worker survives whatever becomes of it.

use components::guest;
use runtime_host::{Compiler, Engine, LoadError, Plugin, Settings};

async fn load(program: &[&str], component: &[u8]) -> Result<Plugin, LoadError> {
    let compiler = Compiler(program.iter().map(Into::into).collect());
    Engine::new(Settings { compiler: Some(compiler), ..Settings::default() }).unwrap().load(component).await
}

#[tokio::test]
async fn a_child_compiles() {
    let plugin = load(&[env!("CARGO_BIN_EXE_compile")], guest("forger")).await.unwrap();
    assert_eq!(plugin.info().name, "forger");
}

#[tokio::test]
async fn what_does_not_compile_is_told_as_by_the_worker_itself() {
    let mut damaged = guest("forger").to_vec();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let there = load(&[env!("CARGO_BIN_EXE_compile")], &damaged).await.unwrap_err().to_string();
    let here = Engine::new(Settings::default()).unwrap().load(damaged).await.unwrap_err().to_string();
    assert_eq!(there, here);
}

#[tokio::test]
async fn whatever_becomes_of_the_child() {
    let check = async |program: &[&str], says: &str| {
        let error = load(program, guest("forger")).await.unwrap_err().to_string();
        assert!(error.contains(says), "{program:?}: {error}");
    };
    check(&["/no/such/program"], "can be started").await;
    check(&["false"], "exit status: 1").await;
    check(&["sh", "-c", "kill -9 $$"], "signal 9").await;
    check(&["sh", "-c", "echo it cannot be >&2; exit 1"], "it cannot be").await;
    check(&["sh", "-c", "cat > /dev/null; echo this is no code"], "The component is damaged").await;
}

#[tokio::test]
async fn the_child_is_ended_when_it_takes_too_much() {
    let hungry = ["sh", "-c", "ulimit -t 1; while :; do :; done"];
    let error = load(&hungry, guest("forger")).await.unwrap_err().to_string();
    assert!(error.contains("was ended by signal"), "{error}");
}
