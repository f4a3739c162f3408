//! Compiling in a child process: what a component that nobody vouches for does to a compiler is not to harm the worker.
//!
//! Owns both ends: the worker's, which hands over the component and waits, and the child's, which takes on its limits before it reads a
//! byte. The code that comes back is as trusted as the compiler that made it. Invariant: the child is gone, and its memory with it,
//! within [`WALL`], whatever it was given.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Seconds of CPU that compiling may take. A large component of 10 MB takes some ten.
const CPU_SECONDS: u64 = 60;

/// Address space of the child, in bytes.
const MEMORY_BYTES: u64 = 4 << 30;

/// Time by the clock.
const WALL: Duration = Duration::from_secs(120);

/// Compiled code, in bytes: some ten times a component.
const MOST_CODE_BYTES: u64 = 512 << 20;

/// The program that compiles, with its arguments: it calls [`compile_child`].
#[derive(Clone, Debug)]
pub struct Compiler(pub Vec<OsString>);

impl Compiler {
    /// What `wasmtime` serialized of this component. The error is a sentence for the user.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, String> {
        let (program, arguments) = self.0.split_first().expect("a compiler is a program");
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("no process to compile it can be started: {error}"))?;
        let (mut to, from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let said = child.stderr.take().expect("piped");
        std::thread::scope(|scope| {
            // A child that gives up early closes its end; its status says why.
            scope.spawn(move || drop(to.write_all(component)));
            let code = scope.spawn(move || read(from, MOST_CODE_BYTES + 1));
            let said = scope.spawn(move || read(said, 4096));
            let status = wait(&mut child);
            let (code, said) =
                (code.join().expect("reading does not panic"), said.join().expect("reading does not panic"));
            match status {
                Ok(status) if status.success() && code.len() as u64 <= MOST_CODE_BYTES => Ok(code),
                Ok(status) => Err(why(status, &said)),
                Err(error) => Err(format!("the process that compiles it was lost: {error}")),
            }
        })
    }
}

fn read(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What is missing shows in the status, or in the checksum of what is there.
    let _ = from.take(most).read_to_end(&mut bytes);
    bytes
}

fn wait(child: &mut Child) -> std::io::Result<ExitStatus> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begin.elapsed() > WALL {
            child.kill()?;
            return child.wait();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn why(status: ExitStatus, said: &[u8]) -> String {
    match status.signal() {
        Some(signal) => format!(
            "compiling it was ended by signal {signal}: it may take {CPU_SECONDS} s of CPU, {WALL:?} and {MEMORY_BYTES} bytes of memory"
        ),
        None if said.is_empty() => format!("the process that compiles it ended with {status}"),
        None => String::from_utf8_lossy(said).trim_end().to_owned(),
    }
}

/// The child's part: a component on standard input, its code on standard output, or on standard error why there is none.
pub fn compile_child() -> ExitCode {
    match limit().and_then(|()| compile_stdin()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = write!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn limit() -> wasmtime::Result<()> {
    let limits = [
        (Resource::As, MEMORY_BYTES),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 16),
    ];
    for (resource, most) in limits {
        // The operator's own limit may be lower, and stays.
        let maximum = rustix::process::getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
        setrlimit(resource, Rlimit { current: Some(maximum), maximum: Some(maximum) })?;
    }
    Ok(())
}

fn compile_stdin() -> wasmtime::Result<()> {
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component)?;
    let code = crate::engine::bare()?.precompile_component(&component)?;
    Ok(std::io::stdout().write_all(&code)?)
}
