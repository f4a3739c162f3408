//! Listening sockets: bind first, serve later, stop at once.
//!
//! Owns which addresses a listener means (an empty host is loopback, v4 and v6) and how many connections there may be.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, anyhow};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    sync::Semaphore,
    task::JoinSet,
};

use crate::{
    connection::{self, BytesLimit, Peer},
    handle::Handle,
    settings::{Listener, Settings},
};

/// After a failed accept (no more file descriptors, say) this long is waited, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Sockets that are bound and not yet served.
pub(crate) struct Bound(Vec<TcpListener>);

/// Binds every listener.
///
/// # Errors
/// A port in use or an address that is not ours, naming the setting.
pub(crate) async fn bind(settings: &Settings) -> anyhow::Result<Bound> {
    let mut sockets = Vec::new();
    for listener in &settings.listeners {
        let addresses = addresses(listener).await?;
        let before = sockets.len();
        let mut port = listener.port;
        for address in &addresses {
            match TcpListener::bind(SocketAddr::new(*address, port)).await {
                Ok(socket) => {
                    // With port 0 the first address chooses for all.
                    port = socket.local_addr()?.port();
                    sockets.push(socket);
                }
                // A machine without IPv6 still has a loopback.
                Err(error) if addresses.len() > 1 && error.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(error) => return Err(in_use(listener, &error)),
            }
        }
        if sockets.len() == before {
            return Err(anyhow!("listeners: no address of '{}' belongs to this machine", listener.host));
        }
    }
    Ok(Bound(sockets))
}

/// The error of a bind; `AddrInUse` can be found again in its chain by whoever wants to name the process.
fn in_use(listener: &Listener, error: &io::Error) -> anyhow::Error {
    let host = if listener.host.is_empty() { "localhost" } else { &listener.host };
    let error = io::Error::new(error.kind(), error.to_string());
    anyhow::Error::new(error).context(format!("cannot listen on {host}:{} (setting `listeners`)", listener.port))
}

async fn addresses(listener: &Listener) -> anyhow::Result<Vec<IpAddr>> {
    if listener.host.is_empty() || listener.host == "localhost" {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let found = lookup_host((listener.host.as_str(), listener.port)).await;
    let found = found.with_context(|| format!("listeners: the host '{}' cannot be resolved", listener.host))?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.dedup();
    Ok(addresses)
}

impl Bound {
    /// Where clients can connect.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Begins to accept.
    pub fn serve(self, handle: Handle, settings: &Settings, cluster_id: &str) -> Listeners {
        let template = Arc::new(Template {
            node_id: settings.node_id,
            cluster_id: cluster_id.into(),
            log_dir: absolute(&settings.log_dir),
            advertised: settings.advertised.clone(),
            max_request_bytes: settings.max_request_bytes,
            max_idle: Duration::from_millis(settings.max_idle_ms),
            queued: Arc::new(BytesLimit::new(settings.queued_max_bytes)),
            per_address: settings.max_connections_per_ip,
            from: Mutex::default(),
        });
        let places = Arc::new(Semaphore::new(settings.max_connections));
        let mut tasks = JoinSet::new();
        for socket in self.0 {
            tasks.spawn(accept(socket, handle.clone(), template.clone(), places.clone()));
        }
        Listeners(tasks)
    }
}

/// What every connection is told.
struct Template {
    node_id: i32,
    cluster_id: Arc<str>,
    log_dir: Arc<str>,
    advertised: Option<(String, u16)>,
    max_request_bytes: usize,
    max_idle: Duration,
    queued: Arc<BytesLimit>,
    /// `max.connections.per.ip`, and how many there are from each address.
    per_address: usize,
    from: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place among those of its address.
struct FromAddress(Arc<Template>, IpAddr);

impl FromAddress {
    /// None if the address has as many as it may have.
    fn take(template: &Arc<Template>, address: IpAddr) -> Option<Self> {
        let mut from = template.from.lock().expect("nobody panics with this lock");
        let count = from.entry(address).or_default();
        if *count >= template.per_address {
            return None;
        }
        *count += 1;
        Some(Self(template.clone(), address))
    }
}

impl Drop for FromAddress {
    fn drop(&mut self) {
        let mut from = self.0.from.lock().expect("nobody panics with this lock");
        let count = from.get_mut(&self.1).expect("it was counted");
        *count -= 1;
        if *count == 0 {
            from.remove(&self.1);
        }
    }
}

impl Template {
    fn peer(&self, stream: &TcpStream, address: SocketAddr) -> io::Result<Peer> {
        // Without advertised.listeners a client is told the address that it found us at: that one works for it.
        let (host, port) = match &self.advertised {
            Some((host, port)) => (host.clone(), *port),
            None => {
                let local = stream.local_addr()?;
                (local.ip().to_canonical().to_string(), local.port())
            }
        };
        Ok(Peer {
            address,
            node_id: self.node_id,
            cluster_id: self.cluster_id.clone(),
            log_dir: self.log_dir.clone(),
            host,
            port: i32::from(port),
            max_request_bytes: self.max_request_bytes,
            max_idle: self.max_idle,
            queued: self.queued.clone(),
        })
    }
}

/// The data folder as clients are told it.
fn absolute(dir: &Path) -> Arc<str> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    dir.to_string_lossy().into()
}

async fn accept(socket: TcpListener, handle: Handle, template: Arc<Template>, places: Arc<Semaphore>) {
    // Connections end with this task: dropping the set aborts them.
    let mut connections = JoinSet::new();
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let served = accepted.and_then(|(stream, address)| {
            let Some(of_address) = FromAddress::take(&template, address.ip().to_canonical()) else {
                return Ok(None);
            };
            stream.set_nodelay(true)?;
            let peer = template.peer(&stream, address)?;
            Ok(Some((stream, peer, of_address)))
        });
        match served {
            Ok(None) => tracing::debug!("a connection was closed: max.connections.per.ip={}", template.per_address),
            Ok(Some((stream, peer, of_address))) => {
                let handle = handle.clone();
                connections.spawn(async move {
                    connection::serve(stream, peer, handle).await;
                    drop((place, of_address));
                });
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Listeners that are serving.
pub(crate) struct Listeners(JoinSet<()>);

impl Listeners {
    /// Closes the listeners and every connection.
    pub async fn stop(mut self) {
        self.0.shutdown().await;
    }
}
