//! {{name}}: a source that counts up to `last`, a number a record.
//!
//! Behind each record stands the offset from which the next run goes on: pause it, restart it, kill it, and no number is missing or
//! comes twice. Put what you read in place of the number.

use connect_sdk::{
    About, Config, Definition, EosSupport, Error, Format, Importance, Key, Kind, Poll, Records, Scalar, ScalarMap,
    SourceConnector, export_source, host, map,
};

struct {{type}} {
    topic: String,
    last: i64,
    /// What was emitted last.
    number: i64,
    /// What is read; here there is only one thing, whatever it is called.
    partition: ScalarMap,
}

impl SourceConnector for {{type}} {
    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "{{class}}")
            .text("{{name}}", "Emits numbers from 1 on.")
            .formats(&[Format::Text])
    }

    fn definition() -> Definition {
        Definition::new([
            Key::new("topic", Kind::Text, Importance::High, "The topic to publish data to").required().non_empty(),
            Key::new("last", Kind::Int, Importance::Medium, "The number to end with.").default(10).at_least(1),
        ])
    }

    fn exactly_once(_config: &Config) -> EosSupport {
        EosSupport::ExactlyOnce
    }

    fn start(config: &Config) -> Result<Self, Error> {
        let partition = map("counter", Scalar::Text("the only one".to_owned()));
        let number = match host::source_offset(&partition).and_then(|offset| offset.into_iter().next()) {
            Some((_, Scalar::Int(number))) => number,
            _ => 0,
        };
        Ok(Self {
            topic: config.text("topic").unwrap_or_default().to_owned(),
            last: config.int("last").unwrap_or(10),
            number,
            partition,
        })
    }

    fn poll(&mut self, out: &mut Records) -> Result<Poll, Error> {
        out.topic(&self.topic);
        while self.number < self.last && !out.is_full() {
            self.number += 1;
            out.push_text(&self.number.to_string());
            out.checkpoint(&self.partition, map("number", Scalar::Int(self.number)));
        }
        Ok(if out.is_empty() { Poll::Finished } else { Poll::Ready })
    }
}

export_source!({{type}});
