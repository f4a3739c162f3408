//! `connectd connect` where the worker's REST API is secured: https with certificates of both sides, and a name with a password.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Command, Output, Stdio},
};

use e2e::{
    Worker,
    folder::{binary, repo_dir},
    until,
};

fn run(line: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary());
    command.args(line.split_whitespace()).stdin(Stdio::null());
    command.env_remove("CONNECTD_URL").env_remove("CONNECTD_USER").envs(variables.iter().copied());
    command.output().expect("the binary starts")
}

#[track_caller]
fn check(line: &str, variables: &[(&str, &str)], code: i32, says: &str) {
    let output = run(line, variables);
    let all = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{line}: {all}");
    assert!(all.contains(says), "{line}: no {says:?} in\n{all}");
}

#[test]
fn over_https() {
    let pem = repo_dir().join("runtime/src/rest/tls/localhost.pem").display().to_string();
    for asks_for_ours in [false, true] {
        let worker = Worker::new("https").connector("echo", "EchoSink", &[("topics", "t")]);
        let port = worker.rest_port;
        let mut worker = worker
            .set("listeners", &format!("https://localhost:{port}"))
            .set("listeners.https.ssl.keystore.type", "PEM")
            .set("listeners.https.ssl.keystore.location", &pem);
        if asks_for_ours {
            worker = worker
                .set("listeners.https.ssl.client.auth", "required")
                .set("listeners.https.ssl.truststore.type", "PEM")
                .set("listeners.https.ssl.truststore.location", &pem);
        }
        let mut running = worker.spawn();
        until("the banner", e2e::wait::PATIENCE, || {
            assert!(running.ended().is_none(), "it ended:\n{}", running.log());
            running.log().contains("ready in").then_some(())
        });
        let url = format!("https://localhost:{port}");
        if asks_for_ours {
            check(&format!("connect list --url {url} --cacert {pem} --cert {pem}"), &[], 0, "echo");
            let output = run(&format!("connect list --url {url} --cacert {pem}"), &[]);
            assert!(!output.status.success(), "a client without a certificate is let in");
            continue;
        }
        check(&format!("connect list --url {url} --cacert {pem}"), &[], 0, "echo");
        check(&format!("plugin list --cacert {pem}"), &[("CONNECTD_URL", &url)], 0, "EchoSinkConnector");
        check(&format!("connect list --url {url}"), &[], 2, "--cacert names a PEM file");
        check(&format!("connect list --url {url} --cacert nowhere.pem"), &[], 2, "nowhere.pem cannot be read");
    }
}

/// A proxy that answers `[]` to whoever has the password.
fn guarded() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("127.0.0.1:{}", listener.local_addr().expect("it is bound").port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let lines = BufReader::new(stream.try_clone().expect("a handle").take(64 << 10)).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            // "me:open sesame", as RFC 7617 writes it.
            let is_known =
                head.iter().any(|line| line.eq_ignore_ascii_case("authorization: Basic bWU6b3BlbiBzZXNhbWU="));
            let (status, body) = if is_known { ("200 OK", "{}") } else { ("401 Unauthorized", "go away") };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            // One that hangs up early is not waited for.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn with_a_password() {
    let host = guarded();
    let list = |url: &str| format!("connect list --json --url {url}");
    check(&list(&host), &[("CONNECTD_USER", "me:open sesame")], 0, "\"ok\":true");
    check(&list(&format!("http://me:open%20sesame@{host}")), &[], 0, "\"ok\":true");
    check(&list(&host), &[], 2, "it asks for a name and a password");
    check(&format!("{} --user me:wrong", list(&host)), &[], 2, "it does not take this name and password");
    check(&format!("{} --user me", list(&host)), &[], 2, "NAME:PASSWORD");
    let told = run(&format!("connect list --url http://me:secret@{host}"), &[]);
    assert!(!String::from_utf8_lossy(&told.stderr).contains("secret"), "the password is shown");
}
