//! SASL from the client's side: what is said on a new connection before anything else (KIP-43, KIP-152).
//!
//! Owns PLAIN (RFC 4616) and where user and password stand in `sasl.jaas.config`. Leaves bytes to the client.
//! Invariant: another mechanism is refused by name, before anything is sent.

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use runtime_core::config::ConfigMap;

use crate::admin::text;

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    user: String,
    password: String,
}

impl Mechanism {
    /// From `sasl.mechanism` and `sasl.jaas.config`. The error is a sentence.
    pub fn new(settings: &ConfigMap) -> Result<Self, String> {
        match settings.get("sasl.mechanism") {
            Some("PLAIN") => {}
            Some(other) => return Err(format!("sasl.mechanism={other}: only PLAIN is supported by this tool")),
            None => {
                return Err(
                    "security.protocol asks for SASL: sasl.mechanism=PLAIN and sasl.jaas.config must be set".into()
                );
            }
        }
        let jaas = settings.get("sasl.jaas.config").ok_or("sasl.jaas.config is missing")?;
        let field = |name: &str| quoted(jaas, name).ok_or_else(|| format!("sasl.jaas.config has no {name}=\"...\""));
        Ok(Self { user: field("username")?, password: field("password")? })
    }
}

/// The value of `name="value"`.
fn quoted(jaas: &str, name: &str) -> Option<String> {
    let start = jaas.find(&format!("{name}="))? + name.len() + 1;
    let rest = &jaas[start..];
    let Some(inner) = rest.strip_prefix('"') else {
        return Some(rest.split([' ', ';']).next().unwrap_or_default().to_owned());
    };
    let mut value = String::new();
    let mut letters = inner.chars();
    loop {
        match letters.next()? {
            '"' => return Some(value),
            '\\' => value.push(letters.next()?),
            letter => value.push(letter),
        }
    }
}

/// A conversation that is going on.
pub struct Login(Mechanism);

impl Login {
    /// The beginning of one.
    pub fn new(mechanism: Mechanism) -> Self {
        Self(mechanism)
    }

    /// The first request.
    pub fn handshake(&self) -> SaslHandshakeRequest {
        SaslHandshakeRequest::default().with_mechanism(text("PLAIN"))
    }

    /// The second. The error is a sentence.
    pub fn authenticate(&self, answer: &SaslHandshakeResponse) -> Result<SaslAuthenticateRequest, String> {
        if answer.error_code != 0 {
            let offered: Vec<&str> = answer.mechanisms.iter().map(|name| name.as_str()).collect();
            return Err(format!("the broker does not take PLAIN, only {}", offered.join(", ")));
        }
        let Mechanism { user, password } = &self.0;
        Ok(SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(format!("\0{user}\0{password}"))))
    }

    /// The verdict. The error is a sentence.
    pub fn verdict(&self, answer: &SaslAuthenticateResponse) -> Result<(), String> {
        match answer.error_code {
            0 => Ok(()),
            _ => Err(answer.error_message.as_deref().unwrap_or("Authentication failed").to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaas_lines() {
        let check = |jaas: &str, expected: (Option<&str>, Option<&str>)| {
            assert_eq!((quoted(jaas, "username").as_deref(), quoted(jaas, "password").as_deref()), expected, "{jaas}");
        };
        check(r#"X required username="a" password="b c";"#, (Some("a"), Some("b c")));
        check(r#"X required username="a\"b" password=plain;"#, (Some("a\"b"), Some("plain")));
        check(r#"X required username="a"#, (None, None));
    }
}
