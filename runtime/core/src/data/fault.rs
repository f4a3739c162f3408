//! What is wrong with a record, as Kafka names it.

use alloc::string::String;

/// An exception of Kafka Connect: its class and its message. Status, log and dead letter queue show both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Full name of the exception's class.
    pub class: &'static str,
    /// Its message.
    pub message: String,
}

impl Fault {
    /// `DataException`: the record does not fit.
    pub fn data(message: impl Into<String>) -> Self {
        Self { class: "org.apache.kafka.connect.errors.DataException", message: message.into() }
    }

    /// `SchemaBuilderException`: no schema can be made for it.
    pub fn schema(message: impl Into<String>) -> Self {
        Self { class: "org.apache.kafka.connect.errors.SchemaBuilderException", message: message.into() }
    }

    /// Any other.
    pub fn of(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }
}

impl From<String> for Fault {
    /// A `DataException`, as almost everything is that is wrong with a record.
    fn from(message: String) -> Self {
        Self::data(message)
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::data(message)
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}
