//! What a Java program sees of transactions: `tests/clients/java/Transactions.java` and the lines that it prints.
//!
//! Owns those lines. They are what the real Kafka answers: `cargo xtask clients java --kafka`.

use super::case::Case;
use std::process::Command;
use std::time::Duration;

/// Kafka looks for transactions whose time is up every ten seconds.
const PATIENCE: Duration = Duration::from_secs(240);

const FACTS: &str = "\
committed are: [a, b, c, d]
all are: [a, b, x, c, y, z, d]
each marker takes an offset: 5 7
while it is open: [before]
while it is open, for all: [before, inside, after]
last stable offset: 1
high watermark: 3
after its abort: [before, after]
last stable offset: 4
interleaved: exactly what was committed: true
interleaved: records in all: 360
the first one's transaction is over: 2
the first one commits: ProducerFencedException
an old one writes: InvalidProducerEpochException
who was fenced wrote nothing: [second]
before its end:\x20
after its abort:\x20
before its end:\x20
after its commit: 7 note
consumed, transformed, produced: [V0, V1, V2, V3, V4, V5]
and committed: 6\x20
a stranger to the group: CommitFailedException
a timeout above the broker's: KafkaException
its time is up: 2
then it commits: refused
what it wrote: []
described: Ongoing 60000 [java-txn-admin-0] true
its producer: 0 OptionalLong[0] true
listed: [java-txn-admin]
unknown: TransactionalIdNotFoundException
after its commit: CompleteCommit []
fenced by an administrator: ProducerFencedException
stable before: 4
stable after an administrator's abort: 6
what counts: [a]
";

/// The program must print these facts.
pub fn java(mut program: Command, bootstrap: &str) -> Case {
    program.arg(bootstrap);
    Case::new("transactions, as a program sees them", program).within(PATIENCE).expect("prints the facts", |out, _| {
        // Its own log goes to the same place.
        let facts = out.lines().filter(|line| !line.starts_with('['));
        facts.eq(FACTS.lines())
    })
}
