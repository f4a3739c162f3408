//! What the binary finds out for `connectd doctor`.

/// Who is behind a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// Nobody.
    Free,
    /// A broker or worker of ours, or one that speaks the same.
    Ours(String),
    /// Somebody else: who, as far as that can be seen.
    Taken(String),
    /// It cannot be listened on: why.
    Closed(String),
}

/// What was found of a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Where.
    pub path: String,
    /// It is there, and has something in it.
    pub is_used: bool,
    /// Why nothing can be written there.
    pub trouble: Option<String>,
    /// Bytes that are free on its disk, and bytes that the disk has.
    pub space: Option<(u64, u64)>,
    /// Writes go past the page cache (O_DIRECT).
    pub is_direct: bool,
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// This program's version.
    pub version: String,
    /// Of Kafka's API that it keeps.
    pub kafka: String,
    /// The system and its kernel.
    pub system: String,
    /// Port, what it is for, who has it.
    pub ports: Vec<(u16, &'static str, Port)>,
    /// The data folder.
    pub data: Data,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Files that may be open at once.
    pub open_files: Option<u64>,
    /// Where compiled components are kept, and why that cannot be written.
    pub cache: (String, Option<String>),
    /// Files, and what is wrong with them or notes.
    pub files: Vec<(String, Result<Vec<String>, String>)>,
}
