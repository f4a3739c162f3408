//! The sockets of the REST API, bound before anything is changed.
//!
//! Invariant: what other machines can reach is authenticated, or the operator has said that it need not be.

use runtime_core::worker_config::{
    AdminListeners, Listener, WorkerConfig,
    tls::{ClientAuth, TlsConfig},
};

use crate::{
    failure::{Failure, START},
    rest::server,
};

/// Sockets of the REST API and, if it has its own, of its admin half.
pub(super) struct Rest {
    pub(super) main: server::Bound,
    pub(super) admin: Option<server::Bound>,
}

pub(super) async fn bind_rest(config: &WorkerConfig, insecure: bool) -> Result<Rest, Failure> {
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
