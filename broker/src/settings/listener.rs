//! Where clients connect: `listeners` as it is written.

use std::net::IpAddr;

/// One plaintext listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Host as written; empty means loopback, v4 and v6.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
}

impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PLAINTEXT://{}:{}", self.host, self.port)
    }
}

/// True for a host that only this machine reaches; empty means loopback here.
pub fn is_loopback(host: &str) -> bool {
    host.is_empty() || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The listeners that a setting of this name and value has.
///
/// # Errors
/// A sentence that says what is wrong with which of them.
pub(super) fn listeners(key: &str, value: &str) -> Result<Vec<Listener>, String> {
    let mut found = Vec::new();
    for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let bad =
            || format!("{key}={value}: '{text}' is not of the form PLAINTEXT://host:port (the host may be empty)");
        let (name, address) = text.split_once("://").ok_or_else(bad)?;
        // A controller listener of a KRaft file has no use here: this one node is its own quorum.
        if name.eq_ignore_ascii_case("CONTROLLER") {
            continue;
        }
        if name.to_ascii_uppercase().contains("SSL") {
            return Err(format!("{key}={value}: {name} listeners are not served yet; use PLAINTEXT"));
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
        found.push(Listener { host, port: port.parse().map_err(|_| bad())? });
    }
    Ok(found)
}
