//! What a client gets before any connector is there: codes, headers and bodies of the framework around the handlers. Connectors that
//! run are the end-to-end tests' business.

use std::{path::Path, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, Request, Response, header},
};
use runtime_core::{
    config::{Defaults, OverridePolicy},
    herder::{Herder, Input, Settings, TopicRecord},
    rest::ServerInfo,
    worker_config::WorkerConfig,
};
use tower::ServiceExt;

use super::*;
use crate::{
    cluster::{Answer, Caller, Cluster, Who},
    grants::Grants,
    herd::Tables,
    logging,
    plugins::Sources,
    worker::Worker,
};

/// A cluster that keeps nothing.
struct Nowhere;

impl Cluster for Nowhere {
    fn caller(&self, _: Who) -> Arc<dyn Caller> {
        unreachable!("no task is started")
    }

    fn create_tables(&self, _: &[&str]) -> Answer<()> {
        Box::pin(async { Ok(()) })
    }

    fn read_table(&self, _: &str) -> Answer<Vec<TopicRecord>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn write_table(&self, _: &str, _: Vec<TopicRecord>) -> Answer<()> {
        Box::pin(async { anyhow::bail!("this cluster keeps nothing") })
    }
}

fn worker_config(more: &str) -> WorkerConfig {
    let file = format!(
        "bootstrap.servers=localhost:1\nkey.converter=StringConverter\nvalue.converter=StringConverter\n\
         offset.storage.file.filename=x\n{more}"
    );
    WorkerConfig::from_file("w.properties", file.as_bytes(), |raw| Ok(raw.clone())).unwrap().0
}

async fn app(config: &WorkerConfig) -> App {
    let guests = tokio::runtime::Handle::current();
    let sources = Sources {
        path: Vec::new(),
        cache_dir: crate::plugins::cache_dir(),
        compiler: None,
        defaults: Defaults {
            key_converter: String::new(),
            value_converter: String::new(),
            header_converter: String::new(),
            override_policy: OverridePolicy::All,
        },
        grants: Arc::new(Grants::new(Path::new("/srv"), &config.grants_files)),
        providers: crate::providers::Providers::default(),
    };
    let plugins = Arc::new(Plugins::load(sources, guests.clone()).await.unwrap());
    let settings = Settings { worker_id: "w:1".into(), catalogue: plugins.known().classes(), request_timeout_ms: 1000 };
    let cluster: Arc<dyn Cluster> = Arc::new(Nowhere);
    let metrics = crate::metrics::Metrics::new(config);
    let tables = Tables { configs: "connect-configs".into(), status: "connect-status".into() };
    let herd = Herd::start(Herder::new(settings), cluster.clone(), tables, plugins.clone(), |teller| {
        Worker::new(config, cluster, plugins.clone(), metrics.clone(), teller, guests)
    });
    herd.tell(Input::Start { named: Default::default() }).await;
    App {
        herd,
        plugins,
        loggers: logging::quiet(),
        metrics,
        info: Arc::new(ServerInfo { version: "v".into(), commit: "c".into(), kafka_cluster_id: "k".into() }),
        topic_tracking: (config.topic_tracking_enable, config.topic_tracking_allow_reset),
        scheme: "http",
        answers: Answers::of(&config.rest),
    }
}

/// `METHOD /path`, or `METHOD /path name: value ...` with more headers.
async fn ask(router: &Router, line: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

fn listener(loopback: bool) -> Listener {
    Listener { host: if loopback { "" } else { "10.0.0.1" }.into(), port: 0, https: false }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn refusals_of_the_framework_are_kafkas() {
    let router = router(app(&worker_config("")).await, &listener(true), true);
    for (line, headers, body, status, expected) in [
        ("GET /nowhere", &[][..], "", 404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#),
        ("PUT /connectors", &[], "", 405, r#"{"error_code":405,"message":"HTTP 405 Method Not Allowed"}"#),
        (
            "GET /connectors",
            &[("accept", "text/html")],
            "",
            406,
            r#"{"error_code":406,"message":"HTTP 406 Not Acceptable"}"#,
        ),
        (
            "POST /connectors",
            &[("content-type", "text/plain")],
            "{}",
            415,
            r#"{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}"#,
        ),
        ("POST /connectors", &[], "{}", 415, r#"{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}"#),
    ] {
        let response = ask(&router, line, headers, body).await;
        assert_eq!(response.status(), status, "{line}");
        assert!(!response.headers().contains_key(header::CONTENT_TYPE), "{line}");
        assert_eq!(text(response).await, expected, "{line}");
    }
}

#[tokio::test]
async fn bodies_and_paths() {
    let router = router(app(&worker_config("")).await, &listener(true), true);
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(1 << 20));
    let class = r#"{"name":"c","config":{"connector.class":"FileStreamSnik"}}"#;
    let outside = r#"{"name":"c","config":{"connector.class":"FileStreamSink","topics":"t","file":"/etc/x"}}"#;
    for (line, body, status, says) in [
        ("GET /", "", 200, r#""kafka_cluster_id":"k""#),
        ("GET /health", "", 503, "starting"),
        ("GET /metrics", "", 200, "kafka_connect_worker_connector_count 0"),
        ("GET /connectors/", "", 200, "[]"),
        ("GET /connectors?expand=status", "", 200, "{}"),
        ("GET /connectors/a%20b/config", "", 404, "Connector a b not found"),
        ("GET /connectors/c/tasks/x/status", "", 404, "HTTP 404"),
        ("GET /connectors/c/topics", "", 200, r#"{"c":{"topics":[]}}"#),
        ("POST /connectors", "", 500, "empty"),
        ("POST /connectors", "null", 500, "empty"),
        ("POST /connectors", "{", 500, "Cannot read the body"),
        ("POST /connectors", r#"{"name":"c","config":{"a":null}}"#, 400, "null"),
        ("POST /connectors", r#"{"config":{}}"#, 400, "{name=} contains no connector type"),
        ("POST /connectors/c/tasks", "[]", 500, "standalone mode"),
        ("GET /connectors/c/tasks/-1/status", "", 404, "No status found for task c--1"),
        ("GET /connector-plugins/FileStreamSink/config?version=9.9", "", 400, "[9.9,9.9]"),
        ("POST /connectors", large.as_str(), 413, "larger than"),
        ("POST /connectors", class, 400, "Did you mean FileStreamSink"),
        ("POST /connectors", outside, 400, "connectd.grants.files"),
        ("PUT /connectors/c/config", r#"{"name":"d"}"#, 400, "doesn't match"),
        (
            "PUT /connector-plugins/FileStreamSink/config/validate",
            r#"{"connector.class":"FileStreamSink"}"#,
            200,
            r#""error_count":3"#,
        ),
        (
            "PUT /connector-plugins/FileStreamSource/config/validate",
            r#"{"connector.class":"FileStreamSink"}"#,
            400,
            "does not match",
        ),
        ("PUT /connector-plugins/X/config/validate", "{}", 500, "contains no connector type"),
        ("GET /connector-plugins/FileStreamSource/config", "", 200, "batch.size"),
        ("GET /connector-plugins/nobody/config", "", 404, "nobody"),
        ("GET /admin/loggers/root", "", 200, "INFO"),
        ("PUT /admin/loggers/kafka", "{}", 400, "level"),
        ("PUT /admin/loggers/kafka", r#"{"level":"LOUD"}"#, 404, "LOUD"),
        ("PUT /admin/loggers/kafka", r#"{"level":"debug"}"#, 200, r#"["kafka","kafka.log.Journal","#),
        ("PUT /admin/loggers/kafka?scope=cluster", r#"{"level":"debug"}"#, 204, ""),
        ("DELETE /connectors/c", "", 404, "Connector c not found"),
    ] {
        let response = ask(&router, line, &[JSON], body).await;
        let status_seen = response.status();
        let answer = text(response).await;
        assert_eq!(status_seen, status, "{line} {body:.100}: {answer}");
        assert!(answer.contains(says), "{line} {body:.100}: {answer}");
        if status_seen.as_u16() >= 400 && status_seen != 503 {
            assert!(answer.starts_with(&format!(r#"{{"error_code":{status},"message":""#)), "{line}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_loopback_listener_answers_only_for_this_machine() {
    let app = app(&worker_config("")).await;
    for (on_loopback, host, status) in
        [(true, "localhost:8083", 200), (true, "evil.example:8083", 403), (false, "worker.example", 200)]
    {
        let router = router(app.clone(), &listener(on_loopback), true);
        assert_eq!(ask(&router, "GET /connectors", &[("host", host)], "").await.status(), status, "{host}");
    }
}

#[tokio::test]
async fn the_page_is_closed_to_everything_else() {
    let router = router(app(&worker_config("")).await, &listener(true), true);
    for (line, kind) in [("GET /ui", "text/html"), ("GET /ui/", "text/html"), ("GET /ui/app.js", "text/javascript")] {
        let response = ask(&router, line, &[("accept", "text/html")], "").await;
        assert_eq!(response.status(), 200, "{line}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind), "{line}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let page = text(ask(&router, "GET /ui", &[], "").await).await;
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("onclick"), "nothing foreign");
}

#[tokio::test]
async fn admin_can_be_elsewhere() {
    let app = app(&worker_config("")).await;
    let (main, admin) = (router(app.clone(), &listener(true), false), admin_router(app, &listener(true)));
    for (router, line, status) in [
        (&main, "GET /admin/loggers", 404),
        (&main, "GET /connectors", 200),
        (&admin, "GET /admin/loggers", 200),
        (&admin, "GET /connectors", 404),
    ] {
        assert_eq!(ask(router, line, &[], "").await.status(), status, "{line}");
    }
}

#[tokio::test]
async fn topic_tracking_can_be_off() {
    for (setting, topics, reset) in [("topic.tracking.enable", 403, 403), ("topic.tracking.allow.reset", 200, 403)] {
        let router = router(app(&worker_config(&format!("{setting}=false\n"))).await, &listener(true), true);
        assert_eq!(ask(&router, "GET /connectors/c/topics", &[], "").await.status(), topics, "{setting}");
        assert_eq!(ask(&router, "PUT /connectors/c/topics/reset", &[], "").await.status(), reset, "{setting}");
    }
}

#[tokio::test]
async fn the_operators_headers_and_origins() {
    let config = "access.control.allow.origin=http://console.example\nresponse.http.headers.config=set X-Frame-Options:DENY,add X-Frame-Options:SAMEORIGIN,set Content-Type:text/html,setDate Expires:1000\n";
    let router = router(app(&worker_config(config)).await, &listener(true), true);
    let response = ask(&router, "GET /connectors", &[("origin", "http://console.example")], "").await;
    assert_eq!(response.headers()["access-control-allow-origin"], "http://console.example");
    let values =
        |name| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(values("x-frame-options"), ["DENY", "SAMEORIGIN"]);
    assert_eq!(values("content-type"), ["application/json"], "the answer's own");
    assert!(values("expires")[0].ends_with(" GMT"), "{response:?}");
    let other = ask(&router, "GET /connectors", &[("origin", "http://evil.example")], "").await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
    let preflight = [("origin", "http://console.example"), ("access-control-request-method", "POST")];
    let response = ask(&router, "OPTIONS /connectors", &preflight, "").await;
    assert_eq!(
        (response.status(), &response.headers()["access-control-max-age"]),
        (StatusCode::OK, &HeaderValue::from_static("60"))
    );
}
