//! {{name}}: a sink that writes each record to the worker's log, after a `greeting`.
//!
//! Offsets are committed after what was put: what `put` took comes again only after a crash. Put where you write to in place of the log.

use connect_sdk::{
    About, Batch, Config, Definition, Error, Format, Importance, Key, Kind, Put, SinkConnector, export_sink, host::log,
};

struct {{type}} {
    greeting: String,
}

impl SinkConnector for {{type}} {
    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "{{class}}")
            .text("{{name}}", "Writes each record to the log.")
            .formats(&[Format::Text])
    }

    fn definition() -> Definition {
        Definition::new([
            Key::new("greeting", Kind::Text, Importance::Medium, "What stands before each record.").default("got")
        ])
    }

    fn start(config: &Config) -> Result<Self, Error> {
        Ok(Self { greeting: config.text("greeting").unwrap_or_default().to_owned() })
    }

    fn put(&mut self, batch: &Batch) -> Result<Put, Error> {
        let mut refused = Put::new();
        for (index, record) in (0..).zip(batch.iter()) {
            match record.value().map(str::from_utf8) {
                Some(Ok(text)) => log::info(&format!("{} {text}", self.greeting)),
                Some(Err(_)) => refused.push((index, Error::bad_data("not.text", "the value is no UTF-8"))),
                None => log::info(&format!("{} nothing", self.greeting)),
            }
        }
        Ok(refused)
    }
}

export_sink!({{type}});
