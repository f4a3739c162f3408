//! `connectd try`: a connector on a few records, in a worker and a broker that live as long as that takes.
//!
//! Owns their folder, what goes in, and when it is enough. Leaves flags and texts to `runtime_cli`, and everything that happens to a record
//! to the worker's own parts, so that a connector does here what it will do there. Invariant: nothing is left behind but what the connector
//! itself wrote.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use broker::settings::Settings;
use broker_core::request::{AtomicAppend, CreateTopics, Fetch, FetchPartition, Metadata, NewTopic, Reply, Request};
use runtime_cli::own::trial::{Ended, Given, Sent, Try};
use runtime_core::{
    batches,
    config::ConfigMap,
    herder::{Answer, OffsetsAction, Operation, Origin, State, TaskId},
    plugin::Role,
    worker_config::WorkerConfig,
};
use tokio::runtime::Handle;

use crate::{
    cluster::{Caller, Who, wall_ms},
    demo::{Folder, free},
    failure::{Failure, RUNNING, START},
    grants::Grants,
    herd::{Herd, Tables},
    home::Home,
    logging,
    metrics::Metrics,
    place::Place,
    plugins::{self, Plugins},
    providers::Providers,
    standalone::load_herder,
    worker::Worker,
};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// A source that has sent nothing for so long has no more for now.
const SILENCE: Duration = Duration::from_secs(2);

/// What was wrong.
pub enum Wrong {
    /// The connector's configuration, in REST's words.
    Config(String),
    /// Its run, with its trace.
    Connector(String),
    /// This machine.
    Here(Failure),
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

/// Runs the connector until it has done what there is to do.
///
/// # Errors
/// See [`Wrong`].
pub async fn run(asked: &Try, given: &Given, guests: Handle) -> Result<Ended, Wrong> {
    logging::only_connectors();
    let folder = Folder::new("connectd-try")?;
    let data = folder.path().join("data").display().to_string();
    let (config, _) = worker(&asked.component, &data, free(0)).map_err(|why| Failure::new(START, why))?;
    let plugins = Arc::new(load(&config, given, guests.clone()).await?);
    if let Some(note) = plugins.known().notes().first() {
        return Err(Failure::new(START, note.trim_start_matches("plugin.path: ")).into());
    }
    let wanted = &given.connector.config.config;
    let unknown = plugins.judge(wanted.clone()).await.map_err(|refusal| Wrong::Config(refusal.message))?;
    unknown.iter().for_each(|key| tracing::warn!("{}", key.says));
    let role = plugins.find(wanted).await.map_err(Wrong::Config)?.role;
    let (settings, _) = Settings::default().parse(&config.broker).map_err(|why| Failure::new(START, why))?;
    let home = Home::open(Place::Here, settings, &config).await?;
    let outcome = Trial::new(&config, plugins, &home, given, guests).await;
    let outcome = match outcome {
        Ok(trial) => {
            let patience = Duration::from_secs(asked.seconds.into());
            let outcome = match role {
                Role::Sink => trial.sink(patience).await.map(Ended::Sink),
                _ => trial.source(asked.count as usize, patience).await,
            };
            trial.herd.stop().await;
            outcome
        }
        Err(wrong) => Err(wrong),
    };
    home.close().await?;
    outcome
}

/// A worker that nobody else knows of, and that writes down at once what is acknowledged.
fn worker(component: &str, data: &str, port: u16) -> Result<(WorkerConfig, Vec<String>), String> {
    let text = format!(
        "bootstrap.servers=127.0.0.1:{port}\nlisteners=http://127.0.0.1:0\nbroker.embedded=always\n\
         key.converter=org.apache.kafka.connect.storage.StringConverter\n\
         value.converter=org.apache.kafka.connect.storage.StringConverter\n\
         offset.flush.interval.ms=50\noffset.storage.file.filename={data}/offsets\nbroker.log.dirs={data}\n"
    );
    WorkerConfig::from_file("of the trial", text.as_bytes(), |raw| {
        let mut raw = raw.clone();
        raw.insert("plugin.path", component);
        Ok(raw)
    })
}

async fn load(config: &WorkerConfig, given: &Given, guests: Handle) -> Result<Plugins, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::new(START, format!("the working directory cannot be used: {error}")))?;
    let grants = Arc::new(Grants::new(&here, &config.grants_files));
    // Who names the files here runs the command, as with a worker's command line.
    grants.add_file(&given.connector.name, &given.connector.config.config);
    let sources = plugins::Sources::of(config, grants, Providers::default());
    Plugins::load(sources, guests).await.map_err(|error| Failure::new(RUNNING, error.to_string()))
}

struct Trial<'a> {
    given: &'a Given,
    herd: Herd,
    caller: Arc<dyn Caller>,
}

impl<'a> Trial<'a> {
    /// Starts the connector; what is there for a sink is there before.
    async fn new(
        config: &WorkerConfig,
        plugins: Arc<Plugins>,
        home: &Home,
        given: &'a Given,
        guests: Handle,
    ) -> Result<Self, Wrong> {
        let cluster = home.cluster();
        let name = given.connector.name.clone();
        let who = Who { task: TaskId { connector: name, task: 0 }, connector: ConfigMap::new(), group: None };
        let herder = load_herder(config, &plugins, &*cluster, "127.0.0.1:0".into()).await?;
        let tables =
            Tables { configs: config.config_storage_topic.clone(), status: config.status_storage_topic.clone() };
        let (caller, metrics) = (cluster.caller(who), Metrics::new(config));
        let herd = Herd::start(herder, cluster.clone(), tables, plugins.clone(), |teller| {
            Worker::new(config, cluster, plugins, metrics, teller, guests)
        });
        let trial = Self { given, herd, caller };
        trial.fill().await?;
        let connector = &given.connector;
        let put = Operation::Put {
            connector: connector.name.clone(),
            config: connector.config.config.clone(),
            origin: Origin::Rest,
            replace: true,
            initial_state: None,
        };
        trial.herd.tell(runtime_core::herder::Input::Start { named: Default::default() }).await;
        trial.herd.ask(put).await.map_err(|refusal| Wrong::Config(refusal.message))?;
        Ok(trial)
    }

    async fn ask(&self, request: Request) -> Result<Reply, Wrong> {
        self.caller.request(request).await.map_err(|error| Failure::new(RUNNING, format!("{error:#}")).into())
    }

    /// Puts the lines into the first of a sink's topics.
    async fn fill(&self) -> Result<(), Wrong> {
        let topics = self.given.connector.config.config.get("topics").unwrap_or_default();
        let Some(topic) = topics.split(',').map(str::trim).find(|topic| !topic.is_empty()) else { return Ok(()) };
        let new = NewTopic {
            name: topic.to_owned(),
            partitions: 1,
            replication_factor: 1,
            assignments: Vec::new(),
            configs: Vec::new(),
        };
        self.ask(Request::CreateTopics(CreateTopics { topics: vec![new], validate_only: false })).await?;
        for batch in batches::values(topic, self.given.lines.iter().map(Vec::as_slice), wall_ms()) {
            let append = AtomicAppend { task: None, batches: vec![batch], offsets: None, state: Vec::new() };
            if let Reply::AtomicAppend(Err((_, why))) = self.ask(Request::AtomicAppend(append)).await? {
                return Err(Failure::new(RUNNING, format!("a line cannot be put into the topic {topic}: {why}")).into());
            }
        }
        Ok(())
    }

    /// The trace of what has failed, if something has.
    async fn check(&self) -> Result<(), Wrong> {
        let name = self.given.connector.name.clone();
        let Some(status) = self.herd.query(move |herder| herder.status(&name)).await else { return Ok(()) };
        let own = [(status.connector.state, status.connector.trace)];
        let tasks = status.tasks.into_iter().map(|task| (task.state, task.trace));
        match own.into_iter().chain(tasks).find(|(state, _)| state == State::Failed.name()) {
            Some((_, trace)) => Err(Wrong::Connector(trace.unwrap_or_default())),
            None => Ok(()),
        }
    }

    /// Waits until every line is acknowledged; the number of those that are.
    async fn sink(&self, patience: Duration) -> Result<usize, Wrong> {
        let began = Instant::now();
        loop {
            self.check().await?;
            let acknowledged = self.acknowledged().await;
            if acknowledged >= self.given.lines.len() || began.elapsed() > patience {
                return Ok(acknowledged);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn acknowledged(&self) -> usize {
        let connector = self.given.connector.name.clone();
        let Ok(Answer::Offsets(json)) =
            self.herd.ask(Operation::Offsets { connector, action: OffsetsAction::Read }).await
        else {
            return 0;
        };
        let offsets: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        let of = |row: &serde_json::Value| row["offset"]["kafka_offset"].as_u64().unwrap_or_default() as usize;
        offsets["offsets"].as_array().into_iter().flatten().map(of).sum()
    }

    /// Waits until a source has sent so many records, or nothing more comes.
    async fn source(&self, count: usize, patience: Duration) -> Result<Ended, Wrong> {
        let began = Instant::now();
        let (mut sent, mut last) = (Vec::new(), began);
        let mut positions: BTreeMap<(String, i32), i64> = BTreeMap::new();
        loop {
            let before = sent.len();
            for topic in self.topics().await? {
                for partition in 0..topic.1 {
                    self.fetch(&topic.0, partition, &mut positions, &mut sent).await?;
                }
            }
            if sent.len() > before {
                last = Instant::now();
            } else {
                self.check().await?;
            }
            let is_cut = sent.len() > count;
            if sent.len() >= count || last.elapsed() > SILENCE || began.elapsed() > patience {
                sent.truncate(count);
                return Ok(Ended::Source(sent, is_cut));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Topics that are no internal ones, and their partitions.
    async fn topics(&self) -> Result<Vec<(String, i32)>, Wrong> {
        let metadata = Metadata { topics: None, allow_auto_topic_creation: false };
        let Reply::Metadata(found) = self.ask(Request::Metadata(metadata)).await? else { return Ok(Vec::new()) };
        let topics = found.topics.into_iter().filter(|topic| !topic.internal);
        let known = topics.filter_map(|topic| Some((topic.name?, topic.partitions.ok()?)));
        Ok(known.filter(|(name, _)| !name.starts_with("connect-")).collect())
    }

    async fn fetch(
        &self,
        topic: &str,
        partition: i32,
        positions: &mut BTreeMap<(String, i32), i64>,
        sent: &mut Vec<Sent>,
    ) -> Result<(), Wrong> {
        const MOST: u32 = 1 << 20;
        let position = positions.entry((topic.to_owned(), partition)).or_default();
        let from = FetchPartition { partition, offset: *position, max_bytes: MOST, current_leader_epoch: -1 };
        let topics = vec![(topic.to_owned(), vec![from])];
        let fetch = Fetch { max_wait_ms: 0, min_bytes: 0, max_bytes: MOST, read_committed: true, topics };
        let broken = |why: String| Wrong::from(Failure::new(RUNNING, why));
        let fetched = self.caller.fetch(fetch).await.map_err(|error| broken(format!("{error:#}")))?.map_err(broken)?;
        let records = &fetched.records;
        for index in 0..records.count as usize {
            sent.push(Sent {
                topic: records.topic(index).to_owned(),
                partition,
                offset: records.offset(index).unwrap_or(-1),
                key: records.keys.get(index).map(<[u8]>::to_vec),
                value: records.values.get(index).map(<[u8]>::to_vec),
            });
        }
        *position = fetched.next.first().map_or(*position, |(_, next)| *next);
        Ok(())
    }
}
