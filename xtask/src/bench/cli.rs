//! `cargo xtask bench cli`: how long each command line tool takes, and what it costs, ours and Kafka's side by side.
//!
//! Owns the list of steps and the table. Invariant: both sides run every step against one broker, each on a topic of its own, and a figure is
//! printed only for a step that both have done.

use crate::kafka::Kafka;
use crate::{clients, repo};
use anyhow::{Context, Result, bail};
use e2e::folder::binary;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `cargo xtask bench cli`
#[derive(clap::Args)]
pub struct Args {
    /// Beside Kafka's own tools (needs java and mvn)
    #[arg(long)]
    with_kafka: bool,
    /// Runs of each step; the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Tool, arguments (`T` is the side's topic), standard input.
const STEPS: &[(&str, &str, &str)] = &[
    ("kafka-topics", "--create --topic T --partitions 3 --if-not-exists", ""),
    ("kafka-topics", "--list", ""),
    ("kafka-topics", "--describe --topic T", ""),
    ("kafka-configs", "--alter --topic T --add-config retention.ms=3600000", ""),
    ("kafka-configs", "--describe --topic T", ""),
    ("kafka-console-producer", "--topic T", "one\ntwo\nthree\n"),
    ("kafka-console-consumer", "--topic T --from-beginning --max-messages 3", ""),
    ("kafka-console-consumer", "--topic T --group T --from-beginning --max-messages 1", ""),
    ("kafka-get-offsets", "--topic T", ""),
    ("kafka-consumer-groups", "--list", ""),
    ("kafka-consumer-groups", "--describe --group T", ""),
    ("kafka-consumer-groups", "--reset-offsets --group T --topic T --to-earliest --execute", ""),
    ("kafka-log-dirs", "--describe", ""),
    ("kafka-broker-api-versions", "", ""),
];

/// Milliseconds from start to end, and of CPU.
type Cost = (f64, f64);

/// Runs the benchmark and prints its table.
pub fn run(args: Args) -> Result<()> {
    repo::build_connectd()?;
    let kafka = if args.with_kafka { Some(Kafka::fetch()?) } else { None };
    let target = clients::Target::connectd()?;
    println!("{:<72} {:>10} {:>10} {:>10} {:>10}", "", "ours ms", "CPU ms", "Kafka ms", "CPU ms");
    for (tool, arguments, input) in STEPS {
        let ours = median(args.rounds, || {
            let mut command = Command::new(binary());
            command.arg(tool);
            measured(command, arguments, "bench-ours", &target.bootstrap, input)
        })?;
        // A machine that starts a JVM takes its time: once says enough of the order of magnitude, the median of few is fair.
        let theirs = match &kafka {
            Some(kafka) => Some(median(args.rounds.min(3), || {
                measured(kafka.tool(tool)?, arguments, "bench-kafka", &target.bootstrap, input)
            })?),
            None => None,
        };
        let shown = |cost: Option<Cost>| match cost {
            Some((wall, cpu)) => format!("{wall:>10.0} {cpu:>10.0}"),
            None => String::new(),
        };
        println!("{:<72} {} {}", format!("{tool} {arguments}"), shown(Some(ours)), shown(theirs));
    }
    Ok(())
}

fn median(rounds: usize, mut once: impl FnMut() -> Result<Cost>) -> Result<Cost> {
    let mut costs = (0..rounds.max(1)).map(|_| once()).collect::<Result<Vec<Cost>>>()?;
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(costs[costs.len() / 2])
}

fn measured(mut command: Command, arguments: &str, topic: &str, bootstrap: &str, input: &str) -> Result<Cost> {
    command.args(["--bootstrap-server", bootstrap]);
    command.args(arguments.split_whitespace().map(|word| if word == "T" { topic } else { word }));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    // A tool that reads nothing may be gone already.
    let _ = child.stdin.take().context("it is piped")?.write_all(input.as_bytes());
    let cpu = ended(&mut child).with_context(|| format!("{command:?}"))?;
    Ok((start.elapsed().as_secs_f64() * 1e3, cpu))
}

/// Waits for its end: its milliseconds of CPU. They are read while it is no more than a name in the table of processes.
fn ended(child: &mut Child) -> Result<f64> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let pid = rustix::process::Pid::from_child(child);
    let start = Instant::now();
    let options = rustix::process::WaitIdOptions::EXITED
        | rustix::process::WaitIdOptions::NOWAIT
        | rustix::process::WaitIdOptions::NOHANG;
    while rustix::process::waitid(rustix::process::WaitId::Pid(pid), options)?.is_none() {
        if start.elapsed() > PATIENCE {
            child.kill()?;
            bail!("it has not ended within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let cpu = super::meter::cpu_seconds(&[child.id()]) * 1e3;
    let status = child.wait()?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(cpu)
}
