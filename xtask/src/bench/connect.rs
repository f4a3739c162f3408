//! `cargo xtask bench connect`: many connectors, transforms, schemas, idle connectors, and how soon a new one moves its first record.
//!
//! Owns the scenes, the same for both sides, all of them made over REST, and the table. Invariant: a rate is only printed for bytes that
//! arrived: each sink file is as long as its source's lines make it.

use super::lines::{self, LINE};
use super::meter::{cpu_seconds, resident_mb};
use super::side::{Ours, Peer, Side};
use crate::kafka::Kafka;
use crate::repo;
use anyhow::{Result, ensure};
use e2e::Rest;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// `cargo xtask bench connect`
#[derive(clap::Args)]
pub struct Args {
    /// Beside the real Kafka Connect (needs java and mvn)
    #[arg(long)]
    with_kafka: bool,
    /// Thousands of lines in each scene, over all its connectors together
    #[arg(long, default_value_t = 1_000)]
    thousands: u64,
    /// Idle connectors of connectd
    #[arg(long, default_value_t = 1_000)]
    idle: usize,
    /// Idle connectors of Kafka's: each of them has threads and buffers
    #[arg(long, default_value_t = 100)]
    kafka_idle: usize,
}

/// Lines through some pairs of a source and a sink.
struct Scene {
    name: &'static str,
    pairs: usize,
    /// More keys of the source, then of the sink.
    source: &'static str,
    sink: &'static str,
    /// Bytes that the sink's text has beyond the line.
    more: usize,
}

const JSON: &str =
    r#","value.converter":"org.apache.kafka.connect.json.JsonConverter","value.converter.schemas.enable":"true""#;
const HOIST: &str = r#","transforms":"h","transforms.h.type":"org.apache.kafka.connect.transforms.HoistField$Value","transforms.h.field":"l""#;
const ROUTE: &str = r#","transforms":"r","transforms.r.type":"org.apache.kafka.connect.transforms.RegexRouter","transforms.r.regex":"(.*)","transforms.r.replacement":"$1""#;

const SCENES: [Scene; 6] = [
    Scene { name: "1 pair", pairs: 1, source: "", sink: "", more: 0 },
    Scene { name: "10 pairs", pairs: 10, source: "", sink: "", more: 0 },
    Scene { name: "100 pairs", pairs: 100, source: "", sink: "", more: 0 },
    Scene { name: "1 pair, RegexRouter", pairs: 1, source: ROUTE, sink: "", more: 0 },
    Scene { name: "1 pair, HoistField in the sink", pairs: 1, source: "", sink: HOIST, more: "Struct{l=}".len() },
    Scene { name: "1 pair, JSON with schemas", pairs: 1, source: JSON, sink: JSON, more: 0 },
];

/// Longer than the slower side takes for any of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often the time to the first record is taken.
const FIRSTS: usize = 9;

struct Figures {
    /// Records a second and CPU-seconds per million, of each scene.
    scenes: Vec<(f64, f64)>,
    first_ms: f64,
    idle: usize,
    idle_mb: f64,
    idle_cpu: f64,
}

/// Runs the benchmark and prints its table.
///
/// # Errors
/// When a side cannot be started, or does not move the lines.
pub fn run(args: Args) -> Result<()> {
    let dir = repo::target_dir().join("bench/connect");
    let _ = fs::remove_dir_all(&dir);
    repo::build_connectd()?;
    let kafka = args.with_kafka.then(Kafka::fetch).transpose()?;
    let mut sides: Vec<(Box<dyn Side + '_>, usize)> =
        vec![(Box::new(Ours::without_connectors(&dir.join("connectd"), &[])?), args.idle)];
    if let Some(kafka) = &kafka {
        sides.push((Box::new(Peer::without_connectors(kafka, &dir.join("kafka"))?), args.kafka_idle));
    }
    let mut all = Vec::new();
    for (side, idle) in &mut sides {
        all.push((side.name(), measure(side.as_mut(), args.thousands * 1_000, *idle)?));
    }
    print_table(&all);
    Ok(fs::remove_dir_all(&dir)?)
}

fn measure(side: &mut dyn Side, count: u64, idle: usize) -> Result<Figures> {
    println!("{}: starts", side.name());
    side.start()?;
    let rest = Rest::new(side.rest_port());
    wait(side, "it does not come up", |_| rest.is_up())?;
    let mut scenes = Vec::new();
    for (number, scene) in SCENES.iter().enumerate() {
        let (rate, cpu) = scene.run(side, &rest, number, count)?;
        println!("{}, {}: {rate:.0} rec/s, {cpu:.2} CPU-s per M", side.name(), scene.name);
        scenes.push((rate, cpu));
    }
    let first_ms = first_record(side, &rest)?;
    side.stop()?;
    side.start()?;
    wait(side, "it does not come up", |_| rest.is_up())?;
    let (idle_mb, idle_cpu) = idle_connectors(side, &rest, idle)?;
    side.stop()?;
    Ok(Figures { scenes, first_ms, idle, idle_mb, idle_cpu })
}

impl Scene {
    /// Records a second and CPU-seconds per million, from the first byte appended to the last one in a sink file.
    fn run(&self, side: &mut dyn Side, rest: &Rest, number: usize, count: u64) -> Result<(f64, f64)> {
        let each = count / self.pairs as u64;
        let name = |kind: &str, pair: usize| format!("{kind}-{number}-{pair}");
        let file = |side: &dyn Side, kind: &str, pair: usize| side.dir().join(name(kind, pair));
        for pair in 0..self.pairs {
            File::create(file(side, "in", pair))?;
            let (input, output) = (file(side, "in", pair), file(side, "out", pair));
            create(rest, &name("in", pair), &source(&input, &name("t", pair), self.source))?;
            create(rest, &name("out", pair), &sink(&output, &name("t", pair), self.sink))?;
        }
        let up = |_: &mut dyn Side| {
            (0..self.pairs)
                .all(|pair| ["in", "out"].iter().all(|kind| rest.states(&name(kind, pair)) == "RUNNING [RUNNING]"))
        };
        wait(side, "a connector does not run", up)?;
        // A line each goes ahead, so that topics and groups are there.
        self.send(side, number, 0, 1)?;
        rustix::fs::sync(); // what was left to be written is not this scene's bill
        let pids = side.pids();
        let (begin, cpu) = (Instant::now(), cpu_seconds(&pids));
        self.send(side, number, 1, each)?;
        let (took, spent) = (begin.elapsed().as_secs_f64(), cpu_seconds(&pids) - cpu);
        for pair in 0..self.pairs {
            for kind in ["in", "out"] {
                rest.ask("DELETE", &format!("/connectors/{}", name(kind, pair)), "");
                fs::remove_file(file(side, kind, pair))?;
            }
        }
        let sent = (each * self.pairs as u64) as f64;
        Ok((sent / took, spent / sent * 1e6))
    }

    /// Appends lines to each source and waits until they are in the sinks.
    fn send(&self, side: &mut dyn Side, number: usize, first: u64, count: u64) -> Result<()> {
        let content = lines::lines(first, count);
        let dir = side.dir().to_path_buf();
        let path = |kind: &str, pair: usize| dir.join(format!("{kind}-{number}-{pair}"));
        for pair in 0..self.pairs {
            let mut file = File::options().append(true).open(path("in", pair))?;
            content.chunks(1 << 20).try_for_each(|piece| file.write_all(piece))?;
        }
        let goal = (first + count) * (LINE + self.more + 1) as u64;
        let arrived = |_: &mut dyn Side| {
            (0..self.pairs).all(|pair| fs::metadata(path("out", pair)).is_ok_and(|file| file.len() == goal))
        };
        wait(side, "the lines do not arrive", arrived)
    }
}

/// Milliseconds from the POST of a source whose file has a line, to the line in the file of a sink that waits for it: the median.
fn first_record(side: &mut dyn Side, rest: &Rest) -> Result<f64> {
    let (output, dir) = (side.dir().join("firsts"), side.dir().to_path_buf());
    create(rest, "firsts", &sink(&output, "firsts", ""))?;
    let mut times = Vec::new();
    for number in 0..FIRSTS {
        let input = dir.join(format!("first-{number}"));
        fs::write(&input, lines::lines(number as u64, 1))?;
        let begin = Instant::now();
        create(rest, &format!("first-{number}"), &source(&input, "firsts", ""))?;
        let goal = (number as u64 + 1) * (LINE as u64 + 1);
        wait(side, "the first record does not arrive", |_| fs::metadata(&output).is_ok_and(|file| file.len() == goal))?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[FIRSTS / 2])
}

/// Megabytes, and the part of a core, of a worker with so many sources that have nothing to read.
fn idle_connectors(side: &mut dyn Side, rest: &Rest, count: usize) -> Result<(f64, f64)> {
    let input = side.dir().join("idle");
    File::create(&input)?;
    for number in 0..count {
        create(rest, &format!("idle-{number}"), &source(&input, "idle", ""))?;
    }
    let last = format!("idle-{}", count - 1);
    wait(side, "an idle connector does not run", |_| rest.states(&last) == "RUNNING [RUNNING]")?;
    std::thread::sleep(Duration::from_secs(5));
    let pids = side.pids();
    let (begin, cpu) = (Instant::now(), cpu_seconds(&pids));
    std::thread::sleep(Duration::from_secs(5));
    Ok((resident_mb(&pids), (cpu_seconds(&pids) - cpu) / begin.elapsed().as_secs_f64()))
}

fn source(input: &std::path::Path, topic: &str, more: &str) -> String {
    format!(r#""connector.class":"FileStreamSource","file":"{}","topic":"{topic}"{more}"#, input.display())
}

fn sink(output: &std::path::Path, topic: &str, more: &str) -> String {
    format!(r#""connector.class":"FileStreamSink","file":"{}","topics":"{topic}"{more}"#, output.display())
}

fn create(rest: &Rest, name: &str, config: &str) -> Result<()> {
    let answer = rest.ask("POST", "/connectors", &format!(r#"{{"name":"{name}","config":{{{config}}}}}"#));
    ensure!(answer.status == 201, "POST {name}: {answer:?}");
    Ok(())
}

fn wait(side: &mut dyn Side, what: &str, mut done: impl FnMut(&mut dyn Side) -> bool) -> Result<()> {
    let begin = Instant::now();
    while !done(side) {
        let dir: PathBuf = side.dir().to_path_buf();
        ensure!(begin.elapsed() < PATIENCE, "{}: {what}; logs are in {}", side.name(), dir.display());
        for running in side.running() {
            if let Some(status) = running.ended() {
                anyhow::bail!("a process ended with {status}:\n{}", running.log());
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn print_table(all: &[(String, Figures)]) {
    let names: String = all.iter().map(|(name, _)| format!("{name:>16}")).collect();
    println!("\n{:<44}{names}", "");
    let row = |label: String, value: &dyn Fn(&Figures) -> String| {
        let cells: String = all.iter().map(|(_, figures)| format!("{:>16}", value(figures))).collect();
        println!("{label:<44}{cells}");
    };
    for (number, scene) in SCENES.iter().enumerate() {
        row(format!("{}, records/s", scene.name), &|f| format!("{:.0}", f.scenes[number].0));
        row("  CPU-s per M records".into(), &|f| format!("{:.2}", f.scenes[number].1));
    }
    row("POST to first record, ms (median)".into(), &|f| format!("{:.1}", f.first_ms));
    row("idle connectors".into(), &|f| f.idle.to_string());
    row("  resident, MB".into(), &|f| format!("{:.0}", f.idle_mb));
    row("  percent of a core".into(), &|f| format!("{:.2}", f.idle_cpu * 100.0));
    println!(
        "\nlines of {LINE} bytes; a pair is a file source, a topic and a file sink; connectd syncs before it acknowledges"
    );
}
