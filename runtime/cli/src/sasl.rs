//! SASL from the client's side: what is said on a new connection before anything else (KIP-43, KIP-152).
//!
//! Owns PLAIN (RFC 4616) and the order of the conversation. Leaves SCRAM's arithmetic to [`scram`], what JAAS lines say to
//! `runtime_core::client_settings`, bytes to the client. Invariant: a broker that cannot prove that it knows the password is not talked to,
//! where the mechanism lets it prove that.

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use crate::admin::text;

mod scram;

use scram::{Hash, Scram};

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    name: &'static str,
    user: String,
    password: String,
}

impl Mechanism {
    /// Of this name, with these. The error is a sentence.
    pub fn new(name: &str, user: &str, password: &str) -> Result<Self, String> {
        const NAMES: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
        let found = NAMES.into_iter().find(|known| *known == name);
        let name = found.ok_or_else(|| {
            format!("sasl.mechanism={name} is not supported by this tool: it can be {}", NAMES.join(", "))
        })?;
        Ok(Self { name, user: user.to_owned(), password: password.to_owned() })
    }
}

/// A conversation that is going on.
pub struct Login {
    mechanism: Mechanism,
    scram: Option<Scram>,
}

impl Login {
    /// The beginning of one; `nonce` is drawn for it alone.
    pub fn new(mechanism: Mechanism, nonce: [u8; 16]) -> Self {
        let hash = match mechanism.name {
            "SCRAM-SHA-256" => Some(Hash::Sha256),
            "SCRAM-SHA-512" => Some(Hash::Sha512),
            _ => None,
        };
        let scram = hash.map(|hash| Scram::new(hash, &mechanism.user, &mechanism.password, nonce));
        Self { mechanism, scram }
    }

    /// The first request.
    pub fn handshake(&self) -> SaslHandshakeRequest {
        SaslHandshakeRequest::default().with_mechanism(text(self.mechanism.name))
    }

    /// The second. The error is a sentence.
    pub fn begin(&mut self, answer: &SaslHandshakeResponse) -> Result<SaslAuthenticateRequest, String> {
        if answer.error_code != 0 {
            let offered: Vec<&str> = answer.mechanisms.iter().map(|name| name.as_str()).collect();
            return Err(format!("the broker does not take {}, only {}", self.mechanism.name, offered.join(", ")));
        }
        let Mechanism { user, password, .. } = &self.mechanism;
        let first = match &self.scram {
            None => format!("\0{user}\0{password}"),
            Some(scram) => scram.first(),
        };
        Ok(request(first))
    }

    /// The next one, or `None` when the broker has let us in. The error is a sentence.
    pub fn go_on(&mut self, answer: &SaslAuthenticateResponse) -> Result<Option<SaslAuthenticateRequest>, String> {
        if answer.error_code != 0 {
            return Err(answer.error_message.as_deref().unwrap_or("Authentication failed").to_owned());
        }
        let Some(scram) = &mut self.scram else { return Ok(None) };
        let said = std::str::from_utf8(&answer.auth_bytes).map_err(|_| "the broker's answer is no text".to_owned())?;
        Ok(scram.answer(said)?.map(request))
    }
}

fn request(said: String) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain() {
        let mut login = Login::new(Mechanism::new("PLAIN", "a", "b").unwrap(), [0; 16]);
        assert_eq!(login.handshake().mechanism.as_str(), "PLAIN");
        let request = login.begin(&SaslHandshakeResponse::default()).unwrap();
        assert_eq!(request.auth_bytes.as_ref(), b"\0a\0b");
        assert_eq!(login.go_on(&SaslAuthenticateResponse::default()), Ok(None));
        let refused = SaslAuthenticateResponse::default().with_error_code(58).with_error_message(Some(text("no")));
        assert_eq!(login.go_on(&refused), Err("no".to_owned()));
    }

    #[test]
    fn what_is_not_offered() {
        assert!(Mechanism::new("GSSAPI", "a", "b").unwrap_err().contains("SCRAM-SHA-512"));
        let mut login = Login::new(Mechanism::new("SCRAM-SHA-256", "a", "b").unwrap(), [0; 16]);
        let answer = SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(vec![text("PLAIN")]);
        assert_eq!(login.begin(&answer).unwrap_err(), "the broker does not take SCRAM-SHA-256, only PLAIN");
    }
}
