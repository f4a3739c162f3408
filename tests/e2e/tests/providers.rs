//! Config providers: files, folders and the environment supply values, and what they supply is shown nowhere.

use e2e::{Worker, until, wait::PATIENCE, wire::Wire};

const SECRET: &str = "correct-horse-battery-staple";

/// A worker whose providers are the three of Kafka's, with a file of secrets and a folder of them.
fn worker(name: &str) -> Worker {
    const PACKAGE: &str = "org.apache.kafka.common.config.provider";
    let worker = Worker::new(name)
        .set("config.providers", "file,dir,env")
        .set("config.providers.file.class", &format!("{PACKAGE}.FileConfigProvider"))
        .set("config.providers.dir.class", &format!("{PACKAGE}.DirectoryConfigProvider"))
        .set("config.providers.env.class", &format!("{PACKAGE}.EnvVarConfigProvider"))
        .set("config.providers.env.param.allowlist.pattern", "PATH|HOME");
    let folder = worker.folder.path().display().to_string();
    worker.folder.write("secrets.properties", format!("out={folder}/out.txt\npass={SECRET}\nwhere=no/{SECRET}/x\n"));
    std::fs::create_dir_all(worker.folder.join("vault")).unwrap();
    worker.folder.write("vault/topic", "told");
    worker.set("config.providers.file.param.allowed.paths", &folder)
}

/// Everything that anybody can see of connectors: REST, the log, the internal topics.
fn shown(worker: &Worker, log: &str, connectors: &[&str]) -> String {
    let rest = e2e::Rest::new(worker.rest_port);
    let mut all = log.to_owned();
    for name in connectors {
        for what in ["", "/config", "/status", "/tasks"] {
            all.push_str(&rest.get(&format!("/connectors/{name}{what}")).body);
        }
    }
    all.push_str(&rest.get("/connectors?expand=info&expand=status").body);
    all.push_str(&rest.get("/metrics").body);
    let mut wire = Wire::connect(worker.kafka_port).unwrap();
    for topic in ["connect-configs", "connect-status"] {
        for record in wire.read_all(topic, 0).unwrap() {
            all.push_str(&String::from_utf8_lossy(&record.value.unwrap_or_default()));
        }
    }
    all
}

#[test]
fn values_come_from_files_folders_and_the_environment_and_are_not_shown() {
    let worker = worker("providers");
    let path = |name: &str| worker.folder.join(name).display().to_string();
    worker.folder.write("in.txt", "one\n");
    let connectd = worker.start();
    let rest = e2e::Rest::new(worker.rest_port);
    let (secrets, vault) = (path("secrets.properties"), path("vault"));
    let put = |name: &str, config: String| rest.ask("PUT", &format!("/connectors/{name}/config"), &config);
    let source = put(
        "source",
        format!(
            r#"{{"connector.class":"FileStreamSource","file":"{}","topic":"${{dir:{vault}:topic}}","password":"${{file:{secrets}:pass}}","unknown":"${{env:USER_X}}"}}"#,
            path("in.txt")
        ),
    );
    assert_eq!(source.status, 201, "{source:?}");
    let sink = put(
        "sink",
        format!(r#"{{"connector.class":"FileStreamSink","file":"${{file:{secrets}:out}}","topics":"told"}}"#),
    );
    assert_eq!(sink.status, 201, "{sink:?}");
    worker.expect_file("out.txt", "one\n");

    let config = rest.get("/connectors/source/config").json();
    assert_eq!(config["password"], format!("${{file:{secrets}:pass}}"));
    assert_eq!(config["topic"], format!("${{dir:{vault}:topic}}"));
    let tasks = rest.get("/connectors/source/tasks").json();
    assert_eq!(tasks[0]["config"]["topic"], format!("${{dir:{vault}:topic}}"));
    // Where a connector's topics are shown, they are what they are.
    assert_eq!(rest.get("/connectors/source/topics").json()["source"]["topics"], serde_json::json!(["told"]));

    // A task that fails says which reference it failed on, not what is behind it.
    let failing = put(
        "failing",
        format!(
            r#"{{"connector.class":"FileStreamSink","file":"{}/${{file:{secrets}:where}}","topics":"told"}}"#,
            worker.folder.path().display()
        ),
    );
    assert_eq!(failing.status, 201, "{failing:?}");
    until("the task to fail", PATIENCE, || (rest.states("failing") == "RUNNING [FAILED]").then_some(()));
    let trace = rest.get("/connectors/failing/status").json()["tasks"][0]["trace"].as_str().unwrap().to_owned();
    assert!(trace.contains(&format!("${{file:{secrets}:where}}")), "{trace}");

    // A value that validation refuses is quoted as its reference.
    let refused = put(
        "refused",
        format!(r#"{{"connector.class":"FileStreamSink","topics":"told","tasks.max":"${{file:{secrets}:pass}}"}}"#),
    );
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains(":pass}"), "{refused:?}");
    let all = shown(&worker, &connectd.running.log(), &["source", "sink", "failing"]) + &refused.body;
    assert!(!all.contains(SECRET), "{all}");
}

#[test]
fn what_cannot_be_read_is_refused_and_what_is_not_allowed_stays_a_reference() {
    let worker = worker("providers-refused");
    let _connectd = worker.start();
    let rest = e2e::Rest::new(worker.rest_port);
    let put = |config: String| rest.ask("PUT", "/connectors/x/config", &config);
    let class = r#""connector.class":"FileStreamSource","topic":"t""#;
    let missing = worker.folder.join("missing.properties").display().to_string();
    let answer = put(format!(r#"{{{class},"file":"${{file:{missing}:a}}"}}"#));
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(answer.body.contains("Could not read properties from file"), "{answer:?}");
    // Outside of allowed.paths, a variable off the list, a provider that is not there: the text stays.
    for reference in ["${file:/etc/hostname:a}", "${env:USER}", "${vault:secret:a}"] {
        let config = format!(r#"{{{class},"batch.size":"{reference}"}}"#);
        let answer = put(config);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains(&format!("Invalid value {reference} for configuration batch.size")), "{answer:?}");
    }
}
