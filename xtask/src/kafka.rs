//! `cargo xtask kafka`: the real Apache Kafka from Maven Central, the peer of benchmarks and the oracle of tests.
//!
//! Owns: the jars (target/kafka/libs), which class each of Kafka's scripts starts, heap settings as Kafka's scripts have them,
//! a one-node broker and a standalone worker. Invariant: the product never needs any of this.

use crate::repo;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use e2e::Running;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The version that `tests/clients/java/pom.xml` names.
pub const VERSION: &str = "4.3.0";

const GC: [&str; 5] = [
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
];

/// Kafka's scripts and the classes behind them.
const SCRIPTS: [(&str, &str); 26] = [
    ("kafka-server-start", "kafka.Kafka"),
    ("kafka-storage", "kafka.tools.StorageTool"),
    ("kafka-topics", "org.apache.kafka.tools.TopicCommand"),
    ("kafka-console-producer", "org.apache.kafka.tools.ConsoleProducer"),
    ("kafka-console-consumer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
    ("kafka-consumer-groups", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    ("kafka-configs", "kafka.admin.ConfigCommand"),
    ("kafka-dump-log", "org.apache.kafka.tools.DumpLogSegments"),
    ("kafka-get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    ("kafka-delete-records", "org.apache.kafka.tools.DeleteRecordsCommand"),
    ("kafka-log-dirs", "org.apache.kafka.tools.LogDirsCommand"),
    ("kafka-broker-api-versions", "org.apache.kafka.tools.BrokerApiVersionsCommand"),
    ("kafka-cluster", "org.apache.kafka.tools.ClusterTool"),
    ("kafka-leader-election", "org.apache.kafka.tools.LeaderElectionCommand"),
    ("kafka-producer-perf-test", "org.apache.kafka.tools.ProducerPerformance"),
    ("kafka-consumer-perf-test", "org.apache.kafka.tools.ConsumerPerformance"),
    ("kafka-verifiable-producer", "org.apache.kafka.tools.VerifiableProducer"),
    ("kafka-verifiable-consumer", "org.apache.kafka.tools.VerifiableConsumer"),
    ("kafka-metadata-quorum", "org.apache.kafka.tools.MetadataQuorumCommand"),
    ("kafka-reassign-partitions", "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"),
    ("kafka-acls", "org.apache.kafka.tools.AclCommand"),
    ("kafka-features", "org.apache.kafka.tools.FeatureCommand"),
    ("kafka-groups", "org.apache.kafka.tools.GroupsCommand"),
    ("kafka-transactions", "org.apache.kafka.tools.TransactionsCommand"),
    ("kafka-delegation-tokens", "org.apache.kafka.tools.DelegationTokenCommand"),
    ("connect-standalone", "org.apache.kafka.connect.cli.ConnectStandalone"),
];

/// `cargo xtask kafka ...`
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Copy the jars from Maven Central to target/kafka/libs
    Fetch,
    /// Run one of Kafka's tools, as in `cargo xtask kafka tool kafka-topics --bootstrap-server localhost:9092 --list`
    Tool {
        /// The script's name, with or without .sh, or a class
        name: String,
        /// The tool's own arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run a one-node broker until Ctrl-C
    Broker {
        /// The port of its listener on the loopback address
        #[arg(long, default_value_t = 9092)]
        port: u16,
        /// Its data folder [default: target/kafka/broker]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(args: Args) -> Result<()> {
    let kafka = Kafka::fetch()?;
    match args.command {
        Sub::Fetch => {
            println!("Kafka {VERSION} is in {}", kafka.libs.display());
            Ok(())
        }
        Sub::Tool { name, args } => {
            let status = kafka.tool(&name)?.args(args).status()?;
            std::process::exit(status.code().unwrap_or(1));
        }
        Sub::Broker { port, dir } => {
            let dir = dir.unwrap_or_else(|| repo::target_dir().join("kafka/broker"));
            let config = kafka.format(&dir, port, &[])?;
            repo::run(kafka.java("kafka.Kafka", BROKER_HEAP, "log4j2.properties").arg(config))
        }
    }
}

/// The jars, ready to start.
pub struct Kafka {
    libs: PathBuf,
}

const BROKER_HEAP: &[&str] = &["-Xmx1G", "-Xms1G"];
const CONNECT_HEAP: &[&str] = &["-Xms256M", "-Xmx2G"];

impl Kafka {
    /// What is missing on this machine for the real Kafka, if anything.
    pub fn missing() -> Option<&'static str> {
        if !repo::has("java", "-version") {
            return Some("java 17 (apt-get install openjdk-17-jre-headless)");
        }
        if !repo::has("mvn", "-version") {
            return Some("mvn (apt-get install maven)");
        }
        None
    }

    /// Copies the jars from Maven Central to `target/kafka/libs`, unless they are there.
    ///
    /// # Errors
    /// When Java or Maven is missing, or Maven fails.
    pub fn fetch() -> Result<Kafka> {
        if let Some(what) = Self::missing() {
            bail!("the real Kafka needs {what}");
        }
        let home = repo::target_dir().join("kafka");
        let (libs, mark) = (home.join("libs"), home.join(format!("fetched-{VERSION}")));
        if !mark.is_file() {
            println!("fetching Kafka {VERSION} from Maven Central to {}", libs.display());
            let _ = fs::remove_dir_all(&libs);
            fs::create_dir_all(&home)?;
            let mut maven = Command::new("mvn");
            maven.args(["-q", "-B", "-Dstyle.color=never", "-f"]).arg(repo::root().join("tests/clients/java/pom.xml"));
            maven.arg("dependency:copy-dependencies").arg(format!("-DoutputDirectory={}", libs.display()));
            repo::run(&mut maven)?;
            fs::write(mark, "")?;
        }
        Ok(Kafka { libs })
    }

    fn java(&self, class: &str, heap: &[&str], log4j: &str) -> Command {
        let mut java = Command::new("java");
        java.args(heap).args(GC);
        java.arg(format!(
            "-Dlog4j2.configurationFile={}",
            repo::root().join("tests/clients/java").join(log4j).display()
        ));
        java.arg("-cp").arg(self.libs.join("*")).arg(class);
        java
    }

    /// One of Kafka's command line tools, by its script's name or its class.
    ///
    /// # Errors
    /// When there is no such script.
    pub fn tool(&self, name: &str) -> Result<Command> {
        self.script(name, &["-Xmx256M"])
    }

    /// The same for tests, where what it prints counts, and not what it costs: its JVM compiles quickly, not well.
    ///
    /// # Errors
    /// As [`Kafka::tool`].
    pub fn brief_tool(&self, name: &str) -> Result<Command> {
        self.script(name, &["-Xmx256M", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"])
    }

    fn script(&self, name: &str, options: &[&str]) -> Result<Command> {
        let script = name.strip_suffix(".sh").unwrap_or(name);
        let class = match SCRIPTS.iter().find(|(known, _)| *known == script) {
            Some((_, class)) => class,
            None if name.contains('.') => name,
            None => bail!("no tool {name}; there are: {}", SCRIPTS.map(|(known, _)| known).join(", ")),
        };
        Ok(self.java(class, options, "tools-log4j2.properties"))
    }

    /// A Java program of one file in `tests/clients/java`, with Kafka's clients.
    pub fn program(&self, file: &str) -> Command {
        self.java(
            &repo::root().join("tests/clients/java").join(file).display().to_string(),
            &["-Xmx256M"],
            "tools-log4j2.properties",
        )
    }

    /// Writes the configuration of a one-node broker and formats its data folder: the configuration's path.
    fn format(&self, dir: &Path, port: u16, more: &[&str]) -> Result<PathBuf> {
        fs::create_dir_all(dir)?;
        let config = dir.join("server.properties");
        if config.is_file() && fs::read_to_string(&config)?.contains(&format!(":{port},")) {
            return Ok(config);
        }
        let controller = e2e::free_port();
        let data = dir.join("data");
        let lines = [
            "process.roles=broker,controller".to_owned(),
            "node.id=1".to_owned(),
            format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
            format!("listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
            "controller.listener.names=CONTROLLER".to_owned(),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned(),
            format!("log.dirs={}", data.display()),
            "offsets.topic.replication.factor=1".to_owned(),
            "transaction.state.log.replication.factor=1".to_owned(),
            "transaction.state.log.min.isr=1".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
        ];
        fs::write(&config, [&lines.join("\n"), "\n", &more.join("\n"), "\n"].concat())?;
        let output = self
            .tool("kafka-storage")?
            .args(["format", "--ignore-formatted", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c"])
            .arg(&config)
            .output()?;
        if !output.status.success() {
            bail!("kafka-storage format failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(config)
    }

    /// Writes what a broker needs to start in `dir` at `port`.
    ///
    /// # Errors
    /// When formatting its data folder fails.
    pub fn broker(&self, dir: &Path, port: u16) -> Result<Broker<'_>> {
        self.broker_with(dir, port, &[])
    }

    /// The same with more lines in its configuration.
    ///
    /// # Errors
    /// As [`Kafka::broker`].
    pub fn broker_with(&self, dir: &Path, port: u16, more: &[&str]) -> Result<Broker<'_>> {
        let config = self.format(dir, port, more)?;
        Ok(Broker { kafka: self, config, log: dir.join("broker.log"), port })
    }

    /// Starts `connect-standalone` with these files; its output goes to `log`, and relative paths begin beside that.
    ///
    /// # Errors
    /// When Java cannot be started.
    pub fn connect(&self, files: &[PathBuf], log: &Path) -> Result<Running> {
        self.worker("Standalone", files, log)
    }

    /// Starts `connect-distributed` with this file, as [`Kafka::connect`] does.
    ///
    /// # Errors
    /// When Java cannot be started.
    pub fn connect_distributed(&self, file: &Path, log: &Path) -> Result<Running> {
        self.worker("Distributed", &[file.to_path_buf()], log)
    }

    fn worker(&self, mode: &str, files: &[PathBuf], log: &Path) -> Result<Running> {
        let class = format!("org.apache.kafka.connect.cli.Connect{mode}");
        let dir = log.parent().expect("a log lies in a folder");
        let mut java = self.java(&class, CONNECT_HEAP, "log4j2.properties");
        Ok(Running::start(java.args(files).current_dir(dir), log)?)
    }

    /// What a worker's `plugin.path` must be: the one jar. Pointed at all jars, the worker scans for two minutes.
    pub fn plugin_path(&self) -> PathBuf {
        self.libs.join(format!("connect-file-{VERSION}.jar"))
    }
}

/// A formatted one-node broker.
pub struct Broker<'a> {
    kafka: &'a Kafka,
    config: PathBuf,
    log: PathBuf,
    port: u16,
}

impl Broker<'_> {
    /// Starts it and waits until its port is open.
    ///
    /// # Errors
    /// When it ends before, or takes a minute.
    pub fn start(&self) -> Result<Running> {
        let mut java = self.kafka.java("kafka.Kafka", BROKER_HEAP, "log4j2.properties");
        let mut running = Running::start(java.arg(&self.config), &self.log).context("cannot start the broker")?;
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if running.ended().is_some() || start.elapsed() > Duration::from_secs(60) {
                bail!("Kafka's broker did not come up:\n{}", running.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(running)
    }
}
