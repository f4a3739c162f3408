//! TLS of a listener (`ssl.*`, `listeners.https.ssl.*`, `admin.listeners.https.ssl.*`).
//!
//! Owns which of the keys count and what they may say. Leaves reading certificates to the edge. Invariant: a store is PEM; Java's own
//! formats are refused with the way out of them.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use crate::config::ConfigMap;

/// Certificates or keys in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pem {
    /// In this file.
    File(String),
    /// This is it.
    Text(String),
}

/// Whether a client must show a certificate (`ssl.client.auth`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// No.
    #[default]
    None,
    /// It may; one that is shown must be good.
    Requested,
    /// It must.
    Required,
}

/// How a listener speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate chain, and the key; in a file they may be together.
    pub chain: Pem,
    /// The private key.
    pub key: Pem,
    /// Who signs clients' certificates; needed if they are asked for.
    pub truststore: Option<Pem>,
    /// Whether they are.
    pub client_auth: ClientAuth,
}

impl TlsConfig {
    /// Reads the keys under `prefix` (such as `listeners.https.`) if there are any, else those without. The errors are sentences.
    pub fn read(raw: &ConfigMap, prefix: &str) -> Result<Self, Vec<String>> {
        let own = raw.under(prefix);
        let prefix = if own.iter().next().is_some() { prefix } else { "" };
        let keys = Keys { raw, prefix };
        let mut errors = Vec::new();
        let client_auth = match keys.get("ssl.client.auth").unwrap_or("none") {
            "none" => ClientAuth::None,
            "requested" => ClientAuth::Requested,
            "required" => ClientAuth::Required,
            other => {
                errors.push(format!(
                    "Invalid value {other} for configuration {prefix}ssl.client.auth: String must be one of: required, requested, none"
                ));
                ClientAuth::None
            }
        };
        let keystore = keys.keystore().map_err(|error| errors.push(error)).ok();
        let truststore = keys.truststore().map_err(|error| errors.push(error)).ok().flatten();
        if client_auth != ClientAuth::None && truststore.is_none() && errors.is_empty() {
            errors.push(format!(
                "{prefix}ssl.client.auth asks clients for certificates, and nothing says whose are good: name a PEM file of certificates \
                 in {prefix}ssl.truststore.location, with {prefix}ssl.truststore.type=PEM"
            ));
        }
        match keystore {
            Some((chain, key)) if errors.is_empty() => Ok(Self { chain, key, truststore, client_auth }),
            _ => Err(errors),
        }
    }
}

struct Keys<'a> {
    raw: &'a ConfigMap,
    prefix: &'a str,
}

impl Keys<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.raw.get(&format!("{}{key}", self.prefix)).map(str::trim).filter(|value| !value.is_empty())
    }

    fn keystore(&self) -> Result<(Pem, Pem), String> {
        let prefix = self.prefix;
        if let (Some(chain), Some(key)) = (self.get("ssl.keystore.certificate.chain"), self.get("ssl.keystore.key")) {
            return Ok((Pem::Text(chain.to_owned()), Pem::Text(key.to_owned())));
        }
        let Some(file) = self.get("ssl.keystore.location") else {
            return Err(format!(
                "https needs a certificate and its key: name a PEM file that holds both in {prefix}ssl.keystore.location, with \
                 {prefix}ssl.keystore.type=PEM"
            ));
        };
        self.is_pem("ssl.keystore.type", file)?;
        Ok((Pem::File(file.to_owned()), Pem::File(file.to_owned())))
    }

    fn truststore(&self) -> Result<Option<Pem>, String> {
        if let Some(certificates) = self.get("ssl.truststore.certificates") {
            return Ok(Some(Pem::Text(certificates.to_owned())));
        }
        let Some(file) = self.get("ssl.truststore.location") else { return Ok(None) };
        self.is_pem("ssl.truststore.type", file)?;
        Ok(Some(Pem::File(file.to_owned())))
    }

    /// Kafka's default is JKS, so that a file whose type is not said is one.
    fn is_pem(&self, key: &str, file: &str) -> Result<(), String> {
        let prefix = self.prefix;
        match self.get(key).unwrap_or("JKS") {
            kind if kind.eq_ignore_ascii_case("PEM") => Ok(()),
            kind => Err(format!(
                "{prefix}{key} is {kind}, and connectd reads PEM alone. Convert {file}: keytool -importkeystore -srckeystore {file} \
                 -destkeystore store.p12 -deststoretype PKCS12 && openssl pkcs12 -in store.p12 -nodes -out store.pem, then name store.pem \
                 and set {prefix}{key}=PEM"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TlsConfig, Vec<String>> {
        let raw: ConfigMap = text.split(' ').filter_map(|pair| pair.split_once('=')).collect();
        TlsConfig::read(&raw, "listeners.https.")
    }

    #[test]
    fn keys_with_the_prefix_take_the_place_of_those_without() {
        let plain = "ssl.keystore.location=a.pem ssl.keystore.type=PEM";
        let file = |name: &str| Pem::File(name.into());
        assert_eq!(read(plain).unwrap().key, file("a.pem"));
        let own =
            read(&format!("{plain} listeners.https.ssl.keystore.location=b.pem listeners.https.ssl.keystore.type=pem"));
        assert_eq!(own.unwrap().chain, file("b.pem"));
        assert!(read(&format!("{plain} listeners.https.ssl.client.auth=none")).is_err(), "nothing is inherited");
        let inline = read("ssl.keystore.certificate.chain=C ssl.keystore.key=K").unwrap();
        assert_eq!((inline.chain, inline.key), (Pem::Text("C".into()), Pem::Text("K".into())));
    }

    #[test]
    fn what_cannot_be_is_said_with_the_way_out() {
        for (text, says) in [
            ("", "https needs a certificate"),
            ("ssl.keystore.location=a.jks", "ssl.keystore.type is JKS"),
            ("ssl.keystore.location=a.p12 ssl.keystore.type=PKCS12", "openssl pkcs12"),
            ("ssl.keystore.location=a ssl.keystore.type=PEM ssl.client.auth=required", "ssl.truststore.location"),
            ("ssl.keystore.location=a ssl.keystore.type=PEM ssl.client.auth=maybe", "must be one of"),
        ] {
            let errors = read(text).unwrap_err().join("\n");
            assert!(errors.contains(says), "{text}: {errors}");
        }
    }
}
