//! connectd's own commands and its first five minutes, from outside.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use e2e::{
    Folder, Running, Worker,
    folder::{binary, repo_dir},
    free_port, until,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

fn shell(folder: &Path, line: &str) -> Output {
    let programs = binary().parent().expect("it lies in a folder").to_path_buf();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", format!("{}:{path}", programs.display())).env_remove("NO_COLOR");
    shell.output().expect("a shell")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts `connectd` with these arguments in a folder, its temporary files in `tmp`.
fn started(folder: &Path, tmp: &Path, arguments: &[&str], log: &Path) -> Running {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).env("TMPDIR", tmp);
    Running::start(&mut command, log).expect("the binary starts")
}

fn banner(running: &mut Running) -> String {
    until("the banner", PATIENCE, || {
        assert!(running.ended().is_none(), "it ended:\n{}", running.log());
        let log = running.log();
        (log.contains("ready in") && log.contains("Ctrl-C")).then_some(log)
    })
}

#[test]
fn alone_in_an_empty_folder() {
    let folder = Folder::new("alone");
    let (here, tmp) = (folder.join("empty"), folder.join("tmp"));
    [&here, &tmp].iter().for_each(|path| fs::create_dir(path).expect("a folder"));
    let mut running = started(&here, &tmp, &[], &folder.join("log"));
    let text = banner(&mut running);
    // What it says to try works as it stands, line by line.
    let tried: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("try").or(Some(line))).map(str::trim).collect();
    let command = |begins: &str| {
        let found = tried.iter().find(|line| line.starts_with(begins));
        found.unwrap_or_else(|| panic!("no {begins} in\n{text}")).to_string()
    };
    assert!(shell(&here, &command("echo hello")).status.success());
    until("the line to arrive", PATIENCE, || out(&shell(&here, &command("cat "))).ends_with("hello\n").then_some(()));
    let consumed = shell(&here, &format!("{} --exit", command("connectd consume")));
    assert!(out(&consumed).ends_with("once.\nhello\n"), "{}{}", out(&consumed), err(&consumed));
    let status = shell(&here, &command("connectd connect status"));
    assert!(status.status.success() && out(&status).contains("RUNNING"), "{}{}", out(&status), err(&status));
    assert_eq!(running.interrupt(PATIENCE).code(), Some(130), "{}", running.log());
    let left = |path: &Path| fs::read_dir(path).expect("it is there").count();
    assert_eq!((left(&here), left(&tmp)), (0, 0), "something is left");
}

#[test]
fn alone_where_something_is() {
    let folder = Folder::new("not-alone");
    folder.write("server.properties", "listeners=PLAINTEXT://:1\n");
    let output = shell(folder.path(), "connectd");
    assert!(output.status.success() && out(&output).contains("nothing was started"), "{}", out(&output));
    assert!(out(&output).contains("connectd broker server.properties"), "{}", out(&output));
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
}

#[test]
fn the_first_five_minutes() {
    let folder = Folder::new("five-minutes");
    let (kafka, rest) = (free_port(), free_port());
    let run = |line: &str| shell(folder.path(), &line.replace("localhost:9092", &format!("localhost:{kafka}")));
    folder.write("server.properties", format!("listeners=PLAINTEXT://:{kafka}\nlog.dirs=data\n"));
    let _broker = started(folder.path(), folder.path(), &["broker", "server.properties"], &folder.join("broker.log"));
    let created = run("connectd kafka-topics --create --topic test --bootstrap-server localhost:9092");
    assert_eq!(out(&created), "Created topic test.\n", "{}", err(&created));
    run("printf 'foo\\nbar\\n' > test.txt");
    folder.write(
        "connect-standalone.properties",
        format!(
            "bootstrap.servers=localhost:{kafka}\nlisteners=http://:{rest}\noffset.storage.file.filename=connect.offsets\n\
             key.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter=org.apache.kafka.connect.json.JsonConverter\n\
             plugin.path=libs/connect-file-4.3.0.jar\n"
        ),
    );
    let files: Vec<String> = ["connect-file-source", "connect-file-sink"]
        .iter()
        .map(|name| repo_dir().join(format!("examples/{name}.properties")).display().to_string())
        .collect();
    let arguments = ["connect-standalone", "connect-standalone.properties", &files[0], &files[1]];
    let worker = started(folder.path(), folder.path(), &arguments, &folder.join("worker.log"));
    let sink = |expected: &str| {
        until("the sink's file", PATIENCE, || (folder.read("test.sink.txt") == expected).then_some(()));
    };
    sink("foo\nbar\n");
    run("echo 'Another line' >> test.txt");
    sink("foo\nbar\nAnother line\n");
    let consumed = run(
        "connectd kafka-console-consumer --topic connect-test --from-beginning --max-messages 1 --bootstrap-server localhost:9092",
    );
    assert_eq!(out(&consumed), "{\"schema\":{\"type\":\"string\",\"optional\":false},\"payload\":\"foo\"}\n");
    assert!(worker.log().contains("jar plugins are not loaded"), "{}", worker.log());
}

/// The object that a command prints with `--json`.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", out(output), err(output)))
}

#[test]
fn nouns_and_verbs() {
    let worker = Worker::new("own").pipe();
    worker.folder.write("test.txt", "foo\nbar\n");
    let _running = worker.start();
    worker.expect_file("test.sink.txt", "foo\nbar\n");
    let (kafka, url) = (format!("127.0.0.1:{}", worker.kafka_port), format!("http://127.0.0.1:{}", worker.rest_port));
    let run = |line: &str| {
        let to = match line.split(' ').next() {
            Some("connect" | "plugin") => format!("--url {url}"),
            Some("topic" | "group" | "produce" | "consume") => format!("-b {kafka}"),
            _ => String::new(),
        };
        shell(worker.folder.path(), &format!("connectd {line} {to}"))
    };
    let says = |line: &str, code: i32, stdout: &str, stderr: &str| {
        let output = run(line);
        let (said, talked) = (out(&output), err(&output));
        assert_eq!(output.status.code(), Some(code), "connectd {line}\n{said}{talked}");
        assert!(said.contains(stdout), "connectd {line}: no {stdout} in\n{said}");
        assert!(
            talked.contains(stderr) && (stderr.is_empty() == talked.is_empty()),
            "connectd {line}: no {stderr} in\n{talked}"
        );
    };
    says("topic create t -p 3 -c retention.ms=1000 --dry-run", 0, "would create topic t with 3 partitions", "");
    assert!(!out(&run("topic list")).contains("\nt "), "a dry run has made a topic");
    says("topic create t -p 3 -c retention.ms=1000", 0, "created topic t with 3 partitions, retention.ms=1000", "");
    says("topic create t", 1, "", "error: topic \"t\" was not created\n  = Topic 't' already exists.\n");
    says("topic create t --if-not-exists", 0, "is there already", "");
    says("topic alter t -p 4 -c retention.ms=2000 --dry-run", 0, "would change topic t\n  partitions: 3 -> 4\n", "");
    says("topic alter t -p 4 -c retention.ms=2000", 0, "retention.ms: 1000 -> 2000", "");
    says("topic alter t -p 2", 1, "", "was not changed");
    says("topic alter t", 2, "", "names no change");
    says("topic describe t", 0, "retention.ms=2000", "");
    says("topic describe connect-tset", 1, "", "Did you mean \"connect-test\"?");
    says("produce t -k key -H a=b one two", 0, "", "");
    says("consume t --exit -f '%k=%v %h;'", 0, "key=one a=b;key=two a=b;", "");
    says("consume t -n 1 --exit -o -1", 0, "two\n", "");
    says("consume nothing --exit", 1, "", "there is no topic \"nothing\"");
    says("consume t -g g -n 2", 0, "one\ntwo\n", "");
    let line = run("consume t --exit --json -n 1");
    assert_eq!((json(&line)["key"].as_str(), json(&line)["value"].as_str()), (Some("key"), Some("one")));
    says("group list", 0, "connect-local-file-sink", "");
    says("group describe g", 0, "Empty, 0 members, 0 behind", "");
    says("group seek g start --dry-run", 0, "would move group g", "");
    says("group describe g", 0, "0 behind", "");
    says("group seek g start", 0, "moved group g", "");
    says("group describe g", 0, "2 behind", "");
    says("group seek connect-local-file-sink start", 1, "", "stop its consumers first");
    says("group delete g --dry-run", 0, "would delete group g", "");
    says("group delete g", 0, "deleted group g", "");
    says("group describe g", 1, "", "there is no group \"g\"");
    says("topic delete t --dry-run", 0, "would delete topic t", "");
    says("topic delete t", 0, "deleted topic t", "");
    says("topic delete t", 1, "", "there is no topic \"t\"");

    says("connect list", 0, "local-file-sink", "");
    says("connect status local-file-source", 0, "task 0  RUNNING", "");
    says("connect status local-file-sauce", 1, "", "Did you mean \"local-file-source\"?");
    says("connect pause local-file-source --dry-run", 0, "would pause", "");
    says("connect pause local-file-source", 0, "paused connector local-file-source", "");
    until("the pause", PATIENCE, || out(&run("connect status local-file-source")).contains("PAUSED").then_some(()));
    says("connect resume local-file-source", 0, "resumed", "");
    says("connect restart local-file-source", 0, "restarted", "");
    says("connect offsets local-file-source", 0, "{\"filename\":", "");
    says("connect offsets local-file-source --reset", 1, "", "must be STOPPED");
    says("connect export local-file-source", 0, "name=local-file-source\nconnector.class=FileStreamSource\n", "");
    worker.folder.write("bad.properties", "name=bad\nconnector.clas=FileStreamSource\n");
    says(
        "connect create bad.properties",
        2,
        "",
        "2 | connector.clas=FileStreamSource\n  | ^^^^^^^^^^^^^^ No such key \"connector.clas\". Did you mean \"connector.class\"?",
    );
    worker.folder.write(
        "late.properties",
        "name=late\nconnector.class=FileStreamSink\nfile=late.txt\ntopics=connect-test\ntopicz=x\n",
    );
    says("connect validate late.properties", 0, "is valid", "No such key \"topicz\". Did you mean \"topics\"?");
    worker.folder.write(
        "late.properties",
        "name=late\nconnector.class=FileStreamSink\nfile=late.txt\ntopics=connect-test\ntasks.max=x\n",
    );
    says("connect validate late.properties", 2, "", "--> late.properties:5:1");
    worker
        .folder
        .write("late.properties", "name=late\nconnector.class=FileStreamSink\nfile=late.txt\ntopics=connect-test\n");
    says("connect create late.properties --dry-run", 0, "would create connector late", "");
    says("connect create late.properties", 0, "created connector late", "");
    says("connect create late.properties", 1, "", "already exists");
    worker.expect_file("late.txt", "foo\nbar\n");
    worker
        .folder
        .write("late.properties", "name=late\nconnector.class=FileStreamSink\nfile=later.txt\ntopics=connect-test\n");
    says("connect diff late.properties", 0, "would change connector late\n  - file=late.txt\n  + file=later.txt\n", "");
    says("connect apply late.properties", 0, "changed connector late", "");
    says("connect apply late.properties", 0, "no change to connector late", "");
    says("connect delete late", 0, "deleted connector late", "");
    says("connect delete late", 1, "", "there is no connector \"late\"");

    says("plugin list", 0, "org.apache.kafka.connect.file.FileStreamSinkConnector", "");
    says("plugin describe FileStreamSource", 0, "tasks.max  int, default 1", "");
    says("plugin describe FileStreamSauce", 1, "", "Did you mean");
    worker.folder.write("no.wasm", "this is no component");
    says("plugin validate no.wasm", 2, "", "error: the component cannot be used\n  --> no.wasm");
    says("config explain log.retention.ms", 0, "retention.ms", "");
    says("config explain num.partitons", 1, "", "Did you mean \"num.partitions\"?");
    says("config check worker.properties", 0, "can be used", "");
    worker.folder.write("bad-server.properties", "log.dirs=data\nnum.partitions=x\n");
    says("config check bad-server.properties", 2, "", "--> bad-server.properties:2:1");
    let ports = format!("--kafka-port {} --rest-port {}", worker.kafka_port, worker.rest_port);
    says(&format!("doctor {ports} worker.properties"), 0, "a Connect worker, version", "");
    says("completions bash", 0, "_connectd()", "");
    says("man pages", 0, "pages are in pages", "");
    assert!(worker.folder.read("pages/connectd-topic-create.1").contains("dry"), "no page");
}

#[test]
fn an_object_for_programs() {
    let folder = Folder::new("own-json");
    let port = free_port();
    let output = shell(folder.path(), &format!("connectd connect list --json --url http://127.0.0.1:{port}"));
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(3), ""));
    let object = json(&output);
    assert_eq!((&object["ok"], &object["command"]), (&Value::Bool(false), &Value::String("connect list".into())));
    assert!(object["error"]["help"].as_str().is_some_and(|help| help.contains("connectd standalone")), "{object}");
    let output =
        shell(folder.path(), "connectd config list broker --json | head -c 10; connectd topic --help | head -1");
    assert!(err(&output).is_empty() && output.status.success(), "{}", err(&output));
}
