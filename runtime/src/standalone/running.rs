//! Herder and REST of a worker, from the loaded topics to the banner, and back.
//!
//! Owns the order in which the files' connectors are judged and put. Invariant: a start that is refused removes no connector.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use runtime_cli::banner::Banner;
use runtime_core::{
    connector_file::ConnectorFile,
    herder::{self, Herder, Input, Operation, Origin},
    rest::ServerInfo,
    worker_config::{AdminListeners, WorkerConfig},
};

use super::{Start, bind::Rest, files::refused_file};
use crate::{
    cluster::Cluster,
    failure::{Failure, RUNNING},
    herd::{Herd, Tables},
    home::Home,
    logging::Loggers,
    metrics::Metrics,
    plugins::{self, Plugins},
    rest::{self, App, server},
    worker::Worker,
};

/// Milliseconds after which REST answers "timed out"; Kafka's.
const REQUEST_TIMEOUT_MS: u64 = 90_000;

/// REST waits so long for the files' connectors before it answers.
const REST_WAITS: Duration = Duration::from_secs(1);

/// Answers that are being given at the end have this long.
const REST_GRACE: Duration = Duration::from_secs(1);

/// Herder and REST of a worker.
pub(super) struct Running {
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
    pub(super) async fn start(
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
            judged.map_err(|refusal| refused_file(path, &file.name, &refusal.message))?;
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
    pub(super) async fn until_it_fails(&mut self, start: &Start, kafka: Vec<String>, data: String) -> Failure {
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
        let names: Vec<String> = self.files.iter().map(|file| file.name.clone()).collect();
        let answers = async {
            for ((put, name), path) in puts.into_iter().zip(&names).zip(&start.connectors) {
                put.answer().await.map_err(|refusal| refused_file(path, name, &refusal.message))?;
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

    pub(super) async fn stop(self, patience: Duration) {
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

/// A herder that knows what the worker's topics know.
pub(crate) async fn load_herder(
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
