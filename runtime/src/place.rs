//! Whether the broker is in this process or elsewhere: `broker.embedded=auto|always|never`.
//!
//! Owns the decision and its memory, a file in the data folder. `auto` is elsewhere if something answers at `bootstrap.servers`, or if that
//! is another machine; else here. Invariant: a worker never changes from one to the other by itself, for its topics, offsets and connectors
//! would be others.

use std::{fs, path::Path};

use runtime_core::worker_config::{Embedded, WorkerConfig};

use crate::{
    failure::{Failure, START},
    ports, probe,
};

/// Where the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this process.
    Here,
    /// At `bootstrap.servers`.
    There,
}

/// The memory's name in the data folder.
const MEMORY: &str = "connectd-worker";

/// Decides; `data` is the data folder of the broker that would be here.
///
/// # Errors
/// The decision would be another one than last time, and nobody has asked for that.
pub async fn decide(config: &WorkerConfig, data: &Path) -> Result<Place, Failure> {
    let answering = match config.embedded {
        Embedded::Always => return Ok(Place::Here),
        Embedded::Never => return Ok(Place::There),
        Embedded::Auto if !config.bootstrap_is_loopback() => return Ok(Place::There),
        Embedded::Auto => answering(config).await,
    };
    let now = if answering.is_some() { Place::There } else { Place::Here };
    match flipped(recall(data), now) {
        None => Ok(now),
        Some(_) => Err(Failure::new(START, refusal(config, data, answering.as_deref()))),
    }
}

/// The first of the bootstrap servers at which a broker answers.
async fn answering(config: &WorkerConfig) -> Option<String> {
    let secured = ["", "producer.", "consumer.", "admin."].iter().any(|prefix| {
        let protocol = config.raw.get(&format!("{prefix}security.protocol")).map(str::trim);
        protocol.is_some_and(|protocol| protocol.to_ascii_uppercase().contains("SSL"))
    });
    for server in &config.bootstrap_servers {
        // A broker behind TLS says nothing to a stranger; that somebody listens must do.
        if probe::is_broker(server).await || secured && probe::listens(server).await {
            return Some(server.clone());
        }
    }
    None
}

fn flipped(before: Option<Place>, now: Place) -> Option<Place> {
    before.filter(|before| *before != now)
}

fn refusal(config: &WorkerConfig, data: &Path, answering: Option<&str>) -> String {
    let (servers, data) = (config.bootstrap_servers.join(","), data.display());
    match answering {
        Some(server) => {
            let port = server.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            let who = port.and_then(ports::holder).map(|holder| format!(", {holder}")).unwrap_or_default();
            format!(
                "Another broker answers at bootstrap.servers={server}{who}, and so far this worker had its own broker, with its data in \
                 {data}. Its topics, offsets and connectors are there. Stop the other broker to go on with them, or write \
                 broker.embedded=never to use the other one from now on."
            )
        }
        None => format!(
            "Nothing answers at bootstrap.servers={servers}, and so far this worker used the broker there. Start that broker, or write \
             broker.embedded=always to have one in this process from now on, with its data in {data}."
        ),
    }
}

fn recall(data: &Path) -> Option<Place> {
    match fs::read_to_string(data.join(MEMORY)).ok()?.lines().next()? {
        "embedded" => Some(Place::Here),
        "remote" => Some(Place::There),
        _ => None,
    }
}

/// Forgets a cluster elsewhere: a broker takes a folder only that is empty or its own.
pub fn forget(data: &Path) {
    if recall(data) == Some(Place::There)
        && let Err(error) = fs::remove_file(data.join(MEMORY))
    {
        tracing::debug!("{}: {error}", data.join(MEMORY).display());
    }
}

/// Remembers. A folder that cannot be written is no reason not to run: then nothing is remembered.
pub fn remember(data: &Path, place: Place, config: &WorkerConfig) {
    if recall(data) == Some(place) {
        return;
    }
    let text = match place {
        Place::Here => "embedded\n".to_owned(),
        Place::There => format!("remote\n{}\n", config.bootstrap_servers.join(",")),
    };
    let written = fs::create_dir_all(data).and_then(|()| fs::write(data.join(MEMORY), text));
    if let Err(error) = written {
        tracing::debug!("{}: {error}", data.join(MEMORY).display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn worker(extra: &str) -> WorkerConfig {
        let file = format!(
            "key.converter=StringConverter\nvalue.converter=StringConverter\noffset.storage.file.filename=/tmp/o\n{extra}"
        );
        WorkerConfig::from_file("w", file.as_bytes(), |raw| Ok(raw.clone())).unwrap().0
    }

    /// Answers as a broker does, for as long as the test runs.
    async fn broker() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 14];
                stream.read_exact(&mut request).await.unwrap();
                stream.write_all(b"\0\0\0\x06conn\0\0").await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn decisions() {
        let folder = tempfile::tempdir().unwrap();
        let check = async |servers: &str, embedded: &str, expected: Place| {
            let config = worker(&format!("bootstrap.servers={servers}\nbroker.embedded={embedded}"));
            assert_eq!(decide(&config, folder.path()).await, Ok(expected), "{servers} {embedded}");
        };
        let there = broker().await;
        check("127.0.0.1:1", "auto", Place::Here).await;
        check("localhost:1", "never", Place::There).await;
        check(&there, "auto", Place::There).await;
        check(&there, "always", Place::Here).await;
        check("kafka.example:9092", "auto", Place::There).await;
        check(&format!("127.0.0.1:1,{there}"), "auto", Place::There).await;
    }

    #[tokio::test]
    async fn nobody_is_moved_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let (nobody, there) =
            (worker("bootstrap.servers=127.0.0.1:1"), format!("bootstrap.servers={}", broker().await));
        remember(folder.path(), Place::Here, &nobody);
        assert_eq!(decide(&nobody, folder.path()).await, Ok(Place::Here));
        let refused = decide(&worker(&there), folder.path()).await.unwrap_err();
        assert_eq!(refused.code, START);
        assert!(refused.message().contains("broker.embedded=never"), "{}", refused.message());
        // Asked for, it is done; and then it is the way back that is refused.
        let asked = worker(&format!("{there}\nbroker.embedded=never"));
        assert_eq!(decide(&asked, folder.path()).await, Ok(Place::There));
        remember(folder.path(), Place::There, &asked);
        assert_eq!(decide(&worker(&there), folder.path()).await, Ok(Place::There));
        let refused = decide(&nobody, folder.path()).await.unwrap_err();
        assert!(refused.message().contains("broker.embedded=always"), "{}", refused.message());
    }
}
