//! Logins and certificates: Java's JAAS lines and key stores.
//!
//! Owns the JAAS line (source: `javax.security.auth.login.Configuration`) and the stores that can be read without Java: PEM and, for
//! keys, PKCS12. Invariant: a login or a store that cannot be used is an error that says which form can.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::ClientSettings;

type Java<'a> = BTreeMap<&'a str, &'a str>;

/// Adds what the `sasl.` and `ssl.` settings say.
pub fn translate(java: &Java<'_>, out: &mut ClientSettings) -> Result<(), String> {
    sasl(java, out)?;
    trust(java, out)?;
    keys(java, out)?;
    if let Some(algorithm) = java.get("ssl.endpoint.identification.algorithm") {
        let own = if algorithm.is_empty() { "none" } else { "https" };
        put(out, "ssl.endpoint.identification.algorithm", own);
    }
    let read = |key: &&&str| READ.contains(key) || java[*key].is_empty();
    let rest = java.keys().filter(|key| key.starts_with("sasl.") || key.starts_with("ssl.")).filter(|key| !read(key));
    out.without_counterpart.extend(rest.map(|key| key.to_string()));
    Ok(())
}

const READ: &[&str] = &[
    "sasl.mechanism",
    "sasl.jaas.config",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

fn put(out: &mut ClientSettings, name: &str, value: &str) {
    out.settings.insert(name.into(), value.into());
}

fn sasl(java: &Java<'_>, out: &mut ClientSettings) -> Result<(), String> {
    let protocol = java.get("security.protocol").map(|protocol| protocol.to_ascii_lowercase()).unwrap_or_default();
    if !protocol.starts_with("sasl") {
        return Ok(());
    }
    // Java's default; there is nothing of Kerberos here.
    let mechanism = java.get("sasl.mechanism").copied().filter(|mechanism| !mechanism.is_empty()).unwrap_or("GSSAPI");
    match mechanism {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER" => put(out, "sasl.mechanism", mechanism),
        other => {
            return Err(format!(
                "sasl.mechanism={other} is not supported here: it can be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
            ));
        }
    }
    let line = java.get("sasl.jaas.config").copied().unwrap_or_default();
    let login = jaas(line).map_err(|why| format!("sasl.jaas.config cannot be read: {why}"))?;
    if mechanism == "OAUTHBEARER" {
        let subject = login.get("unsecuredLoginStringClaim_sub").ok_or(
            "sasl.jaas.config: OAUTHBEARER works with unsecuredLoginStringClaim_sub=\"...\" only; \
             tokens of a login server cannot be fetched yet",
        )?;
        put(out, "enable.sasl.oauthbearer.unsecure.jwt", "true");
        put(out, "sasl.oauthbearer.config", &format!("principal={subject}"));
        return Ok(());
    }
    for name in ["username", "password"] {
        let value = login.get(name).ok_or_else(|| {
            format!(
                "sasl.jaas.config names no {name}; write: org.apache.kafka.common.security.plain.PlainLoginModule required \
                 username=\"...\" password=\"...\";"
            )
        })?;
        put(out, &format!("sasl.{name}"), value);
    }
    Ok(())
}

/// The options of a JAAS line: `Class required name="value" ...;`.
fn jaas(line: &str) -> Result<BTreeMap<String, String>, String> {
    let mut options = BTreeMap::new();
    let mut words = words(line)?.into_iter();
    if words.next().is_none() {
        return Err("it is empty".into());
    }
    match words.next().as_deref() {
        Some("required" | "requisite" | "sufficient" | "optional") => {}
        _ => return Err("after the class comes the word required".into()),
    }
    for word in words {
        let (name, value) =
            word.split_once('=').ok_or("after the word required come options such as username=\"...\"")?;
        options.insert(name.into(), value.into());
    }
    Ok(options)
}

/// Words between blanks, up to the semicolon; quotes are taken off, and a backslash in them takes the next character as it is.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted, mut open) = (Vec::new(), String::new(), false, false);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quoted => word.extend(characters.next()),
            '"' => (quoted, open) = (!quoted, true),
            ';' if !quoted => break,
            blank if blank.is_whitespace() && !quoted => {
                if core::mem::take(&mut open) || !word.is_empty() {
                    words.push(core::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn trust(java: &Java<'_>, out: &mut ClientSettings) -> Result<(), String> {
    if let Some(pem) = java.get("ssl.truststore.certificates").filter(|pem| !pem.is_empty()) {
        put(out, "ssl.ca.pem", pem);
    }
    let Some(location) = java.get("ssl.truststore.location").filter(|location| !location.is_empty()) else {
        return Ok(());
    };
    match kind(java, "ssl.truststore.type", location) {
        "PEM" => put(out, "ssl.ca.location", location),
        other => {
            return Err(format!(
                "ssl.truststore.location={location}: a trust store of type {other} cannot be read here. Write its certificates as PEM \
                 (keytool -exportcert -rfc -keystore {location} -alias ALIAS -file ca.pem), and set ssl.truststore.type=PEM and \
                 ssl.truststore.location=ca.pem"
            ));
        }
    }
    Ok(())
}

fn keys(java: &Java<'_>, out: &mut ClientSettings) -> Result<(), String> {
    let given = |key: &str| java.get(key).copied().filter(|value| !value.is_empty());
    for (key, own) in [
        ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
        ("ssl.keystore.key", "ssl.key.pem"),
        ("ssl.key.password", "ssl.key.password"),
    ] {
        if let Some(value) = given(key) {
            put(out, own, value);
        }
    }
    let Some(location) = given("ssl.keystore.location") else { return Ok(()) };
    match kind(java, "ssl.keystore.type", location) {
        // One file with the key and its certificates, as Java has it.
        "PEM" => {
            put(out, "ssl.certificate.location", location);
            put(out, "ssl.key.location", location);
        }
        "PKCS12" => {
            put(out, "ssl.keystore.location", location);
            put(out, "ssl.keystore.password", given("ssl.keystore.password").unwrap_or_default());
        }
        other => {
            return Err(format!(
                "ssl.keystore.location={location}: a key store of type {other} cannot be read here. Make it PKCS12 \
                 (keytool -importkeystore -srckeystore {location} -destkeystore keys.p12 -deststoretype PKCS12), and set \
                 ssl.keystore.type=PKCS12 and ssl.keystore.location=keys.p12"
            ));
        }
    }
    Ok(())
}

/// The type as it is written; else what the file's name says; else Java's default.
fn kind<'a>(java: &Java<'a>, key: &str, location: &str) -> &'a str {
    let ends = |ends: &[&str]| ends.iter().any(|end| location.to_ascii_lowercase().ends_with(end));
    match java.get(key).copied().filter(|kind| !kind.is_empty()) {
        Some(kind) => kind,
        None if ends(&[".pem", ".crt", ".cer"]) => "PEM",
        None if ends(&[".p12", ".pfx"]) => "PKCS12",
        None => "JKS",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Client, tests::translated};
    use super::*;

    const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";

    fn check(java: &[(&str, &str)], expected: &[(&str, &str)]) {
        let mut got = translated(Client::Consumer, java).unwrap();
        got.settings.remove("security.protocol");
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        assert_eq!(got.settings, expected);
    }

    fn refused(java: &[(&str, &str)], says: &str) {
        let error = translated(Client::Consumer, java).unwrap_err();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn logins() {
        let with = |mechanism, line: &str, expected: &[(&str, &str)]| {
            let java = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", mechanism), ("sasl.jaas.config", line)];
            check(&java, expected);
        };
        with(
            "PLAIN",
            &format!("{PLAIN} username=\"api key\" password=\"a\\\"b;c\";"),
            &[("sasl.mechanism", "PLAIN"), ("sasl.username", "api key"), ("sasl.password", "a\"b;c")],
        );
        with(
            "SCRAM-SHA-512",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=u\n password='p' ;",
            &[("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.username", "u"), ("sasl.password", "'p'")],
        );
        // A login without SASL is nobody's.
        check(&[("security.protocol", "SSL"), ("sasl.mechanism", "PLAIN")], &[]);
    }

    #[test]
    fn logins_that_cannot_be() {
        let with = |mechanism, line: &str, says: &str| {
            refused(
                &[("security.protocol", "sasl_ssl"), ("sasl.mechanism", mechanism), ("sasl.jaas.config", line)],
                says,
            );
        };
        with("", "", "sasl.mechanism=GSSAPI is not supported");
        with("PLAIN", "", "it is empty");
        with("PLAIN", PLAIN, "names no username");
        with("PLAIN", "a.B username=\"u\"", "comes the word required");
        with("PLAIN", &format!("{PLAIN} username=\"u"), "not closed");
        with("OAUTHBEARER", "a.B required clientId=\"x\";", "cannot be fetched yet");
    }

    #[test]
    fn stores() {
        check(&[("ssl.truststore.location", "/ca.pem")], &[("ssl.ca.location", "/ca.pem")]);
        check(
            &[("ssl.keystore.location", "k"), ("ssl.keystore.type", "PEM"), ("ssl.key.password", "x")],
            &[("ssl.certificate.location", "k"), ("ssl.key.location", "k"), ("ssl.key.password", "x")],
        );
        check(
            &[("ssl.keystore.location", "k.p12"), ("ssl.keystore.password", "x")],
            &[("ssl.keystore.location", "k.p12"), ("ssl.keystore.password", "x")],
        );
        check(&[("ssl.endpoint.identification.algorithm", "")], &[("ssl.endpoint.identification.algorithm", "none")]);
        refused(&[("ssl.truststore.location", "t.jks")], "ssl.truststore.type=PEM");
        refused(&[("ssl.keystore.location", "k")], "deststoretype PKCS12");
        let got = translated(Client::Consumer, &[("ssl.cipher.suites", "A")]).unwrap();
        assert_eq!(got.without_counterpart, ["ssl.cipher.suites"]);
    }
}
