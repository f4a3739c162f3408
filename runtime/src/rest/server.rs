//! The REST API's sockets: bind first, serve when there is something to say, stop in bounded time.
//!
//! Owns which addresses a listener means (an empty host is loopback, v4 and v6). Leaves what is answered to the router.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use axum::Router;
use runtime_core::worker_config::{Listener, tls::TlsConfig};
use tokio::{
    net::{TcpListener, lookup_host},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::tls::{self, TlsListener};
use crate::ports;

/// Sockets that are bound; who connects waits until they are served.
pub struct Bound {
    sockets: Vec<(Listener, TcpListener)>,
    /// For those that are https.
    acceptor: Option<TlsAcceptor>,
}

/// Binds the listeners of the setting `key`. The error names the port, the setting, and who has the port; or the certificate that
/// cannot be used.
pub async fn bind(key: &str, listeners: &[Listener], tls: Option<&TlsConfig>) -> Result<Bound, String> {
    let acceptor = tls.map(|tls| tls::acceptor(key, tls)).transpose()?;
    let mut sockets = Vec::new();
    for listener in listeners {
        let addresses = addresses(key, listener).await?;
        let (mut port, before) = (listener.port, sockets.len());
        for address in &addresses {
            match TcpListener::bind(SocketAddr::new(*address, port)).await {
                Ok(socket) => {
                    // With port 0 the first address chooses for all.
                    port = socket.local_addr().map_err(|error| format!("{key}: {error}"))?.port();
                    sockets.push((listener.clone(), socket));
                }
                // A machine without IPv6 still has a loopback.
                Err(error) if addresses.len() > 1 && error.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(ports::in_use(port, key)),
                Err(error) => return Err(format!("{key}: cannot listen on {address} port {port}: {error}")),
            }
        }
        if sockets.len() == before {
            return Err(format!("{key}: no address of '{}' belongs to this machine", listener.host));
        }
    }
    Ok(Bound { sockets, acceptor })
}

async fn addresses(key: &str, listener: &Listener) -> Result<Vec<IpAddr>, String> {
    if listener.host.is_empty() || listener.host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let found = lookup_host((listener.host.as_str(), listener.port)).await;
    let found = found.map_err(|error| format!("{key}: the host '{}' cannot be resolved: {error}", listener.host))?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.dedup();
    Ok(addresses)
}

impl Bound {
    /// The port of the first listener.
    pub fn port(&self) -> u16 {
        self.sockets.first().and_then(|(_, socket)| socket.local_addr().ok()).map_or(0, |address| address.port())
    }

    /// One URL per listener, for people.
    pub fn urls(&self) -> Vec<String> {
        let url = |(listener, socket): &(Listener, TcpListener)| {
            let port = socket.local_addr().map_or(listener.port, |address| address.port());
            let scheme = if listener.https { "https" } else { "http" };
            match listener.host.as_str() {
                "" => format!("{scheme}://localhost:{port}"),
                host if host.contains(':') => format!("{scheme}://[{host}]:{port}"),
                host => format!("{scheme}://{host}:{port}"),
            }
        };
        let mut urls: Vec<String> = self.sockets.iter().map(url).collect();
        urls.dedup();
        urls
    }

    /// Begins to answer, each listener with the router that `router` makes for it.
    pub fn serve(self, router: impl Fn(&Listener) -> Router) -> Serving {
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        for (listener, socket) in self.sockets {
            let router = router(&listener);
            let mut stopped = stopped.clone();
            let until = async move {
                // An error means that whoever would say it is gone, which is a stop too.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            let acceptor = self.acceptor.clone().filter(|_| listener.https);
            servers.spawn(async move {
                let served = match acceptor {
                    None => axum::serve(socket, router).with_graceful_shutdown(until).await,
                    Some(acceptor) => match TlsListener::new(socket, acceptor) {
                        Ok(socket) => axum::serve(socket, router).with_graceful_shutdown(until).await,
                        Err(error) => Err(error),
                    },
                };
                if let Err(error) = served {
                    tracing::error!("the REST API has stopped answering: {error}");
                }
            });
        }
        Serving { stop, servers }
    }
}

/// Listeners that answer.
pub struct Serving {
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Serving {
    /// No new connections; requests that are being answered go on.
    pub fn close(&self) {
        self.stop.send_replace(true);
    }

    /// Closes, and waits until the last answer is out, or until `grace` is over.
    pub async fn stop(mut self, grace: Duration) {
        self.close();
        let all = async { while self.servers.join_next().await.is_some() {} };
        // What takes longer is dropped with the set.
        let _ = tokio::time::timeout(grace, all).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_socket_is_bound_served_and_stopped() {
        let listener = |port| Listener { host: "127.0.0.1".into(), port, https: false };
        let bound = bind("listeners", &[listener(0)], None).await.unwrap();
        let port = bound.port();
        assert_eq!(bound.urls(), [format!("http://127.0.0.1:{port}")]);
        let taken = bind("listeners", &[listener(port)], None).await.err().unwrap();
        assert!(taken.contains(&port.to_string()) && taken.contains("listeners"), "{taken}");
        let serving = bound.serve(|_| Router::new().route("/", get(async || "here")));
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].ends_with(b"here"));
        // The connection is kept alive, and that does not hold up the stop.
        serving.stop(Duration::from_secs(60)).await;
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    }
}
