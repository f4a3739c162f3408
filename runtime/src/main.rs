//! `connectd <command>`.

use std::{
    io::Write,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use connectd::{broker_command, demo, failure::Failure, plugins, standalone, tools};
use runtime_cli::{
    Command,
    world::{Stream, World},
};
use tokio::runtime::{Builder, Runtime};

/// Threads for connections, and as many for guests: what a guest does with its threads never holds up a client.
const THREADS: usize = 2;

/// What is left of tasks at the end (a request that nobody answers any more, say) gets this long.
const LAST: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let started = Instant::now();
    if std::env::args_os().nth(1).is_some_and(|argument| argument == plugins::COMPILE) {
        return runtime_host::compile_child();
    }
    match runtime_cli::parse(std::env::args_os()) {
        Ok(command) => match run(command, started) {
            Ok(code) => ExitCode::from(code),
            Err(failure) => {
                let mut stderr = std::io::stderr();
                let colours = tools::Terminal::new().takes_colour(Stream::Err);
                // There is nobody left to tell if stderr is gone.
                let _ = stderr.write_all(failure.draw(colours).as_bytes());
                ExitCode::from(failure.code)
            }
        },
        Err(said) => {
            let mut to: Box<dyn Write> =
                if said.is_error { Box::new(std::io::stderr()) } else { Box::new(std::io::stdout()) };
            // As with `connectd --help | head -1`.
            let _ = to.write_all(said.text.as_bytes());
            ExitCode::from(said.code)
        }
    }
}

fn run(command: Command, started: Instant) -> Result<u8, Failure> {
    let command = match command {
        Command::Tool { name, arguments } => return Ok(tools::run(name, &arguments)),
        Command::Own(own) => return Ok(tools::own::run(&own)),
        Command::Nothing { help } => match demo::occupants(Path::new(".")).as_slice() {
            [] => Command::Demo,
            there => {
                print(&format!("{help}\n{}\n", runtime_cli::banner::not_alone(there)));
                return Ok(0);
            }
        },
        Command::Shims { folder, windows } => return tools::shims::install(&folder, windows),
        Command::Daemon { arguments, log } => return tools::daemon::start(&arguments, log),
        other => other,
    };
    let net = threads("net")?;
    match command {
        Command::Tool { .. }
        | Command::Own(_)
        | Command::Nothing { .. }
        | Command::Shims { .. }
        | Command::Daemon { .. } => {
            unreachable!("it needs no threads and was run above")
        }
        Command::Demo => {
            let guests = threads("guests")?;
            let outcome = net.block_on(demo::run(started, guests.handle().clone()));
            guests.shutdown_timeout(LAST);
            net.shutdown_timeout(LAST);
            outcome
        }
        Command::Broker { settings, overrides, insecure_listen } => {
            let outcome = net.block_on(broker_command::run(settings, overrides, insecure_listen, started));
            net.shutdown_timeout(LAST);
            outcome
        }
        Command::Standalone { worker, connectors, insecure_listen } => {
            let guests = threads("guests")?;
            let start = standalone::Start {
                worker,
                connectors,
                insecure_listen,
                started,
                guests: guests.handle().clone(),
                next: None,
            };
            let outcome = net.block_on(standalone::run(start));
            guests.shutdown_timeout(LAST);
            net.shutdown_timeout(LAST);
            outcome
        }
    }
}

/// As with `connectd | head -1`: a reader that has gone away is no error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn threads(name: &str) -> Result<Runtime, Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name(name).enable_all().build();
    runtime.map_err(|error| Failure::new(1, format!("no threads can be started: {error}")))
}
