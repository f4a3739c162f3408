//! TLS to brokers, for tools.
//!
//! Owns whom to trust and what to show. Leaves which settings say so to `runtime_cli`. Invariant: a broker whose certificate is not good is
//! not talked to; only the name in it may be left unread, where that was asked for.

use std::{io::Read, net::TcpStream, sync::Arc, time::Duration};

use runtime_cli::world::{NoAnswer, Pem, Tls};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    StreamOwned,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

/// A secure connection over one that is there, to `host:port`.
pub(super) fn shake_hands(
    mut socket: TcpStream,
    to: &str,
    tls: &Tls,
    timeout: Duration,
) -> Result<StreamOwned<ClientConnection, TcpStream>, NoAnswer> {
    let host = to.rsplit_once(':').map_or(to, |(host, _)| host).trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| unusable(format!("{host} is no name of a host")))?;
    let config = config(tls).map_err(unusable)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| unusable(error.to_string()))?;
    let timed = socket.set_read_timeout(Some(timeout)).and_then(|()| socket.set_write_timeout(Some(timeout)));
    timed.map_err(|error| NoAnswer::Unreachable(super::link::reason(&error)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).map_err(|error| failed(to, &error, &mut socket))?;
    }
    Ok(StreamOwned::new(connection, socket))
}

fn unusable(why: String) -> NoAnswer {
    NoAnswer::Unusable(why)
}

/// Why a handshake with somebody failed.
pub(super) fn why(to: &str, error: &Error) -> String {
    match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("SSL handshake failed: the certificate of {to} is for another name"),
        Error::InvalidCertificate(why) => {
            format!("SSL handshake failed: the certificate of {to} is not good: {why:?}")
        }
        other => format!("SSL handshake failed: {other}"),
    }
}

/// The same, if it was the handshake that failed.
pub(super) fn refusal(to: &str, error: &std::io::Error) -> Option<String> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).map(|inner| why(to, inner))
}

fn failed(to: &str, error: &std::io::Error, socket: &mut TcpStream) -> NoAnswer {
    match refusal(to, error) {
        Some(why) => unusable(why),
        None => {
            // A broker without TLS hangs up, or says nothing.
            let is_silent = socket.read(&mut [0]).is_err();
            let why = if is_silent { "no answer to the handshake" } else { "the broker ended it" };
            NoAnswer::Unreachable(format!("{why}: is its listener one with TLS?"))
        }
    }
}

fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::new(roots(tls)?);
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let builder = match tls.any_name {
        false => builder.with_root_certificates(roots),
        true => {
            let inner = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
            let inner = inner.map_err(|error| format!("the trusted certificates cannot be used: {error}"))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName { inner }))
        }
    };
    match &tls.own {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            let private = PrivateKeyDer::from_pem_slice(&read(key)?)
                .map_err(|error| format!("there is no plain private key in {}: {error}", named(key)))?;
            builder
                .with_client_auth_cert(certificates(chain)?, private)
                .map_err(|error| format!("the certificate in {} cannot be used: {error}", named(chain)))
        }
    }
}

fn roots(tls: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &tls.trusted {
        Some(pem) => {
            for certificate in certificates(pem)? {
                roots
                    .add(certificate)
                    .map_err(|error| format!("a certificate in {} cannot be used: {error}", named(pem)))?;
            }
        }
        None => drop(roots.add_parsable_certificates(trusted(tls)?)),
    }
    if roots.is_empty() { Err(NO_ROOTS.into()) } else { Ok(roots) }
}

const NO_ROOTS: &str = "this machine has no certificates to trust: name some in ssl.truststore.location, with \
                        ssl.truststore.type=PEM, or with --cacert";

/// Certificates of those who are trusted: those that are named, or this machine's.
pub(super) fn trusted(tls: &Tls) -> Result<Vec<CertificateDer<'static>>, String> {
    match &tls.trusted {
        Some(pem) => certificates(pem),
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            if found.is_empty() { Err(NO_ROOTS.into()) } else { Ok(found) }
        }
    }
}

/// The bytes of a PEM.
pub(super) fn read(pem: &Pem) -> Result<Vec<u8>, String> {
    match pem {
        Pem::Text(text) => Ok(text.clone().into_bytes()),
        Pem::File(path) => std::fs::read(path).map_err(|error| format!("{path} cannot be read: {error}")),
    }
}

fn named(pem: &Pem) -> &str {
    match pem {
        Pem::File(path) => path,
        Pem::Text(_) => "the settings",
    }
}

/// The certificates in a PEM.
pub(super) fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(pem)?).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("there is no certificate in {}", named(pem))),
    }
}

/// Takes a good certificate, whatever name stands in it.
#[derive(Debug)]
struct AnyName {
    inner: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is what is looked at last: with that complaint all else was good.
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
