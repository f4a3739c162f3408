//! A handshake with a certificate of our own, clients with and without one, and stores that cannot be used.

use std::sync::Arc;

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;

/// For localhost, good until 2126, signed by itself, with its key. It protects nothing.
const STORE: &str = include_str!("localhost.pem");

fn text(pem: &str) -> Pem {
    Pem::Text(pem.into())
}

fn config(client_auth: ClientAuth) -> TlsConfig {
    TlsConfig { chain: text(STORE), key: text(STORE), truststore: Some(text(STORE)), client_auth }
}

/// What a client reads that sends a request, with or without a certificate.
async fn ask(port: u16, with_certificate: bool) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificates("test", &text(STORE)).unwrap().remove(0)).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let client = match with_certificate {
        true => builder
            .with_client_auth_cert(
                certificates("test", &text(STORE)).unwrap(),
                private_key("test", &text(STORE)).unwrap(),
            )
            .unwrap(),
        false => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn serve(client_auth: ClientAuth) -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let listener = TlsListener::new(socket, acceptor("listeners", &config(client_auth)).unwrap()).unwrap();
    let router = axum::Router::new().route("/", axum::routing::get(async || "here"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

#[tokio::test]
async fn a_client_is_answered_and_one_that_says_nothing_holds_up_nobody() {
    let port = serve(ClientAuth::None).await;
    let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    assert!(ask(port, false).await.unwrap().ends_with("here"));
}

#[tokio::test]
async fn a_certificate_can_be_asked_for() {
    let port = serve(ClientAuth::Required).await;
    assert!(ask(port, true).await.unwrap().ends_with("here"));
    assert!(ask(port, false).await.is_err());
}

#[test]
fn stores_that_cannot_be_used_are_named() {
    let certificate = STORE.split("-----BEGIN PRIVATE").next().unwrap();
    for (chain, key, says) in [
        ("", STORE, "no certificate in the worker's file"),
        (STORE, certificate, "no private key in the worker's file"),
        (STORE, "-----BEGIN ENCRYPTED PRIVATE KEY-----", "is encrypted"),
    ] {
        let config = TlsConfig { chain: text(chain), key: text(key), ..config(ClientAuth::None) };
        let error = acceptor("listeners", &config).err().unwrap();
        assert!(error.contains(says), "{error}");
    }
    let config = TlsConfig { chain: Pem::File("/no/such.pem".into()), ..config(ClientAuth::None) };
    assert!(acceptor("listeners", &config).err().unwrap().contains("/no/such.pem cannot be read"));
}
