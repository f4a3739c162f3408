//! Which hosts a request may name: on a loopback listener only loopback names, so that no web page can reach the API through a
//! name of its own that resolves to 127.0.0.1 (DNS rebinding).

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Failure;

pub async fn check(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().host()).unwrap_or_default();
    if is_this_machine(without_port(host)) {
        return next.run(request).await;
    }
    let why = format!("This listener answers only for localhost, 127.0.0.1 and [::1]; the request was for '{host}'.");
    Failure(StatusCode::FORBIDDEN, why).into_response()
}

/// No web page can have an address of the loopback, nor (RFC 6761) a name under `localhost`. A request of HTTP/1.0 names no host.
fn is_this_machine(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.is_empty() || name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|ip| ip.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if !name.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for (name, expected) in [
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("a.localhost", true),
            ("evil.example", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_this_machine(name), expected, "{name}");
        }
    }

    #[test]
    fn a_port_is_taken_off_and_an_address_is_left_whole() {
        for (host, name) in [
            ("localhost:8083", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("::1", "::1"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
