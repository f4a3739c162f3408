//! `cargo xtask bench broker`: produce, fetch and latency over the wire; ours, the real Kafka, and the floor, in one run.
//!
//! Owns: the cases and the table. Leaves the brokers to [`server`] and the traffic to [`load`].
//! Invariant: every broker gets the same requests from the same generator, after the same warm-up; CPU is the broker's alone.

mod load;
mod server;

use super::meter::{cpu_seconds, resident_mb};
use crate::kafka::Kafka;
use crate::repo;
use anyhow::{Context, Result};
use e2e::wire::Wire;
use load::Shape;
use server::{Kind, Server};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// `cargo xtask bench broker`
#[derive(clap::Args)]
pub struct Args {
    /// Beside the real Kafka, as it comes and with a sync per append (needs java and mvn)
    #[arg(long)]
    with_kafka: bool,
    /// Gigabytes a case sends
    #[arg(long, default_value_t = 1.0)]
    gigabytes: f64,
    /// Only the cases whose name has this in it
    #[arg(long, default_value = "")]
    only: String,
}

const LARGE: usize = 1_000_000;
const SMALL: usize = 16 << 10;

/// Name, and what is produced.
const PRODUCE: [(&str, Shape); 8] = [
    ("produce 100 B", Shape { value: 100, batch: LARGE, producers: 1, partitions: 1 }),
    ("produce 100 B, 16 KiB batches", Shape { value: 100, batch: SMALL, producers: 1, partitions: 1 }),
    ("produce 100 B, 10 partitions", Shape { value: 100, batch: LARGE / 10, producers: 1, partitions: 10 }),
    ("produce 100 B, 1000 partitions", Shape { value: 100, batch: SMALL, producers: 1, partitions: 1000 }),
    ("produce 1 KiB", Shape { value: 1024, batch: LARGE, producers: 1, partitions: 1 }),
    ("produce 1 KiB, 16 KiB batches", Shape { value: 1024, batch: SMALL, producers: 1, partitions: 1 }),
    ("produce 1 KiB, 8 producers", Shape { value: 1024, batch: LARGE, producers: 8, partitions: 8 }),
    ("produce 1 KiB, 8 producers of 16 KiB", Shape { value: 1024, batch: SMALL, producers: 8, partitions: 8 }),
];

const FETCH: Shape = Shape { value: 1024, batch: LARGE, producers: 1, partitions: 1 };

/// One figure of one case: `None` where the broker has no such thing.
type Cell = Option<f64>;

struct Row {
    label: String,
    decimals: usize,
    cells: Vec<Cell>,
}

/// Waits until a partition of a topic just made has its leader: Kafka answers before it has.
fn led(admin: &mut Wire, topic: &str, partition: i32) -> Result<()> {
    let start = Instant::now();
    while let Err(error) = admin.end_offset(topic, partition) {
        if start.elapsed() > Duration::from_secs(60) {
            return Err(error).with_context(|| format!("{topic}-{partition} has no leader"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a figure to its row, which is made when the first broker has it.
    fn put(&mut self, column: usize, label: String, decimals: usize, value: f64) {
        let at = self.rows.iter().position(|row| row.label == label).unwrap_or_else(|| {
            self.rows.push(Row { label, decimals, cells: Vec::new() });
            self.rows.len() - 1
        });
        let cells = &mut self.rows[at].cells;
        cells.resize(cells.len().max(column + 1), None);
        cells[column] = Some(value);
    }

    fn print(&self, kinds: &[Kind]) {
        let names: String = kinds.iter().map(|kind| format!("{:>15}", kind.name())).collect();
        println!("\n{:<48}{names}", "");
        for Row { label, decimals, cells } in &self.rows {
            let cell = |cell: &Cell| cell.map_or(format!("{:>15}", "-"), |value| format!("{value:>15.decimals$}"));
            println!("{label:<48}{}", cells.iter().map(cell).collect::<String>());
        }
    }
}

/// Runs the benchmark and prints its table.
pub fn run(args: Args) -> Result<()> {
    let dir = repo::target_dir().join("bench/broker");
    let _ = fs::remove_dir_all(&dir);
    let kafka = if args.with_kafka { Some(Kafka::fetch()?) } else { None };
    repo::build_connectd()?;
    let mut kinds = vec![Kind::Durable, Kind::Written, Kind::Floor];
    if kafka.is_some() {
        kinds.splice(2..2, [Kind::Kafka, Kind::KafkaSynced]);
    }
    let mut table = Table::default();
    for (column, kind) in kinds.iter().enumerate() {
        println!("{}", kind.name());
        let home = dir.join(column.to_string());
        let server = Server::start(*kind, kafka.as_ref(), &home)?;
        let mut side = Side { kind: *kind, server, column, args: &args, table: &mut table };
        side.run().with_context(|| format!("{}:\n{}", kind.name(), side.server.running.log()))?;
        drop(side);
        fs::remove_dir_all(&home)?;
    }
    table.print(&kinds);
    println!(
        "\nthe same requests, {} GB a case, five in flight, acks=all; connectd acknowledges what is on the disk, \"os\" what the system has,",
        args.gigabytes
    );
    println!(
        "Kafka what its page cache has unless flush=1; the floor is a program that receives and writes the bytes, or reads and sends them, no more"
    );
    Ok(())
}

/// One broker, going through the cases.
struct Side<'a> {
    kind: Kind,
    server: Server,
    column: usize,
    args: &'a Args,
    table: &'a mut Table,
}

impl Side<'_> {
    fn run(&mut self) -> Result<()> {
        self.put("resident idle, MB", 0, resident_mb(&self.server.pids()));
        for (name, shape) in PRODUCE {
            if self.wanted(name) {
                self.produce(name, shape)?;
            }
        }
        if self.wanted("fetch") {
            match self.kind.is_broker() {
                true => self.fetch()?,
                false => self.read_back()?,
            }
        }
        if self.wanted("latency") {
            self.latency()?;
        }
        self.put("resident after all, MB", 0, resident_mb(&self.server.pids()));
        Ok(())
    }

    fn wanted(&self, name: &str) -> bool {
        name.contains(&self.args.only)
    }

    fn put(&mut self, label: impl Into<String>, decimals: usize, value: f64) {
        self.table.put(self.column, label.into(), decimals, value);
    }

    fn records(&self, shape: Shape) -> u64 {
        (self.args.gigabytes * 1e9 / shape.value as f64) as u64
    }

    fn with_topic<T>(&mut self, partitions: i32, f: impl FnOnce(&mut Self, &str) -> Result<T>) -> Result<T> {
        let topic = "bench";
        let mut admin = Wire::connect(self.server.port)?;
        if self.kind.is_broker() {
            admin.create_topic(topic, partitions)?;
            (0..partitions).try_for_each(|partition| led(&mut admin, topic, partition))?;
        }
        let result = f(self, topic)?;
        if self.kind.is_broker() {
            admin.delete_topic(topic)?;
        }
        Ok(result)
    }

    fn produce(&mut self, name: &str, shape: Shape) -> Result<()> {
        self.with_topic(shape.partitions, |side, topic| {
            let port = side.server.port;
            load::produce(port, topic, shape, side.records(shape) / 5)?;
            rustix::fs::sync(); // what another case left to be written is not this one's bill
            let (records, took, cpu) = side.measured(|| load::produce(port, topic, shape, side.records(shape)))?;
            side.report(name, records as f64, records as f64 * shape.value as f64, took, cpu);
            Ok(())
        })
    }

    /// What it gives, the seconds it takes, and the CPU-seconds of the broker meanwhile.
    fn measured<T>(&self, traffic: impl FnOnce() -> Result<T>) -> Result<(T, f64, f64)> {
        let pids = self.server.pids();
        let (begin, cpu) = (Instant::now(), cpu_seconds(&pids));
        let given = traffic()?;
        Ok((given, begin.elapsed().as_secs_f64(), cpu_seconds(&pids) - cpu))
    }

    fn report(&mut self, name: &str, records: f64, bytes: f64, took: f64, cpu: f64) {
        println!("  {name}: {:.0} MB/s, {:.2} CPU-s per GB", bytes / took / 1e6, cpu / bytes * 1e9);
        self.put(format!("{name}, M records/s"), 2, records / took / 1e6);
        self.put(format!("{name}, MB/s"), 0, bytes / took / 1e6);
        self.put(format!("{name}, CPU-s per M"), 3, cpu / records * 1e6);
        self.put(format!("{name}, CPU-s per GB"), 2, cpu / bytes * 1e9);
    }

    /// At the tail: a reader beside a producer, less what the producer alone costs. Catching up: all of it from the start.
    fn fetch(&mut self) -> Result<()> {
        self.with_topic(1, |side, topic| {
            let (port, records) = (side.server.port, side.records(FETCH));
            let (produced, _, alone_cpu) = side.measured(|| load::produce(port, topic, FETCH, records))?;
            let alone = produced as i64;
            side.catch_up(produced, || load::consume(port, topic, 0, alone))?;

            let (bytes, took, cpu) = side.measured(|| {
                std::thread::scope(|scope| {
                    let reader = scope.spawn(move || load::consume(port, topic, alone, 2 * alone));
                    load::produce(port, topic, FETCH, records)?;
                    reader.join().expect("a reader does not panic")
                })
            })?;
            side.report("fetch at the tail, 1 KiB", alone as f64, bytes as f64, took, (cpu - alone_cpu).max(0.0));
            Ok(())
        })
    }

    /// The floor's: what was sent to it comes back.
    fn read_back(&mut self) -> Result<()> {
        let port = self.server.port;
        let records = load::produce(port, "bench", FETCH, self.records(FETCH))?;
        self.catch_up(records, || load::read_back(port, records * FETCH.value as u64))
    }

    fn catch_up(&mut self, records: u64, read: impl FnOnce() -> Result<u64>) -> Result<()> {
        let (bytes, took, cpu) = self.measured(read)?;
        self.report("fetch, catching up, 1 KiB", records as f64, bytes as f64, took, cpu);
        Ok(())
    }

    fn latency(&mut self) -> Result<()> {
        self.with_topic(1, |side, topic| {
            let port = side.server.port;
            load::one_at_a_time(port, topic, 500)?;
            let idle = load::one_at_a_time(port, topic, 3000)?;
            side.percentiles("one at a time, idle", &idle);
            let stop = AtomicBool::new(false);
            let beside = std::thread::scope(|scope| {
                let load = scope.spawn(|| load::trickle(port, topic, FETCH, 300e6, &stop));
                let took = load::one_at_a_time(port, topic, 3000);
                stop.store(true, Ordering::Relaxed);
                load.join().expect("the load does not panic")?;
                took
            })?;
            side.percentiles("one at a time beside 300 MB/s", &beside);
            Ok(())
        })
    }

    fn percentiles(&mut self, name: &str, took: &[f64]) {
        for (share, label) in [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")] {
            let at = ((took.len() - 1) as f64 * share) as usize;
            self.put(format!("{name}, {label}, us"), 0, took[at]);
        }
    }
}
