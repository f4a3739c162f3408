//! The suite `cluster`: our worker and our console tools beside the real Kafka broker, and Kafka's own tools as the oracle.
//!
//! Owns the script of the transcripts. Leaves the worker's own stories to `worker`, and those of what befalls it to `faults`. Invariant: both sides of a transcript run against one broker, each on topics of its own.

mod faults;
mod secure;
mod worker;

use crate::kafka::Kafka;
use crate::test::Score;
use anyhow::{Context, Result, bail};
use e2e::{Folder, folder::binary, free_port};
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs the suite, or says what it needs.
///
/// # Errors
/// When the broker cannot be started.
pub fn suite() -> Result<Score> {
    if let Some(what) = Kafka::missing() {
        return Ok(Score::skipped(what));
    }
    let kafka = Kafka::fetch()?;
    let folder = Folder::new("cluster");
    let (port, secure) = (free_port(), free_port());
    let broker = secure::broker(&kafka, &folder, port, secure)?;
    let _running = broker.start()?;
    let mut score = Score::default();
    score.add(Score::told("tools through TLS and logins", secure::logins(&kafka, &folder, port, secure)));
    for (name, story) in worker::STORIES.into_iter().chain(faults::STORIES) {
        score.add(Score::told(name, story(port)));
    }
    for (name, script) in SCRIPTS {
        score.add(Score::told(name, transcript(&kafka, port, name, script)));
    }
    Ok(score)
}

/// Tool, input, arguments; `T` stands for the side's own topic.
type Step = (&'static str, &'static str, &'static str);

const PRODUCER: &str = "kafka-console-producer";
const CONSUMER: &str = "kafka-console-consumer";

const SCRIPTS: &[(&str, &[Step])] = &[
    (
        "lines",
        &[
            (PRODUCER, "foo\nbar\n\nlast", "--topic T"),
            (CONSUMER, "", "--topic T --from-beginning --max-messages 4"),
            (CONSUMER, "", "--topic T --partition 0 --offset 1 --max-messages 2"),
            (CONSUMER, "", "--topic T --partition 0 --offset earliest --max-messages 1"),
            (CONSUMER, "", "--topic T --partition 0 --offset latest --timeout-ms 500"),
        ],
    ),
    (
        "keys and headers",
        &[
            (
                PRODUCER,
                "k1:v1\nk2:NULL\n",
                "--topic T --reader-property parse.key=true --reader-property key.separator=: --reader-property null.marker=NULL",
            ),
            (PRODUCER, "h1:x,h2:y\tk3\tv3\n", "--topic T --property parse.key=true --property parse.headers=true"),
            (
                CONSUMER,
                "",
                "--topic T --from-beginning --max-messages 3 --property print.key=true --property print.headers=true --property print.partition=true --property print.offset=true",
            ),
            (
                CONSUMER,
                "",
                "--topic T --from-beginning --max-messages 3 --formatter-property print.key=true --formatter-property key.separator=, --formatter-property null.literal=nothing --formatter-property line.separator=;",
            ),
            (
                CONSUMER,
                "",
                "--topic T --partition 0 --offset 0 --max-messages 3 --formatter org.apache.kafka.tools.consumer.NoOpMessageFormatter",
            ),
        ],
    ),
    (
        "a group goes on where it was",
        &[
            (PRODUCER, "1\n2\n3\n", "--topic T --sync --compression-codec zstd"),
            (CONSUMER, "", "--topic T --group T --from-beginning --max-messages 2"),
            (CONSUMER, "", "--topic T --group T --max-messages 1"),
            (CONSUMER, "", "--topic T --group T --timeout-ms 2000"),
        ],
    ),
    (
        "mistakes",
        &[
            (PRODUCER, "nokey\n", "--topic T --reader-property parse.key=true"),
            (PRODUCER, "x\n", ""),
            (PRODUCER, "x\n", "--topic T --compression-codec foo"),
            (PRODUCER, "x\n", "--topic T --no-such-flag"),
            (PRODUCER, "x\n", "--topic T --producer-property acks=1 --command-property acks=1"),
            (CONSUMER, "", ""),
            (CONSUMER, "", "--topic T --include T"),
            (CONSUMER, "", "--topic T --offset 1"),
            (CONSUMER, "", "--topic T --partition 0 --offset foo"),
            (CONSUMER, "", "--topic T --partition 0 --group g"),
            (CONSUMER, "", "--topic T --group a --consumer-property group.id=b"),
            (CONSUMER, "", "--topic T --isolation-level foo"),
        ],
    ),
];

/// What a step showed: stdout, exit code, whether there was something on stderr.
#[derive(Debug, PartialEq)]
struct Shown {
    stdout: String,
    code: Option<i32>,
    has_stderr: bool,
}

/// The same script with both; the error shows the first step that differs.
fn transcript(kafka: &Kafka, port: u16, name: &str, script: &[Step]) -> Result<()> {
    let topic = name.replace(' ', "-");
    for (tool, input, args) in script {
        let said = || format!("{tool} {args}");
        let theirs = shown(kafka.tool(tool)?, port, input, args, &format!("{topic}-kafka")).with_context(said)?;
        let mut own = Command::new(binary());
        own.arg(tool);
        let ours = shown(own, port, input, args, &format!("{topic}-ours")).with_context(said)?;
        // Kafka's clients warn of things that are no news (a topic that is being made): silence is fine there.
        let same = ours.stdout == theirs.stdout && ours.code == theirs.code && (theirs.has_stderr || !ours.has_stderr);
        let loud = theirs.code == Some(0) || ours.has_stderr;
        if !(same && loud) {
            bail!("{tool} {args}\n  Kafka's: {theirs:?}\n  ours:    {ours:?}");
        }
    }
    Ok(())
}

fn shown(mut tool: Command, port: u16, input: &str, args: &str, topic: &str) -> Result<Shown> {
    tool.args(["--bootstrap-server", &format!("127.0.0.1:{port}")]);
    tool.args(args.split_whitespace().map(|word| if word == "T" { topic } else { word }));
    let mut child = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // A tool that refuses its arguments reads nothing.
    let _ = child.stdin.take().context("it is piped")?.write_all(input.as_bytes());
    let output = child.wait_with_output()?;
    Ok(Shown {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        code: output.status.code(),
        has_stderr: !output.stderr.is_empty(),
    })
}
