//! `cargo xtask bench pipeline`: a file, through a topic, to a file.
//!
//! Owns: the order of the steps, the same for both sides and alternating between them, and the table. Invariant: a figure is only
//! printed for bytes that arrived: the sink file must equal the source file at the end.

use super::lines::{self, LINE};
use super::meter::{cpu_seconds, resident_mb};
use super::side::{Ours, Peer, Side};
use crate::kafka::{Kafka, VERSION};
use crate::repo;
use anyhow::{Result, bail};
use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

/// `cargo xtask bench pipeline`
#[derive(clap::Args)]
pub struct Args {
    /// Beside the real Kafka and its Connect (needs java and mvn)
    #[arg(long)]
    with_kafka: bool,
    /// The real Kafka alone
    #[arg(long)]
    only_kafka: bool,
    /// Millions of lines a round
    #[arg(long, default_value_t = 2)]
    millions: u64,
    /// Rounds; the first is cold, the others warm
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A line for connectd's worker file, such as broker.log.flush=os
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Keep the data for a look
    #[arg(long)]
    keep: bool,
}

#[derive(Default)]
struct Figures {
    first_start: f64,
    warm_start: f64,
    warm_start_cpu: f64,
    idle_mb: f64,
    idle_cpu: f64,
    rate: Vec<f64>,
    cpu: Vec<f64>,
    after_mb: f64,
    sent: u64,
}

/// Runs the benchmark and prints its table.
pub fn run(args: Args) -> Result<()> {
    let dir = repo::target_dir().join("bench/pipeline");
    let _ = fs::remove_dir_all(&dir);
    let kafka = if args.with_kafka || args.only_kafka { Some(Kafka::fetch()?) } else { None };
    let mut sides: Vec<Box<dyn Side + '_>> = Vec::new();
    if !args.only_kafka {
        repo::build_connectd()?;
        sides.push(Box::new(Ours::new(&dir.join("connectd"), &args.settings)?));
    }
    if let Some(kafka) = &kafka {
        sides.push(Box::new(Peer::new(kafka, &dir.join("kafka"))?));
    }
    let mut figures: Vec<Figures> = sides.iter().map(|_| Figures::default()).collect();
    for (side, figures) in sides.iter_mut().zip(&mut figures) {
        println!("{}: start, stop, start again", side.name());
        start_twice(side.as_mut(), figures)?;
    }
    for (side, figures) in sides.iter_mut().zip(&mut figures) {
        measure_idle(side.as_mut(), figures);
    }
    for round in 1..=args.rounds {
        for (side, figures) in sides.iter_mut().zip(&mut figures) {
            measure_round(side.as_mut(), figures, args.millions * 1_000_000)?;
            let (rate, cpu) = (figures.rate[round - 1], figures.cpu[round - 1]);
            println!("round {round}, {}: {} rec/s, {cpu:.2} CPU-s per M", side.name(), thousands(rate));
        }
    }
    let mut arrived = Vec::new();
    for (side, figures) in sides.iter_mut().zip(&mut figures) {
        figures.after_mb = resident_mb(&side.pids());
        side.stop()?;
        let (count, bytes) = lines::compare(&side.source(), &side.sink())?;
        if count != figures.sent {
            bail!("{}: {count} lines arrived of {}", side.name(), figures.sent);
        }
        arrived.push(format!("{}: {count} lines, {bytes} bytes, equal to the source's", side.name()));
    }
    let names: Vec<String> = sides.iter().map(|side| side.name()).collect();
    print_table(&names, &figures);
    println!("{}", arrived.join("\n"));
    if !args.keep {
        fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

/// A first start on empty folders, an orderly stop, and the start that counts: warm caches, one line waiting.
fn start_twice(side: &mut dyn Side, figures: &mut Figures) -> Result<()> {
    for warm in [false, true] {
        append(side, figures, 1)?;
        let begin = Instant::now();
        side.start()?;
        wait_for_sink(side, figures.sent)?;
        let took = begin.elapsed().as_secs_f64();
        if warm {
            figures.warm_start = took;
            figures.warm_start_cpu = cpu_seconds(&side.pids());
        } else {
            figures.first_start = took;
            side.stop()?;
        }
    }
    Ok(())
}

fn measure_idle(side: &mut dyn Side, figures: &mut Figures) {
    std::thread::sleep(Duration::from_secs(3));
    let pids = side.pids();
    let (begin, cpu) = (Instant::now(), cpu_seconds(&pids));
    std::thread::sleep(Duration::from_secs(3));
    figures.idle_cpu = (cpu_seconds(&pids) - cpu) / begin.elapsed().as_secs_f64();
    figures.idle_mb = resident_mb(&pids);
}

/// The clock runs from the moment before the lines are appended to the moment when the last of them is in the sink file.
fn measure_round(side: &mut dyn Side, figures: &mut Figures, count: u64) -> Result<()> {
    let content = lines::lines(figures.sent, count);
    rustix::fs::sync(); // what the other side left to be written is not this side's bill
    let pids = side.pids();
    let (begin, cpu) = (Instant::now(), cpu_seconds(&pids));
    let mut file = File::options().append(true).open(side.source())?;
    for piece in content.chunks(1 << 20) {
        file.write_all(piece)?;
    }
    figures.sent += count;
    wait_for_sink(side, figures.sent)?;
    figures.rate.push(count as f64 / begin.elapsed().as_secs_f64());
    figures.cpu.push((cpu_seconds(&pids) - cpu) / count as f64 * 1e6);
    Ok(())
}

fn append(side: &mut dyn Side, figures: &mut Figures, count: u64) -> Result<()> {
    let mut file = File::options().create(true).append(true).open(side.source())?;
    file.write_all(&lines::lines(figures.sent, count))?;
    figures.sent += count;
    Ok(())
}

/// Waits until the sink file is as long as `sent` lines.
fn wait_for_sink(side: &mut dyn Side, sent: u64) -> Result<()> {
    let (sink, goal) = (side.sink(), sent * (LINE as u64 + 1));
    let (mut len, mut grew) = (0, Instant::now());
    while len < goal {
        std::thread::sleep(Duration::from_millis(1));
        let now = fs::metadata(&sink).map_or(0, |meta| meta.len());
        if now != len {
            (len, grew) = (now, Instant::now());
        }
        if grew.elapsed() > Duration::from_secs(60) {
            bail!(
                "{}: the sink file stopped at {len} of {goal} bytes; logs are in {}",
                side.name(),
                side.dir().display()
            );
        }
        for running in side.running() {
            if let Some(status) = running.ended() {
                bail!("a process ended with {status}:\n{}", running.log());
            }
        }
    }
    Ok(())
}

type Row<'a> = (String, Box<dyn Fn(&Figures) -> f64 + 'a>, fn(f64) -> String);

fn print_table(names: &[String], figures: &[Figures]) {
    let mut rows: Vec<Row> = Vec::new();
    for round in 0..figures[0].rate.len() {
        let which = if round == 0 { "first" } else { "warm" };
        rows.push((format!("records/s, round {} ({which})", round + 1), Box::new(move |f| f.rate[round]), thousands));
    }
    for round in 0..figures[0].cpu.len() {
        rows.push((format!("CPU-s per M records, round {}", round + 1), Box::new(move |f| f.cpu[round]), two_places));
    }
    rows.push(("start to first record, first, s".into(), Box::new(|f| f.first_start), three_places));
    rows.push(("start to first record, warm, s".into(), Box::new(|f| f.warm_start), three_places));
    rows.push(("  CPU-s of that start".into(), Box::new(|f| f.warm_start_cpu), two_places));
    rows.push(("resident idle, MB".into(), Box::new(|f| f.idle_mb), whole));
    rows.push(("  idle, percent of a core".into(), Box::new(|f| f.idle_cpu * 100.0), two_places));
    rows.push(("resident after the rounds, MB".into(), Box::new(|f| f.after_mb), whole));

    println!("\n{:<36}{}{}", "", names.iter().map(|name| format!("{name:>16}")).collect::<String>(), ratio_head(names));
    for (label, value, print) in &rows {
        let values: Vec<f64> = figures.iter().map(value).collect();
        let cells: String = values.iter().map(|&v| format!("{:>16}", print(v))).collect();
        let ratio = match values[..] {
            [ours, kafka] if kafka > 0.0 => format!("{:>12.3}", ours / kafka),
            _ => String::new(),
        };
        println!("{label:<36}{cells}{ratio}");
    }
    println!(
        "\nlines of {LINE} bytes, StringConverter, default batch.size; connectd syncs before it acknowledges, Kafka {VERSION} does not"
    );
}

fn ratio_head(names: &[String]) -> &'static str {
    if names.len() == 2 { "       ratio" } else { "" }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn two_places(value: f64) -> String {
    format!("{value:.2}")
}

fn three_places(value: f64) -> String {
    format!("{value:.3}")
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_marked() {
        let check = |value: f64, expected: &str| assert_eq!(thousands(value), expected);
        check(0.4, "0");
        check(999.0, "999");
        check(1_000.0, "1,000");
        check(1_234_567.8, "1,234,568");
    }
}
