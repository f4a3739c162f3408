//! Requests to a worker's REST API, for commands.
//!
//! Invariant: an answer is given back as it came, whatever its status, and nothing waits for ever.

use std::{error::Error, io::Read, sync::Arc, time::Duration};

use runtime_cli::world::{Call, NoAnswer, Tls};
use rustls::{crypto::ring, pki_types::CertificateDer};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::tls;

/// The longest answer that is taken.
const MAX_ANSWER: u64 = 64 << 20;

/// Sends a request; the status and the body of the answer.
pub fn call(call: Call<'_>, timeout: Duration) -> Result<(u16, Vec<u8>), NoAnswer> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout));
    let config = match call.url.starts_with("https:") {
        true => config.tls_config(secured(call.tls).map_err(NoAnswer::Unusable)?),
        false => config,
    };
    let agent = ureq::Agent::from(config.max_redirects(0).build());
    let mut request =
        ureq::http::Request::builder().method(call.method).uri(call.url).header("accept", "application/json");
    if let Some(authorization) = call.authorization {
        request = request.header("authorization", authorization);
    }
    let unusable = |error: ureq::http::Error| NoAnswer::Unusable(format!("{}: {error}", call.url));
    let answer = match call.body {
        None => agent.run(request.body(()).map_err(unusable)?),
        Some(body) => {
            agent.run(request.header("content-type", "application/json").body(body.to_owned()).map_err(unusable)?)
        }
    };
    let mut answer = answer.map_err(|error| reason(call.url, error))?;
    let mut body = Vec::new();
    let read = answer.body_mut().as_reader().take(MAX_ANSWER).read_to_end(&mut body);
    read.map_err(|_| NoAnswer::Closed)?;
    Ok((answer.status().as_u16(), body))
}

/// Whom to trust, and what to show.
fn secured(tls: &Tls) -> Result<TlsConfig, String> {
    let certificates = |found: Vec<CertificateDer<'static>>| -> Vec<Certificate<'static>> {
        found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
    };
    let trusted = certificates(tls::trusted(tls)?);
    let own = match &tls.own {
        None => None,
        Some((chain, key)) => {
            let key =
                PrivateKey::from_pem(&tls::read(key)?).map_err(|error| format!("the key cannot be used: {error}"))?;
            Some(ClientCert::new_with_certs(&certificates(tls::certificates(chain)?), key))
        }
    };
    let config = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&trusted)).client_cert(own);
    Ok(config.unversioned_rustls_crypto_provider(Arc::new(ring::default_provider())).build())
}

fn reason(url: &str, error: ureq::Error) -> NoAnswer {
    match error {
        ureq::Error::Timeout(_) => NoAnswer::TimedOut,
        ureq::Error::Io(error) if let Some(why) = tls::refusal(url, &error) => NoAnswer::Unusable(why),
        ureq::Error::Rustls(error) => NoAnswer::Unusable(tls::why(url, &error)),
        ureq::Error::Io(error) => NoAnswer::Unreachable(super::link::reason(&error)),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => NoAnswer::Unreachable(error.to_string()),
        other => {
            let why = other.source().map_or_else(|| other.to_string(), ToString::to_string);
            NoAnswer::Unusable(why)
        }
    }
}
