//! HTTPS: certificates from PEM, and a listener whose handshakes hold up nobody.
//!
//! Owns reading the stores and the hand-over from TCP to TLS. Leaves which keys say what to `runtime_core::worker_config::tls`.
//! Invariant: at most [`HANDSHAKES`] clients are shaking hands, each for at most [`PATIENCE`].

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use runtime_core::worker_config::tls::{ClientAuth, Pem, TlsConfig};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const HANDSHAKES: usize = 64;

const PATIENCE: Duration = Duration::from_secs(10);

/// After an error of `accept`, such as too many open files, so long.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads the stores of `key`'s listeners. The error is a sentence that names what cannot be used.
pub fn acceptor(key: &str, config: &TlsConfig) -> Result<TlsAcceptor, String> {
    let provider = Arc::new(ring::default_provider());
    let failed = |error: &dyn std::fmt::Display| format!("{key}: the certificate cannot be used: {error}");
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| failed(&error))?;
    let verifier = verifier(key, config, provider)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let chain = certificates(key, &config.chain)?;
    let mut server = builder.with_single_cert(chain, private_key(key, &config.key)?).map_err(|error| failed(&error))?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn verifier(
    key: &str,
    config: &TlsConfig,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let (Some(store), true) = (&config.truststore, config.client_auth != ClientAuth::None) else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, store)? {
        roots
            .add(certificate)
            .map_err(|error| format!("{key}: a certificate of the truststore cannot be used: {error}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match config.client_auth {
        ClientAuth::Requested => builder.allow_unauthenticated(),
        ClientAuth::Required | ClientAuth::None => builder,
    };
    builder.build().map(Some).map_err(|error| format!("{key}: the truststore cannot be used: {error}"))
}

fn bytes(key: &str, pem: &Pem) -> Result<Vec<u8>, String> {
    match pem {
        Pem::Text(text) => Ok(text.clone().into_bytes()),
        Pem::File(path) => std::fs::read(path).map_err(|error| format!("{key}: {path} cannot be read: {error}")),
    }
}

fn certificates(key: &str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = bytes(key, pem)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{key}: there is no certificate in {}", named(pem))),
        Err(error) => Err(format!("{key}: {} is no PEM: {error}", named(pem))),
    }
}

fn private_key(key: &str, pem: &Pem) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = bytes(key, pem)?;
    if bytes.windows(9).any(|word| word == b"ENCRYPTED") {
        let how = "openssl pkey -in FILE -out key.pem takes the password off";
        return Err(format!(
            "{key}: the private key in {} is encrypted, and connectd reads plain keys alone: {how}",
            named(pem)
        ));
    }
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| format!("{key}: there is no private key in {}: {error}", named(pem)))
}

fn named(pem: &Pem) -> &str {
    match pem {
        Pem::File(path) => path,
        Pem::Text(_) => "the worker's file",
    }
}

/// A listener of connections that have shaken hands.
pub struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    /// Begins to take connections in; it ends when the listener is dropped.
    pub fn new(socket: TcpListener, acceptor: TlsAcceptor) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let (sender, ready) = mpsc::channel(1);
        tokio::spawn(take_in(socket, acceptor, sender));
        Ok(Self { address, ready })
    }
}

async fn take_in(socket: TcpListener, acceptor: TlsAcceptor, ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let place = places.clone().acquire_owned().await.expect("it is never closed");
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = ready.closed() => return,
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                // An error means that the listener is gone.
                Ok(Ok(stream)) => drop(ready.send((stream, address)).await),
                Ok(Err(error)) => tracing::debug!("{address}: no TLS: {error}"),
                Err(_) => tracing::debug!("{address}: no TLS within {PATIENCE:?}"),
            }
            drop(place);
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // Nobody takes connections in any more, which happens only when the runtime ends.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

#[cfg(test)]
mod tests;
