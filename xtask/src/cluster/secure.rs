//! The suite's broker has a second listener, with TLS and logins: our tools through it.
//!
//! Owns its certificate, its users, and what each tool must do. Leaves the broker's start to the suite. Invariant: what must fail fails for
//! the reason that was made, and within a bounded time.

use crate::kafka::{Broker, Kafka};
use crate::repo;
use anyhow::{Context, Result, bail};
use e2e::{Folder, folder::binary};
use std::fs;
use std::process::{Command, Output};

const PASSWORD: &str = "alice-secret";
const MODULE: &str = "org.apache.kafka.common.security";

/// A broker with a plain listener at `port` and a secure one at `secure`.
///
/// # Errors
/// When no certificate can be made, or its data folder not be formatted.
pub fn broker<'a>(kafka: &'a Kafka, folder: &Folder, port: u16, secure: u16) -> Result<Broker<'a>> {
    let (store, certificate) = (folder.join("keys.p12"), folder.join("ca.pem"));
    let keytool = |arguments: &[&str]| {
        let mut keytool = Command::new("keytool");
        keytool.args(arguments).args(["-alias", "broker", "-storepass", PASSWORD, "-keystore"]).arg(&store);
        keytool
    };
    repo::run(keytool(&["-genkeypair", "-keyalg", "EC", "-storetype", "PKCS12", "-validity", "30"]).args([
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost",
    ]))?;
    repo::run(keytool(&["-exportcert", "-rfc"]).arg("-file").arg(&certificate))?;
    let jaas = |mechanism: &str, login: &str| {
        format!("listener.name.sasl_ssl.{mechanism}.sasl.jaas.config={MODULE}.{login} required")
    };
    let lines = [
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL".to_owned(),
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512".to_owned(),
        format!("{} user_alice=\"{PASSWORD}\";", jaas("plain", "plain.PlainLoginModule")),
        format!("{};", jaas("scram-sha-256", "scram.ScramLoginModule")),
        format!("{};", jaas("scram-sha-512", "scram.ScramLoginModule")),
        format!("ssl.keystore.location={}", store.display()),
        "ssl.keystore.type=PKCS12".to_owned(),
        format!("ssl.keystore.password={PASSWORD}"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let broker = kafka.broker_with(folder.path(), port, &lines)?;
    let config = folder.join("server.properties");
    let text = fs::read_to_string(&config)?;
    let both = format!("PLAINTEXT://127.0.0.1:{port},SASL_SSL://localhost:{secure},CONTROLLER");
    fs::write(config, text.replace(&format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER"), &both))?;
    Ok(broker)
}

/// Every login, and what must not get in.
///
/// # Errors
/// What went otherwise than it must.
pub fn logins(kafka: &Kafka, folder: &Folder, port: u16, secure: u16) -> Result<()> {
    // Kafka takes one of a user's credentials in a request.
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let server = format!("127.0.0.1:{port}");
        repo::run(
            kafka
                .tool("kafka-configs")?
                .args(["--bootstrap-server", &server, "--alter", "--entity-type", "users", "--entity-name", "alice"])
                .args(["--add-config", &format!("{mechanism}=[password={PASSWORD}]")]),
        )?;
    }
    let server = format!("localhost:{secure}");
    let trusted = format!("ssl.truststore.type=PEM\nssl.truststore.location={}\n", folder.join("ca.pem").display());
    let tool = |arguments: &str, settings: &str| -> Result<Output> {
        let file = folder.write("client.properties", settings);
        let mut tool = Command::new(binary());
        tool.args(arguments.split(' ')).args(["--bootstrap-server", &server, "--command-config"]).arg(file);
        tool.output().context("the tool")
    };
    let login = |mechanism: &str, module: &str, password: &str| {
        format!(
            "security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\n\
             sasl.jaas.config={MODULE}.{module} required username=\"alice\" password=\"{password}\";\n"
        )
    };
    let logins = [
        ("PLAIN", "plain.PlainLoginModule"),
        ("SCRAM-SHA-256", "scram.ScramLoginModule"),
        ("SCRAM-SHA-512", "scram.ScramLoginModule"),
    ];
    for (mechanism, module) in logins {
        let topic = format!("secure-{mechanism}");
        let settings = login(mechanism, module, PASSWORD) + &trusted;
        let created = tool(&format!("kafka-topics --create --topic {topic}"), &settings)?;
        expect(&created, Some(0), &format!("Created topic {topic}."), mechanism)?;
        expect(&tool("topic list", &settings)?, Some(0), &topic, mechanism)?;
        let wrong = login(mechanism, module, "wrong") + &trusted;
        expect(&tool("kafka-topics --list", &wrong)?, Some(1), "uthentication failed", mechanism)?;
    }
    let settings = login("PLAIN", "plain.PlainLoginModule", PASSWORD);
    expect(&tool("kafka-topics --list", &settings)?, Some(1), "certificate", "an unknown signer")?;
    let names = "default.api.timeout.ms=500\n";
    expect(&tool("kafka-topics --list", names)?, Some(1), "", "no TLS")?;
    Ok(())
}

fn expect(output: &Output, code: Option<i32>, says: &str, case: &str) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() != code || !said.contains(says) {
        bail!("{case}: not {code:?} and {says:?} but {:?} and\n{said}", output.status.code());
    }
    Ok(())
}
