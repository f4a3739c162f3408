//! Why a tool ends without having done what it was asked.
//!
//! Owns the parts of such an end: Kafka's message, what goes where, the exit code, our advice. Leaves the sentence around the message,
//! which differs from tool to tool, to the tools. Invariant: an end that is no success has a message.

/// The end of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Kafka's words for it: what `getMessage` of its exception says.
    pub message: String,
    /// Kafka's exception, such as `TopicExistsException`, if a broker said so.
    pub class: Option<&'static str>,
    /// The broker's error code; 0 if it is not a broker's word.
    pub code: i16,
    /// What Kafka's tool prints on stdout for it, complete.
    pub stdout: String,
    /// The tool's usage follows on stderr.
    pub with_usage: bool,
    /// Kafka's tool prints nothing on stdout for it.
    pub only_stderr: bool,
    /// What to do, in our words, for stderr.
    pub advice: Option<String>,
    /// The exit code.
    pub exit: u8,
}

impl Failure {
    /// An end with exit code 1, for the reason `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit: 1, ..Self::default() }
    }

    /// A command line that cannot be used: the tool's usage follows the message.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { with_usage: true, ..Self::on_stderr(message) }
    }

    /// What happens before Kafka's tool gets to the point where it prints failures on stdout.
    pub fn on_stderr(message: impl Into<String>) -> Self {
        Self { only_stderr: true, ..Self::new(message) }
    }

    /// A flag that Kafka's tool has and ours cannot honour.
    pub fn not_here(flag: &str, why: &str) -> Self {
        Self::new(format!("known, but not supported here: --{flag} ({why}). Nothing was changed."))
    }

    /// What a broker said: its error code (not 0), and its message if it sent one.
    pub fn kafka(code: i16, message: Option<&str>) -> Self {
        let (class, default) = crate::errors::find(code);
        Self { class: Some(class), code, ..Self::new(message.unwrap_or(default)) }
    }

    /// The same with advice of ours.
    pub fn advising(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The same with another exit code.
    pub fn exiting(self, exit: u8) -> Self {
        Self { exit, ..self }
    }

    /// The same, and this stands on stdout, as Kafka's tool has it; unless that is settled already.
    pub fn printing(self, stdout: impl FnOnce(&Failure) -> String) -> Self {
        if self.only_stderr || !self.stdout.is_empty() {
            return self;
        }
        Self { stdout: stdout(&self), ..self }
    }

    /// The same without the exception's name in front.
    pub fn without_class(self) -> Self {
        Self { class: None, ..self }
    }

    /// The same as tools say it that print `Error occurred: ` in front.
    pub fn prefixed(self) -> Self {
        if self.with_usage {
            self
        } else {
            Self { message: format!("Error occurred: {}", self.message), class: None, ..self }
        }
    }

    /// What Java's `toString` makes of the exception: its full class name and its message.
    pub fn java(&self) -> String {
        match self.class {
            Some(class) => format!("org.apache.kafka.common.errors.{class}: {}", self.message),
            None => self.message.clone(),
        }
    }
}
