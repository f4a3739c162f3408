//! What a start says when it is ready: which ports answer, where the data is, what to type next.
//!
//! Invariant: every line holds at 80 columns, unless a path is longer than that, and reads the same without colour.

use std::fmt::Write;

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Banner {
    /// Version of the program.
    pub version: String,
    /// Milliseconds from the start of the process until it was ready.
    pub ready_ms: u64,
    /// `host:port` of the broker.
    pub kafka: Vec<String>,
    /// URLs of the REST API; none for a broker alone.
    pub rest: Vec<String>,
    /// The data folder.
    pub data: String,
    /// Connectors and what they do, such as `local-file-source  RUNNING`.
    pub connectors: Vec<String>,
    /// What else the operator should know.
    pub notes: Vec<String>,
    /// Commands to try.
    pub next: Vec<String>,
}

impl Banner {
    /// The text, with its last newline; `colour` for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let (bold, dim, end) = if colour { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let mut text = format!("{bold}connectd {}{end}   ready in {} ms\n", self.version, self.ready_ms);
        let mut row = |name: &str, value: &str| {
            // A String takes whatever is written to it.
            let _ = writeln!(text, "  {dim}{name:<11}{end}{value}");
        };
        row("kafka", &self.kafka.join("  "));
        if !self.rest.is_empty() {
            row("connect", &self.rest.join("  "));
        }
        row("data", &self.data);
        if !self.connectors.is_empty() {
            row("connectors", &self.connectors.join(", "));
        }
        self.notes.iter().for_each(|note| row("note", note));
        for (at, command) in self.next.iter().enumerate() {
            row(if at == 0 { "try" } else { "" }, command);
        }
        text
    }
}

/// What is said below the help of `connectd` alone where the folder is not empty: `there` are some of its files.
pub fn not_alone(there: &[String]) -> String {
    let settings = there.iter().find(|name| name.ends_with(".properties"));
    let start = match settings {
        Some(name) if name.contains("server") => format!("connectd broker {name}"),
        Some(name) => format!("connectd standalone {name}"),
        None => "connectd broker".to_owned(),
    };
    format!(
        "In an empty folder `connectd` alone runs a demonstration; this one holds {}, and nothing was started.\n\
         To go on: connectd demo, {start}, or connectd doctor.",
        there.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_ports_data_and_what_to_type() {
        let banner = Banner {
            version: "0.1.0".into(),
            ready_ms: 84,
            kafka: vec!["localhost:9092".into()],
            rest: vec!["http://localhost:8083".into()],
            data: "./connectd-data".into(),
            connectors: vec!["local-file-sink".into(), "local-file-source".into()],
            notes: Vec::new(),
            next: vec!["echo test >> test.txt".into(), "curl localhost:8083/connectors".into()],
        };
        let expected = "connectd 0.1.0   ready in 84 ms\n  \
             kafka      localhost:9092\n  \
             connect    http://localhost:8083\n  \
             data       ./connectd-data\n  \
             connectors local-file-sink, local-file-source\n  \
             try        echo test >> test.txt\n             curl localhost:8083/connectors\n";
        assert_eq!(banner.render(false), expected);
        let stripped = banner.render(true).replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "");
        assert_eq!(stripped, expected);
    }
}
