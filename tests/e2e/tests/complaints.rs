//! The same mistake in the same words: when a worker starts with a connector's file, from `connectd connect`, in REST's answer, and in
//! the log of the worker that refused.

use std::process::{Command, Stdio};

use e2e::{
    Connectd, Worker,
    folder::{Folder, binary},
};
use serde_json::json;

/// Where a mistake can be met.
#[derive(Clone, Copy, PartialEq)]
enum Met {
    Everywhere,
    /// A file on the command line may name any file, and replaces a connector that is there.
    NotAtStart,
    /// Said of what is sent; a file does not get that far.
    ByTheCommand,
}

/// A connector's file, and what must be said of it.
struct Mistake {
    file: &'static str,
    met: Met,
    says: &'static [&'static str],
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        file: "name=it\nconnector.clas=FileStreamSource\n",
        met: Met::Everywhere,
        says: &[
            "Connector config {name=it, connector.clas=FileStreamSource} contains no connector type",
            "No such key \"connector.clas\". Did you mean \"connector.class\"?",
        ],
    },
    Mistake {
        file: "name=it\nfile=x\n",
        met: Met::Everywhere,
        says: &["Connector config {name=it, file=x} contains no connector type"],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSorce\n",
        met: Met::Everywhere,
        says: &[
            "Failed to find any class that implements Connector and which name matches FileStreamSorce",
            "Did you mean FileStreamSource?",
        ],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSource\ntopc=t\n",
        met: Met::Everywhere,
        says: &[
            "Missing required configuration \"topic\" which has no default value.",
            "No such key \"topc\". Did you mean \"topic\"?",
        ],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSource\ntopic=t\ntasks.max=none\n",
        met: Met::Everywhere,
        says: &["Invalid value none for configuration tasks.max: Not a number of type INT"],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSource\ntopic=t\nkey.converter=JsonConvertor\n",
        met: Met::Everywhere,
        says: &[
            "Invalid value JsonConvertor for configuration key.converter: Class JsonConvertor could not be found. \
                 Did you mean JsonConverter?",
        ],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSource\ntopic=t\ntransforms=a\n\
               transforms.a.type=org.apache.kafka.connect.transforms.HoistFeld$Value\n",
        met: Met::Everywhere,
        says: &["HoistFeld$Value could not be found. Did you mean HoistField$Value?"],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSource\ntopic=t\ntransforms=a\n\
               transforms.a.type=org.apache.kafka.connect.transforms.HoistField$Value\n",
        met: Met::Everywhere,
        says: &["Missing required configuration \"transforms.a.field\" which has no default value."],
    },
    Mistake {
        file: "{\"name\":\"it\",\"config\":{\"file\"",
        met: Met::Everywhere,
        says: &["EOF while parsing an object at line 1 column 29"],
    },
    Mistake {
        file: "{\"name\":\"it\",\"config\":{\"topics\":[\"a\"]}}",
        met: Met::Everywhere,
        says: &["the value of \"topics\" is an array; write it as text, as in \"topics\": \"a,b\""],
    },
    Mistake {
        file: "name=it\nconnector.class=FileStreamSource\ntopic=t\nfile=/etc/hostname\n",
        met: Met::NotAtStart,
        says: &[
            "Invalid value /etc/hostname for configuration file: a connector made over REST may only name files inside",
            "add its folder to connectd.grants.files, or give the connector a file on the command line",
        ],
    },
    Mistake {
        file: "name=taken\nconnector.class=FileStreamSource\ntopic=t\n",
        met: Met::ByTheCommand,
        says: &["Connector taken already exists"],
    },
];

impl Mistake {
    fn is_json(&self) -> bool {
        self.file.starts_with('{')
    }

    /// As REST takes it.
    fn body(&self) -> String {
        if self.is_json() {
            return self.file.to_owned();
        }
        let pairs: Vec<(&str, &str)> = self.file.lines().filter_map(|line| line.split_once('=')).collect();
        let config: Vec<String> = pairs.iter().map(|(key, value)| format!("{}:{}", json!(key), json!(value))).collect();
        format!("{{\"name\":{},\"config\":{{{}}}}}", json!(pairs[0].1), config.join(","))
    }

    #[track_caller]
    fn check(&self, whence: &str, text: &str) {
        for sentence in self.says {
            assert!(text.contains(sentence), "{whence} does not say {sentence:?} of\n{}\nbut\n{text}", self.file);
        }
    }

    fn check_the_start(&self, number: usize) {
        let worker = Worker::new(&format!("complaint-{number}"));
        let path = worker.folder.write(if self.is_json() { "c.json" } else { "c.properties" }, self.file);
        let (status, output) = worker.file(path).refused();
        assert_eq!(status.code(), Some(3), "{output}");
        self.check("standalone", &output);
        let what = if self.is_json() { "was not created" } else { "error: connector \"it\" was not created" };
        assert!(output.contains(what), "{output}");
    }

    fn check_the_command(&self, folder: &Folder, url: &str, verb: &str) {
        let path = folder.write(if self.is_json() { "c.json" } else { "c.properties" }, self.file);
        let mut command = Command::new(binary());
        command.args(["connect", verb, "--url", url]).arg(path).stdin(Stdio::null());
        let output = command.output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{verb}: {said}");
        self.check(verb, &said);
    }

    fn check_rest_and_the_log(&self, running: &Connectd) {
        let before = running.running.log().len();
        let answer = running.rest.ask("POST", "/connectors", &self.body());
        assert!(answer.status >= 400, "{}", answer.status);
        self.check("REST", answer.json()["message"].as_str().expect("a message"));
        e2e::until("the log to say so", e2e::wait::PATIENCE, || {
            let log = running.running.log();
            let said = &log[before..];
            self.says.iter().all(|sentence| said.contains(sentence)).then_some(())
        });
    }
}

#[test]
fn the_same_words_everywhere() {
    let worker = Worker::new("complaints");
    let running = worker.start();
    let url = format!("http://127.0.0.1:{}", worker.rest_port);
    let taken =
        json!({ "name": "taken", "config": { "connector.class": "FileStreamSource", "topic": "t", "file": "x" } });
    assert_eq!(running.rest.ask("POST", "/connectors", &taken.to_string()).status, 201);
    for (number, mistake) in MISTAKES.iter().enumerate() {
        if mistake.met == Met::Everywhere {
            mistake.check_the_start(number);
        }
        if mistake.met != Met::ByTheCommand {
            mistake.check_the_command(&worker.folder, &url, "validate");
        }
        mistake.check_the_command(&worker.folder, &url, "create");
        mistake.check_rest_and_the_log(&running);
    }
    assert_eq!(running.rest.get("/connectors").json(), json!(["taken"]));
}

#[test]
fn a_key_that_nobody_reads_is_named_where_the_rest_is_good() {
    let worker = Worker::new("unread").connector("it", "EchoSink", &[("topics", "t"), ("topicz", "t")]);
    let running = worker.start();
    e2e::until("the log to say so", e2e::wait::PATIENCE, || {
        let says = "connector \"it\": No such key \"topicz\". Did you mean \"topics\"?";
        running.running.log().contains(says).then_some(())
    });
}
