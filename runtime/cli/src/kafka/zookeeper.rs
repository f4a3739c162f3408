//! `zookeeper-server-start` and `zookeeper-server-stop`, for tutorials that still have them.
//!
//! Invariant: they succeed, so that the tutorial's next step is taken.

use crate::{
    flags::{Flag, switch},
    tool::{Run, Tool},
};

const FLAGS: &[Flag] = &[switch("daemon", "In the background.")];

/// The start.
pub const START: Tool = Tool {
    name: "zookeeper-server-start",
    about: "Nothing: Kafka needs no ZooKeeper any more.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(|_, world| {
        world.out(
            "No ZooKeeper is needed: the broker looks after its metadata by itself, as Kafka does since 4.0. \
             Go on with the next step, which starts the broker: kafka-server-start.\n",
        );
        Ok(0)
    }),
};

/// The stop.
pub const STOP: Tool = Tool {
    name: "zookeeper-server-stop",
    about: "Nothing: Kafka needs no ZooKeeper any more.",
    flags: FLAGS,
    commands: &[],
    run: Run::Here(|_, world| {
        world.out("No ZooKeeper is running, because none is needed. kafka-server-stop stops the broker.\n");
        Ok(0)
    }),
};
