//! `connectd standalone WORKER.properties [CONNECTOR files...]`: everything in one process.
//!
//! Owns the order. Start: files are read and judged, ports bound, broker recovered (or the cluster found) and plug-ins loaded side by side, the herder loaded
//! from its topics, REST answered, the files' connectors put, then "ready". Stop, the other way round: REST, connectors and tasks, and
//! the broker last. Invariant: a start that is refused has changed nothing in the data folder but the broker's own recovery.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use broker::settings::Settings;
use broker_core::group::GroupSettings;
use runtime_cli::banner::Banner;
use runtime_core::{
    complaint::Complaint,
    config::{ConfigMap, variables::Provider},
    connector_file::{self, ConnectorFile},
    herder::{self, Herder, Input, Operation, Origin},
    rest::ServerInfo,
    worker_config::{
        AdminListeners, Listener, WorkerConfig,
        tls::{ClientAuth, TlsConfig},
    },
};
use tokio::runtime::Handle;

use crate::{
    cluster::Cluster,
    failure::{CONNECTOR, Failure, RUNNING, START},
    grants::Grants,
    herd::{Herd, Tables},
    home::Home,
    logging::{self, Loggers},
    metrics::Metrics,
    place::{self, Place},
    plugins::{self, Plugins},
    providers::Providers,
    rest::{self, App, server},
    signals::Signals,
    worker::Worker,
};

/// Milliseconds after which REST answers "timed out"; Kafka's.
const REQUEST_TIMEOUT_MS: u64 = 90_000;

/// REST waits so long for the files' connectors before it answers.
const REST_WAITS: Duration = Duration::from_secs(1);

/// Answers that are being given at the end have this long.
const REST_GRACE: Duration = Duration::from_secs(1);

/// Beyond `task.shutdown.graceful.timeout.ms`: connectors' own stops, and the herder's last writes.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What the command line says.
pub struct Start {
    /// The worker's file.
    pub worker: PathBuf,
    /// The connectors' files, in order.
    pub connectors: Vec<PathBuf>,
    /// `--insecure-listen`.
    pub insecure_listen: bool,
    /// When the process started.
    pub started: Instant,
    /// The runtime for guest code.
    pub guests: Handle,
    /// What the banner says to try; by default what the files suggest.
    pub next: Option<Vec<String>>,
}

/// Runs a worker until a signal comes. Returns the exit code.
///
/// # Errors
/// What cannot be used (exit codes of contract 1.2), or why the broker stopped by itself.
pub async fn run(start: Start) -> Result<u8, Failure> {
    let (config, mut notes) = read_worker(&start.worker)?;
    let files = read_connectors(&start.connectors)?;
    let (settings, broker_notes) = broker_settings(&start, &config)?;
    let place = place::decide(&config, &settings.log_dir).await?;
    if place == Place::Here {
        notes.extend(broker_notes);
    }
    let rest = bind_rest(&config, start.insecure_listen || settings.insecure_listen).await?;
    let loggers = logging::start();
    notes.iter().for_each(|note| tracing::warn!("{note}"));

    let grants = Arc::new(Grants::new(&working_dir()?, &config.grants_files));
    let providers = Providers::new(config.providers.clone());
    for file in &files {
        let resolved = providers.resolve(&file.config.config).map_err(|why| Failure::new(CONNECTOR, why))?;
        grants.add_file(&file.name, &resolved);
    }
    let sources = plugins::Sources {
        path: config.plugin_path.clone(),
        cache_dir: plugins::cache_dir(),
        compiler: plugins::compiler(),
        defaults: config.defaults(),
        grants,
        providers,
    };
    let loading = start.guests.spawn(Plugins::load(sources, start.guests.clone()));
    let mut home = Home::open(place, settings, &config).await?;
    start.passed("the cluster is there");
    let loaded =
        loading.await.map_err(|ended| Failure::new(RUNNING, format!("loading the plug-ins ended: {ended}")))?;
    let plugins = Arc::new(loaded.map_err(|error| Failure::new(RUNNING, error.to_string()))?);
    start.passed("the plug-ins are loaded");
    plugins.known().notes().iter().chain(home.notes()).for_each(|note| tracing::warn!("{note}"));

    // Until here the system's own answer to Ctrl-C, an end at once, loses nothing.
    let mut signals = Signals::new()?;
    let running = Running::start(&start, &config, plugins, &home, files, rest, loggers).await;
    let outcome = match running {
        Ok(mut running) => {
            let (kafka, data) = (home.kafka(), home.data());
            let outcome = tokio::select! {
                code = signals.next() => Ok(code),
                () = home.failed() => Ok(RUNNING),
                failure = running.until_it_fails(&start, kafka, data) => Err(failure),
            };
            signals.then_exit();
            running.stop(Duration::from_millis(config.task_shutdown_graceful_timeout_ms) + STOP_GRACE).await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    let stopped = home.close().await;
    let code = outcome?;
    stopped.map(|()| code)
}

impl Start {
    /// For whoever wonders where the time of a start goes.
    fn passed(&self, what: &str) {
        tracing::debug!("{what} after {} ms", self.started.elapsed().as_millis());
    }
}

fn read_worker(path: &Path) -> Result<(WorkerConfig, Vec<String>), Failure> {
    let named = path.display().to_string();
    let what = "the worker was not started";
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::of(
            START,
            Complaint::new(what).at(&named).because(format!("Worker file {named} cannot be read: {error}")),
        )
    })?;
    let resolve = |raw: &ConfigMap| {
        let mut resolved = Providers::new(Provider::all(raw)?).resolve(raw)?;
        // As in Kafka, for it says where providers may come from.
        if let Some(path) = raw.get("plugin.path") {
            resolved.insert("plugin.path", path);
        }
        Ok(resolved)
    };
    WorkerConfig::from_file(&named, &bytes, resolve).map_err(|why| Failure::of_file(START, what, &named, &bytes, &why))
}

/// Reads every connector's file, and refuses a name that comes twice.
fn read_connectors(paths: &[PathBuf]) -> Result<Vec<ConnectorFile>, Failure> {
    let refused = |why: String| Failure::new(CONNECTOR, why);
    let mut seen: BTreeMap<String, &Path> = BTreeMap::new();
    let mut files = Vec::new();
    for path in paths {
        let named = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|error| refused(format!("Connector file {named} cannot be read: {error}")))?;
        let file = connector_file::parse(&named, &bytes).map_err(refused)?;
        if let Some(first) = seen.insert(file.name.clone(), path) {
            return Err(refused(format!(
                "The connector \"{}\" comes twice, in {} and in {named}. Leave one out, or give it another name.",
                file.name,
                first.display()
            )));
        }
        files.push(file);
    }
    Ok(files)
}

fn broker_settings(start: &Start, config: &WorkerConfig) -> Result<(Settings, Vec<String>), Failure> {
    // Members in this process come one after the other at once; there is nobody to wait for.
    let groups = GroupSettings { initial_rebalance_delay_ms: 0, ..GroupSettings::default() };
    let settings = Settings { insecure_listen: start.insecure_listen, groups, ..Settings::default() };
    let named = start.worker.display();
    let with_prefix = |text: String| match config.broker.keys().any(|key| text.starts_with(key.as_str())) {
        true => format!("broker.{text}"),
        false => text,
    };
    let (settings, notes) = settings
        .parse(&config.broker)
        .map_err(|error| Failure::new(START, format!("Worker file {named} cannot be used:\n{}", with_prefix(error))))?;
    Ok((settings, notes.into_iter().map(with_prefix).collect()))
}

/// Sockets of the REST API and, if it has its own, of its admin half.
struct Rest {
    main: server::Bound,
    admin: Option<server::Bound>,
}

async fn bind_rest(config: &WorkerConfig, insecure: bool) -> Result<Rest, Failure> {
    let bind = async |key: &'static str, listeners: &[Listener], tls: Option<&TlsConfig>| {
        // Whoever must show a certificate has been authenticated.
        let known =
            |listener: &Listener| listener.https && tls.is_some_and(|tls| tls.client_auth == ClientAuth::Required);
        let open = |listener: &&Listener| !insecure && !listener.is_loopback() && !known(listener);
        if let Some(open) = listeners.iter().find(open) {
            return Err(Failure::new(
                START,
                format!(
                    "{key} names {}:{}, which other machines can reach, and nothing authenticates them: leave the host empty \
                 ({key}=http://:{}) to listen on this machine alone, use https with ssl.client.auth=required, or say --insecure-listen",
                    open.host, open.port, open.port
                ),
            ));
        }
        server::bind(key, listeners, tls).await.map_err(|why| Failure::new(START, why))
    };
    let main = bind("listeners", &config.rest.listeners, config.rest.tls.as_ref()).await?;
    let admin = match &config.rest.admin {
        AdminListeners::Separate(listeners) => {
            Some(bind("admin.listeners", listeners, config.rest.admin_tls.as_ref()).await?)
        }
        AdminListeners::Main | AdminListeners::Off => None,
    };
    Ok(Rest { main, admin })
}

fn working_dir() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::new(START, format!("the working directory cannot be used: {error}")))
}

/// Herder and REST of a worker.
struct Running {
    herd: Herd,
    app: App,
    /// Until they are served.
    rest: Option<Rest>,
    with_admin: bool,
    serving: Vec<server::Serving>,
    urls: Vec<String>,
    files: Vec<ConnectorFile>,
    /// A connector talks over the standard streams: nothing else may be said there.
    stdout_is_taken: bool,
}

impl Running {
    async fn start(
        start: &Start,
        config: &WorkerConfig,
        plugins: Arc<Plugins>,
        home: &Home,
        files: Vec<ConnectorFile>,
        rest: Rest,
        loggers: Loggers,
    ) -> Result<Self, Failure> {
        // Judged before the herder starts: a start that will be refused removes no connector and moves no record.
        for (file, path) in files.iter().zip(&start.connectors) {
            let judged = plugins.judge(file.config.config.clone()).await;
            judged.map_err(|refusal| refused_file(path, &refusal.message))?;
        }
        let worker_id = config.worker_id(rest.main.port());
        let cluster = home.cluster();
        let herder = load_herder(config, &plugins, &*cluster, worker_id).await?;
        let tables =
            Tables { configs: config.config_storage_topic.clone(), status: config.status_storage_topic.clone() };
        let metrics = Metrics::new(config);
        let herd = Herd::start(herder, cluster.clone(), tables, plugins.clone(), |teller| {
            Worker::new(config, cluster, plugins.clone(), metrics.clone(), teller, start.guests.clone())
        });
        herd.tell(Input::Start { named: files.iter().map(|file| file.name.clone()).collect::<BTreeSet<_>>() }).await;
        let mut stdout_is_taken = false;
        for file in &files {
            stdout_is_taken |= plugins.uses_streams(&file.config.config).await;
        }
        let urls = rest.main.urls();
        let app = App {
            herd: herd.clone(),
            plugins,
            loggers,
            metrics,
            info: Arc::new(ServerInfo {
                version: format!("{}-connectd", plugins::CONTRACT_VERSION),
                commit: env!("CARGO_PKG_VERSION").into(),
                kafka_cluster_id: home.cluster_id().into(),
            }),
            topic_tracking: (config.topic_tracking_enable, config.topic_tracking_allow_reset),
            scheme: "http",
            answers: rest::Answers::of(&config.rest),
        };
        let with_admin = config.rest.admin == AdminListeners::Main;
        start.passed("the herder is loaded");
        Ok(Self { herd, app, rest: Some(rest), with_admin, serving: Vec::new(), urls, files, stdout_is_taken })
    }

    /// Puts the connectors of the files, in their order, and serves REST. Returns only with what has failed.
    async fn until_it_fails(&mut self, start: &Start, kafka: Vec<String>, data: String) -> Failure {
        let mut puts = Vec::new();
        for file in &self.files {
            let operation = Operation::Put {
                connector: file.name.clone(),
                config: file.config.config.clone(),
                origin: Origin::File,
                replace: true,
                initial_state: file.initial_state.map(Into::into),
            };
            // The next one does not wait for the answer: they have nothing to do with each other but the disk.
            puts.push(self.herd.begin(operation).await);
        }
        let answers = async {
            for (put, path) in puts.into_iter().zip(&start.connectors) {
                put.answer().await.map_err(|refusal| refused_file(path, &refusal.message))?;
            }
            Ok(())
        };
        tokio::pin!(answers);
        // Whoever asks as soon as REST answers shall find the connectors of the files, unless they take their time.
        let early = tokio::time::timeout(REST_WAITS, &mut answers).await;
        if !matches!(early, Ok(Err(_))) {
            self.serve();
        }
        let outcome = match early {
            Ok(outcome) => outcome,
            Err(_) => answers.await,
        };
        if let Err(failure) = outcome {
            return failure;
        }
        start.passed("the connectors are up");
        self.herd.set_ready();
        self.greet(start, kafka, data);
        std::future::pending().await
    }

    fn serve(&mut self) {
        let Some(Rest { main, admin }) = self.rest.take() else { return };
        let (app, with_admin) = (&self.app, self.with_admin);
        self.serving.push(main.serve(|listener| rest::router(app.clone(), listener, with_admin)));
        let admin = admin.map(|bound| bound.serve(|listener| rest::admin_router(app.clone(), listener)));
        self.serving.extend(admin);
    }

    fn greet(&self, start: &Start, kafka: Vec<String>, data: String) {
        let file = self.files.iter().find_map(|file| {
            let class = file.config.config.get("connector.class")?;
            file.config.config.get("file").filter(|_| class.contains("FileStreamSource"))
        });
        let rest = self.urls.first().map_or("", |url| url.trim_start_matches("http://"));
        let banner = Banner {
            version: env!("CARGO_PKG_VERSION").into(),
            ready_ms: start.started.elapsed().as_millis() as u64,
            kafka,
            rest: self.urls.clone(),
            data,
            connectors: self.files.iter().map(|file| file.name.clone()).collect(),
            notes: Vec::new(),
            next: start.next.clone().unwrap_or_else(|| {
                let write = file.map(|file| format!("echo test >> {file}"));
                write.into_iter().chain([format!("curl {rest}/connectors")]).collect()
            }),
        };
        // A reader that has gone away is no reason to stop.
        let _ = match self.stdout_is_taken {
            true => io::stderr().write_all(banner.render(io::stderr().is_terminal()).as_bytes()),
            false => io::stdout().write_all(banner.render(io::stdout().is_terminal()).as_bytes()),
        };
    }

    async fn stop(self, patience: Duration) {
        tracing::info!("stopping");
        self.serving.iter().for_each(server::Serving::close);
        if tokio::time::timeout(patience, self.herd.stop()).await.is_err() {
            tracing::warn!("connectors were still running after {} ms and are dropped", patience.as_millis());
        }
        for serving in self.serving {
            serving.stop(REST_GRACE).await;
        }
    }
}

fn refused_file(path: &Path, why: &str) -> Failure {
    let named = path.display().to_string();
    // It was read a moment ago; without it there are no lines to show.
    let file = std::fs::read(path).unwrap_or_default();
    Failure::of_file(CONNECTOR, format!("the connector of {named} was not created"), &named, &file, why)
        .helped(format!("connectd connect validate {named}, with a worker running"))
}

async fn load_herder(
    config: &WorkerConfig,
    plugins: &Plugins,
    cluster: &dyn Cluster,
    worker_id: String,
) -> Result<Herder, Failure> {
    let failed = |topic: &str, error: anyhow::Error| {
        Failure::new(RUNNING, format!("the topic {topic} cannot be used: {error:#}"))
    };
    let settings =
        herder::Settings { worker_id, catalogue: plugins.known().classes(), request_timeout_ms: REQUEST_TIMEOUT_MS };
    let mut herder = Herder::new(settings);
    let (configs, status) = (&config.config_storage_topic, &config.status_storage_topic);
    let tables = [configs.as_str(), status, &config.offset_storage_topic];
    cluster.create_tables(&tables).await.map_err(|error| failed("of the worker", error))?;
    let records = cluster.read_table(configs).await.map_err(|error| failed(configs, error))?;
    let mut bad = herder.load_configs(records);
    let records = cluster.read_table(status).await.map_err(|error| failed(status, error))?;
    bad.extend(herder.load_status(records));
    bad.iter().for_each(|record| tracing::warn!("{record}"));
    Ok(herder)
}
