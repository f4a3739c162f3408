//! A sink that cannot describe itself.

use connect_sdk::{About, Batch, Config, Definition, Error, Put, SinkConnector, export_sink};

struct Speechless;

impl SinkConnector for Speechless {
    fn about() -> About {
        panic!("no words")
    }
    fn definition() -> Definition {
        Definition::default()
    }
    fn start(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }
    fn put(&mut self, _batch: &Batch) -> Result<Put, Error> {
        Ok(Put::new())
    }
}

export_sink!(Speechless);
