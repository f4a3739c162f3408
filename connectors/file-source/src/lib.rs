//! FileStreamSource: the lines of a file, or of the standard input, as records.
//!
//! Owns Kafka's configuration and offsets of it. Leaves what is a line to `lines`, and which bytes of which file come next to
//! `follow`. Invariant: the offset behind a record is the byte after its line, in the file as it is.

mod follow;
mod lines;
mod mark;
mod stdin;

use connect_sdk::{
    About, Config, Definition, EosSupport, Error, Format, Importance, Key, Kind, Poll, Records, Scalar, ScalarMap,
    SourceConnector, SourceOffset, export_source, map,
};

const CLASS: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";

struct FileSource {
    input: Input,
    topic: String,
    batch_size: usize,
    /// `{"filename": path as configured}`
    partition: ScalarMap,
}

enum Input {
    File(Box<follow::Follow>),
    Stdin(stdin::Stdin),
}

impl SourceConnector for FileSource {
    fn about() -> About {
        About::new("file-source", env!("CARGO_PKG_VERSION"), CLASS)
            .text(
                "File source",
                "Reads a text file, follows it as it grows, is rotated, truncated or edited, and emits its lines.",
            )
            .formats(&[Format::Text])
            .reads_file("file", "the file whose lines are emitted")
            .reads_stdin("the lines that are emitted where no file is named")
    }

    fn definition() -> Definition {
        let doc = "Source filename. If not specified, the standard input will be used";
        let batch = "The maximum number of records the source task can read from the file each time it is polled";
        Definition::new([
            Key::new("file", Kind::Text, Importance::High, doc),
            Key::new("topic", Kind::Text, Importance::High, "The topic to publish data to").required().non_empty(),
            Key::new("batch.size", Kind::Int, Importance::Low, batch).default(2000),
            Key::new("max.line.bytes", Kind::Int, Importance::Low, "The longest line; the task fails at a longer one.")
                .default(1 << 20)
                .between(1, 8 << 20)
                .extension(),
        ])
    }

    fn alter_offsets(config: &Config, offsets: &[SourceOffset]) -> Result<bool, Error> {
        if file(config).is_none() {
            return refuse(
                "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for \
                 input and offsets are not tracked.",
            );
        }
        for altered in offsets {
            let Some(offset) = &altered.offset else { continue };
            if !altered.partition.iter().any(|(name, _)| name == "filename") {
                return refuse("Partition objects should contain the key 'filename'");
            }
            match offset.iter().find(|(name, _)| name == "position").map(|(_, position)| position) {
                None => return refuse("Offset objects should either be null or contain the key 'position'"),
                Some(Scalar::Null | Scalar::Int(0..)) => {}
                Some(Scalar::Int(_)) => {
                    return refuse("The value for the 'position' key in the offset should be a non-negative value");
                }
                Some(_) => {
                    return refuse("The value for the 'position' key in the offset is expected to be a Long value");
                }
            }
        }
        Ok(true)
    }

    fn exactly_once(config: &Config) -> EosSupport {
        if file(config).is_some() { EosSupport::ExactlyOnce } else { EosSupport::Unsupported }
    }

    fn start(config: &Config) -> Result<Self, Error> {
        let longest = config.int("max.line.bytes").unwrap_or(1 << 20) as usize;
        let (input, name) = match file(config) {
            Some(path) => (Input::File(Box::new(follow::Follow::new(path, longest))), Scalar::Text(path.to_owned())),
            None => (Input::Stdin(stdin::Stdin::new(longest)), Scalar::Null),
        };
        Ok(Self {
            input,
            topic: config.text("topic").unwrap_or_default().to_owned(),
            batch_size: config.int("batch.size").unwrap_or(2000).max(1) as usize,
            partition: map("filename", name),
        })
    }

    fn poll(&mut self, out: &mut Records) -> Result<Poll, Error> {
        out.limit(self.batch_size);
        out.topic(&self.topic);
        match &mut self.input {
            Input::File(follow) => follow.poll(&self.partition, out),
            Input::Stdin(stdin) => stdin.poll(&self.partition, out),
        }
    }
}

/// The file's path as configured; an empty one is none, as in Kafka.
fn file(config: &Config) -> Option<&str> {
    config.text("file").filter(|path| !path.is_empty())
}

fn refuse(why: &str) -> Result<bool, Error> {
    Err(Error::fatal("file.offset", why))
}

export_source!(FileSource);
