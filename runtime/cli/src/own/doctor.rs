//! `connectd doctor`: whether connectd can run here, and what to do if not.
//!
//! Owns the judgement of what was found, and its texts. Leaves looking to the binary. Invariant: a check that fails says what to do, and a
//! warning alone never makes the exit code anything but 0.

use serde_json::json;

use super::outcome::{Common, Done, Outcome};
pub use facts::{Data, Facts, Port};

mod facts;

/// `connectd doctor`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Doctor {
    /// Files to check beside: a worker's, a broker's, connectors'
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = "./connectd-data")]
    pub data: String,
    /// The port of the broker
    #[arg(long, value_name = "PORT", default_value_t = 9092)]
    pub kafka_port: u16,
    /// The port of the REST API
    #[arg(long, value_name = "PORT", default_value_t = 8083)]
    pub rest_port: u16,
    #[command(flatten)]
    pub(super) common: Common,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Pass,
    /// It runs, and yet.
    Warn,
    /// It cannot run so.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    name: String,
    grade: Grade,
    says: String,
    help: Option<String>,
}

const MIB: u64 = 1 << 20;

/// Bytes of the journal and some room for records: with less free a broker does not get far.
const LEAST_SPACE: u64 = 256 * MIB;

/// Below this it is time to think of it.
const LITTLE_SPACE: u64 = 2048 * MIB;

/// A thousand clients and their segments.
const FEW_FILES: u64 = 4096;

/// 2024-01-01: a clock before that has never been set.
const LONG_AGO_MS: i64 = 1_704_067_200_000;

/// 2100-01-01: times after that are what a battery makes up.
const FAR_AHEAD_MS: i64 = 4_102_444_800_000;

fn check(name: impl Into<String>, grade: Grade, says: impl Into<String>, help: Option<String>) -> Check {
    Check { name: name.into(), grade, says: says.into(), help }
}

fn port((port, what, who): &(u16, &'static str, Port)) -> Check {
    let name = format!("port {port}");
    match who {
        Port::Free => check(name, Grade::Pass, format!("free, for {what}"), None),
        Port::Ours(who) => check(name, Grade::Pass, format!("{who} answers there already"), None),
        Port::Taken(who) => {
            let help = format!("stop it, or give {what} another port ({})", setting(what));
            check(name, Grade::Fail, format!("{who} listens there"), Some(help))
        }
        Port::Closed(why) => {
            let help = format!("give {what} a port above 1023 ({})", setting(what));
            check(name, Grade::Fail, format!("it cannot be listened on: {why}"), Some(help))
        }
    }
}

fn setting(what: &str) -> &'static str {
    if what.contains("REST") { "listeners" } else { "bootstrap.servers, or listeners of a broker alone" }
}

fn data(data: &Data) -> Vec<Check> {
    let Data { path, is_used, trouble, space, is_direct } = data;
    let mut checks = Vec::new();
    checks.push(match trouble {
        Some(why) => {
            let help = "name another in broker.log.dirs (log.dirs of a broker alone), or change its owner".to_owned();
            check("data folder", Grade::Fail, format!("{path}: {why}"), Some(help))
        }
        None if *is_used => check("data folder", Grade::Pass, format!("{path}, with data"), None),
        None => check("data folder", Grade::Pass, format!("{path} can be made"), None),
    });
    if let Some((free, all)) = space {
        let says = format!("{} MiB free of {} MiB", free / MIB, all / MIB);
        checks.push(match *free {
            free if free < LEAST_SPACE => {
                let help = "free some, or let topics keep less: retention.bytes, retention.ms".to_owned();
                check("disk space", Grade::Fail, says, Some(help))
            }
            free if free < LITTLE_SPACE => {
                let help = "records are kept for seven days unless retention.ms or retention.bytes say less".to_owned();
                check("disk space", Grade::Warn, says, Some(help))
            }
            _ => check("disk space", Grade::Pass, says, None),
        });
    }
    if trouble.is_none() && !is_direct {
        let help = "it works, and costs more: a disk with ext4 or xfs would be better than this file system".to_owned();
        checks.push(check("direct writes", Grade::Warn, "the file system takes none", Some(help)));
    }
    checks
}

fn clock(now_ms: i64) -> Check {
    let help = Some("set the clock: records are kept by their time".to_owned());
    match now_ms {
        ..LONG_AGO_MS => check("clock", Grade::Fail, "it stands before 2024", help),
        FAR_AHEAD_MS.. => check("clock", Grade::Fail, "it stands after 2099", help),
        _ => check("clock", Grade::Pass, "plausible", None),
    }
}

fn judge(facts: &Facts) -> Vec<Check> {
    let version = format!("connectd {}, for clients of Kafka {}, on {}", facts.version, facts.kafka, facts.system);
    let mut checks = vec![check("version", Grade::Pass, version, None)];
    checks.extend(facts.ports.iter().map(port));
    checks.extend(data(&facts.data));
    checks.push(clock(facts.now_ms));
    if let Some(limit) = facts.open_files {
        let says = format!("{limit} at once");
        checks.push(match limit {
            ..FEW_FILES => check("open files", Grade::Warn, says, Some("ulimit -n 65536 before the start".to_owned())),
            _ => check("open files", Grade::Pass, says, None),
        });
    }
    checks.push(match &facts.cache {
        (path, None) => check("compiled components", Grade::Pass, path, None),
        (path, Some(why)) => {
            let help = "every start compiles them anew; set XDG_CACHE_HOME to a folder that can be written".to_owned();
            check("compiled components", Grade::Warn, format!("{path}: {why}"), Some(help))
        }
    });
    for (path, outcome) in &facts.files {
        checks.push(match outcome {
            Ok(notes) if notes.is_empty() => check(path, Grade::Pass, "can be used", None),
            Ok(notes) => check(path, Grade::Warn, notes.join("; "), None),
            Err(why) => check(path, Grade::Fail, why, Some(format!("connectd config check {path}"))),
        });
    }
    checks
}

/// The end of `doctor`.
pub fn found(facts: &Facts, colours: bool) -> Done {
    let checks = judge(facts);
    let paint = |grade: Grade| {
        let (colour, mark) = match grade {
            Grade::Pass => ("\x1b[32m", "ok  "),
            Grade::Warn => ("\x1b[33m", "warn"),
            Grade::Fail => ("\x1b[31m", "FAIL"),
        };
        if colours { format!("{colour}{mark}\x1b[0m") } else { mark.to_owned() }
    };
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { name, grade, says, help } in &checks {
        text += &format!("{}  {name:<width$}  {says}\n", paint(*grade));
        if let Some(help) = help {
            text += &format!("      {:width$}  -> {help}\n", "");
        }
    }
    let count = |grade: Grade| checks.iter().filter(|check| check.grade == grade).count();
    let (warned, bad) = (count(Grade::Warn), count(Grade::Fail));
    text += &match (bad, warned) {
        (0, 0) => "all is well\n".to_owned(),
        (0, warned) => format!("it can run; {warned} to look at\n"),
        (bad, _) => format!("{bad} to mend before it can run\n"),
    };
    let word = |grade: Grade| match grade {
        Grade::Pass => "pass",
        Grade::Warn => "warn",
        Grade::Fail => "fail",
    };
    let object = |check: &Check| json!({ "name": check.name, "grade": word(check.grade), "says": check.says, "help": check.help });
    Ok(Outcome { is_bad: bad > 0, ..Outcome::new(checks.iter().map(object).collect(), text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            version: "0.1.0".into(),
            kafka: "4.3.0".into(),
            system: "Linux".into(),
            ports: vec![(9092, "the broker", Port::Free)],
            data: Data {
                path: "data".into(),
                is_used: false,
                trouble: None,
                space: Some((10_000 * MIB, 20_000 * MIB)),
                is_direct: true,
            },
            now_ms: 1_800_000_000_000,
            open_files: Some(65_536),
            cache: ("cache".into(), None),
            files: Vec::new(),
        }
    }

    #[test]
    fn all_is_well() {
        let outcome = found(&facts(), false).unwrap();
        assert!(!outcome.is_bad && outcome.text.ends_with("all is well\n"), "{}", outcome.text);
    }

    #[test]
    fn what_is_wrong_says_what_to_do() {
        let check = |change: &dyn Fn(&mut Facts), is_bad: bool, says: &str| {
            let mut facts = facts();
            change(&mut facts);
            let outcome = found(&facts, false).unwrap();
            assert_eq!(outcome.is_bad, is_bad, "{}", outcome.text);
            assert!(outcome.text.contains(says) && outcome.text.contains("-> "), "{}", outcome.text);
        };
        check(
            &|facts| facts.ports[0].2 = Port::Taken("process 7 (java)".into()),
            true,
            "process 7 (java) listens there",
        );
        check(&|facts| facts.ports[0].2 = Port::Closed("permission denied".into()), true, "above 1023");
        check(&|facts| facts.data.trouble = Some("permission denied".into()), true, "permission denied");
        check(&|facts| facts.data.space = Some((MIB, MIB)), true, "1 MiB free");
        check(&|facts| facts.data.space = Some((1000 * MIB, 2000 * MIB)), false, "1000 MiB free");
        check(&|facts| facts.data.is_direct = false, false, "ext4");
        check(&|facts| facts.now_ms = 0, true, "before 2024");
        check(&|facts| facts.now_ms = i64::MAX, true, "after 2099");
        check(&|facts| facts.open_files = Some(256), false, "ulimit");
        check(&|facts| facts.cache.1 = Some("read-only".into()), false, "XDG_CACHE_HOME");
        check(&|facts| facts.files.push(("w".into(), Err("bad".into()))), true, "connectd config check w");
    }
}
