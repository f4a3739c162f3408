//! The worker's cluster while it runs: the broker in this process, or a cluster elsewhere.
//!
//! Owns its start and its end. Leaves the decision which it is to `place`, what is asked of it to `cluster`.

use std::{sync::Arc, time::Duration};

use broker::{Node, settings::Settings};
use runtime_core::worker_config::WorkerConfig;

use crate::{
    broker_command::{self, addresses},
    cluster::{Cluster, Embedded, Remote, Unreachable, Unusable},
    failure::{CONNECTOR, Failure, RUNNING, START},
    place::{self, Place},
};

/// Between two tries.
const TRY: Duration = Duration::from_secs(5);

/// A cluster that is there.
pub enum Home {
    /// In this process.
    Here {
        /// The broker.
        node: Box<Node>,
        /// The data folder.
        data: String,
    },
    /// Elsewhere.
    There {
        /// The way to it.
        remote: Arc<Remote>,
        /// `bootstrap.servers`.
        servers: Vec<String>,
        /// `offset.storage.file.filename`.
        offsets: String,
    },
}

impl Home {
    /// Starts the broker, or finds the cluster.
    ///
    /// # Errors
    /// A broker that cannot start, a cluster that does not answer, an offset file that cannot be used: with the exit code of contract 1.2.
    pub async fn open(place: Place, settings: Settings, config: &WorkerConfig) -> Result<Self, Failure> {
        let folder = settings.log_dir.clone();
        let home = match place {
            Place::Here => {
                let data = folder.display().to_string();
                place::forget(&folder);
                let node = Box::new(broker_command::start(settings, ports_setting(config)).await?);
                Self::Here { node, data }
            }
            Place::There => {
                let id = find(config).await?;
                let remote = Remote::open(config, id).map_err(|Unusable(why)| Failure::new(CONNECTOR, why))?;
                let (servers, offsets) = (config.bootstrap_servers.clone(), config.offset_storage_file.clone());
                Self::There { remote: Arc::new(remote), servers, offsets }
            }
        };
        place::remember(&folder, place, config);
        Ok(home)
    }

    /// The way to it.
    pub fn cluster(&self) -> Arc<dyn Cluster> {
        match self {
            Self::Here { node, .. } => Arc::new(Embedded::new(node.handle())),
            Self::There { remote, .. } => remote.clone(),
        }
    }

    /// Its id.
    pub fn cluster_id(&self) -> &str {
        match self {
            Self::Here { node, .. } => node.cluster_id(),
            Self::There { remote, .. } => remote.id(),
        }
    }

    /// What the operator should know of it.
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Here { node, .. } => node.notes(),
            Self::There { .. } => &[],
        }
    }

    /// For the banner: where it is.
    pub fn kafka(&self) -> Vec<String> {
        match self {
            Self::Here { node, .. } => addresses(node),
            Self::There { servers, .. } => {
                vec![format!("{}  (another process; this one runs no broker)", servers.join(","))]
            }
        }
    }

    /// For the banner: where this process keeps what.
    pub fn data(&self) -> String {
        match self {
            Self::Here { data, .. } => data.clone(),
            Self::There { offsets, .. } => format!("{offsets}  (source offsets)"),
        }
    }

    /// Returns when it has stopped by itself. A cluster elsewhere is waited for.
    pub async fn failed(&mut self) {
        match self {
            Self::Here { node, .. } => node.failed().await,
            Self::There { .. } => std::future::pending().await,
        }
    }

    /// The end, after everybody who asks it has ended.
    ///
    /// # Errors
    /// The broker had stopped by itself; source offsets could not be written.
    pub async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Here { node, .. } => broker_command::stop(*node).await,
            Self::There { remote, .. } => {
                remote.close().await.map_err(|error| Failure::new(RUNNING, format!("{error:#}")))
            }
        }
    }
}

/// Asks the cluster for its id, for as long as `default.api.timeout.ms` says.
async fn find(config: &WorkerConfig) -> Result<String, Failure> {
    let servers = config.bootstrap_servers.join(",");
    let mut left = Duration::from_millis(config.default_api_timeout_ms);
    loop {
        let (asked, this_try) = (config.clone(), TRY.min(left));
        let answer = tokio::task::spawn_blocking(move || Remote::identify(&asked, this_try)).await;
        left -= this_try;
        let why = match answer {
            Ok(Ok(id)) => return Ok(id),
            Ok(Err(Unreachable::Silent(why))) if !left.is_zero() => why,
            Ok(Err(Unreachable::Silent(why) | Unreachable::Settings(why))) => return Err(unusable(&servers, &why)),
            Err(ended) => return Err(unusable(&servers, &ended.to_string())),
        };
        tracing::warn!("waiting for the cluster at bootstrap.servers={servers}: {why}");
    }
}

fn unusable(servers: &str, why: &str) -> Failure {
    Failure::new(
        START,
        format!(
            "The cluster at bootstrap.servers={servers} cannot be used: {why}. Is it running, and are security.protocol and its \
             login right? With broker.embedded=always the broker is in this process instead."
        ),
    )
}

/// The setting that names the broker's ports.
fn ports_setting(config: &WorkerConfig) -> &'static str {
    match config.raw.contains("broker.listeners") || config.raw.contains("broker.port") {
        true => "broker.listeners",
        false => "bootstrap.servers",
    }
}
