//! Where REST listens: `listeners` and `admin.listeners`.
//!
//! Owns the syntax `http://host:port`. Leaves binding, and whether an address beyond this machine is allowed, to the edge.
//! Invariant: an empty host is this machine alone (loopback, v4 and v6), never every interface.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::net::IpAddr;

/// Kafka's words.
const FORM: &str = "Listener doesn't have the right format (protocol://hostname:port).";

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Host or address, without brackets; empty for loopback.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
    /// `https`.
    pub https: bool,
}

impl Listener {
    /// Reads `http://host:port` or `https://host:port`. The error says what to write.
    pub fn parse(key: &str, url: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!("Invalid value {url} for configuration {key}: {why} Write it like http://localhost:8083")
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(FORM))?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("Listener protocol must be either \"http\" or \"https\".")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong(FORM))?;
        let port = port.parse().map_err(|_| wrong("The port is not a number up to 65535."))?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let bad = |host: &str| {
            host.contains(|char: char| matches!(char, '/' | '[' | ']' | '@' | '?' | '#') || char.is_whitespace())
        };
        match bracketed {
            Some(address) if address.parse::<core::net::Ipv6Addr>().is_ok() => {
                Ok(Self { host: address.to_owned(), port, https })
            }
            None if !bad(host) && !host.contains(':') => Ok(Self { host: host.to_owned(), port, https }),
            _ => Err(wrong("The host is not a name or an address (IPv6 in brackets).")),
        }
    }

    /// Reads a list of them.
    pub fn parse_all(key: &str, urls: &[String]) -> Result<Vec<Self>, String> {
        urls.iter().map(|url| Self::parse(key, url)).collect()
    }

    /// True if only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// True for a host that is this machine: empty, `localhost`, or a loopback address.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.is_empty() || host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host: &str, port: u16, loopback: bool) {
        let listener = Listener::parse("listeners", url).unwrap();
        assert_eq!((listener.host.as_str(), listener.port, listener.is_loopback()), (host, port, loopback), "{url}");
    }

    #[test]
    fn hosts_and_ports() {
        check("http://:8083", "", 8083, true);
        check("http://localhost:0", "localhost", 0, true);
        check("HTTP://127.0.0.1:1", "127.0.0.1", 1, true);
        check("http://[::1]:8083", "::1", 8083, true);
        check("http://0.0.0.0:8083/", "0.0.0.0", 8083, false);
        check("http://worker-1.example.org:8083", "worker-1.example.org", 8083, false);
    }

    #[test]
    fn anything_else_says_what_to_write() {
        for url in [
            "localhost:8083",
            "ftp://x:1",
            "http://x",
            "http://x:99999",
            "http://x:abc",
            "ftp://:8443",
            "http://::1:1",
            "http://[x]:1",
            "http://a/b:1",
            "",
            "http://[::1:1",
        ] {
            let error = Listener::parse("listeners", url).unwrap_err();
            assert!(
                error.starts_with(&format!("Invalid value {url} for configuration listeners: "))
                    && error.ends_with("http://localhost:8083"),
                "{error}"
            );
        }
    }
}
