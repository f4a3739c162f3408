//! connectd's own commands: what their pure halves in `runtime_cli::own` need of this process.
//!
//! Owns which of them run here. Leaves flags, requests and texts to `runtime_cli`.

use std::time::Duration;

use runtime_cli::{
    own::{
        Own,
        outcome::{self, Done, Refused, failed},
        plugin,
        trial::Try,
    },
    world::{Stream, World},
};
use runtime_core::{complaint::Complaint, plugin::Role};
use runtime_host::{Engine, Settings};
use tokio::runtime::Runtime;

use super::{Terminal, console_consumer, console_producer, doctor, keys};
use crate::{
    plugins,
    trial::{self, Wrong},
};

/// Runs a command; gives the exit code.
pub fn run(own: &Own) -> u8 {
    let mut world = Terminal::new();
    let common = own.common();
    let done = match own {
        Own::Produce(produce) => produce.asked(&mut world).and_then(|asked| {
            let sent = console_producer::send("connectd produce", &asked, &mut world);
            produce.sent(sent)
        }),
        // Its result is what it prints, an object per record with --json: there is no other.
        Own::Consume(consume) => {
            let printed = consume.asked(&mut world).and_then(|asked| {
                let printed = console_consumer::print("connectd consume", &asked, &mut world);
                consume.ended(printed.map(|(code, _)| code))
            });
            match printed {
                Ok(code) => return code,
                Err(refused) => Err(refused),
            }
        }
        Own::Config(config) => config.run(&keys::all(), keys::check, &mut world),
        Own::Doctor(asked) => doctor::run(asked, common.colours(Stream::Out, &world)),
        Own::Try(asked) => attempt(asked, &mut world),
        Own::Plugin(asked) => match asked.to_load() {
            Some(paths) => validate(paths, &mut world),
            None => own.run(&mut world),
        },
        _ => own.run(&mut world),
    };
    outcome::finish(own.name(), &common, done, &mut world)
}

/// Runs a connector on a few records.
fn attempt(asked: &Try, world: &mut Terminal) -> Done {
    let given = asked.given(world)?;
    let runtime = threads().map_err(|why| failed(asked.complaint().because(why)))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = trial::run(asked, &given, runtime.handle().clone()) => Some(outcome),
            // What was made for the trial goes away with it.
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
    match outcome {
        Some(Ok(ended)) => asked.ended(&given, &ended),
        Some(Err(Wrong::Config(why))) => Err(asked.refused(&given, &why)),
        Some(Err(Wrong::Connector(trace))) => {
            let connector = Complaint::new(format!("connector \"{}\" has failed", given.connector.name));
            Err(failed(trace.lines().fold(connector, Complaint::because)))
        }
        Some(Err(Wrong::Here(failure))) => Err(failed(*failure.complaint)),
        None => Err(Box::new(Refused { complaint: asked.complaint().because("it was interrupted"), exit: 130 })),
    }
}

fn threads() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())
}

/// Loads components as a worker does, and describes them.
fn validate(paths: &[String], world: &mut Terminal) -> Done {
    let cannot = |why: String| failed(Complaint::new("no component can be loaded here").because(why));
    let runtime = threads().map_err(cannot)?;
    let settings = Settings { cache_dir: plugins::cache_dir(), compiler: plugins::compiler(), ..Settings::default() };
    let engine = Engine::new(settings).map_err(|error| cannot(error.to_string()))?;
    let (files, notes) = plugins::scan(paths);
    let mut loaded = Vec::new();
    for file in files {
        let named = file.display().to_string();
        world.waiting(&format!("loading {named}"));
        let plugin = std::fs::read(&file).map_err(|error| format!("it cannot be read: {error}")).and_then(|bytes| {
            let engine = engine.clone();
            let loading = runtime.spawn(async move { engine.load(bytes).await.map_err(|error| error.to_string()) });
            runtime.block_on(loading).unwrap_or_else(|ended| Err(ended.to_string()))
        });
        loaded.push((named, plugin));
    }
    world.waited();
    let described = loaded.iter().map(|(named, plugin)| {
        let described = plugin.as_ref().map_err(String::clone).map(|plugin| {
            let keys = |role: Role| plugin.definition(role).map(|definition| (role, definition.keys.len()));
            (plugin.info(), [Role::Source, Role::Sink].into_iter().filter_map(keys).collect())
        });
        (named.clone(), described)
    });
    let described: Vec<(String, plugin::Loaded<'_>)> = described.collect();
    let outcome = match notes.iter().find(|note| note.contains("cannot be read")) {
        Some(note) if described.is_empty() => Err(Box::new(Refused {
            complaint: Complaint::new("nothing was validated").because(note.trim_start_matches("plugin.path: ")),
            exit: outcome::INPUT,
        })),
        _ => plugin::validated(&described),
    };
    drop(described);
    outcome.map(|outcome| notes.into_iter().fold(outcome, outcome::Outcome::warning))
}
