//! Why a start cannot go on from a data folder, said so that an operator knows what to do.

use alloc::string::String;

use crate::disk::DiskError;

/// Why there is nothing to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoverError {
    /// The disk failed.
    Disk(DiskError),
    /// The folder holds something, but not a connectd's data.
    NotOurs {
        /// What is in it.
        why: String,
    },
    /// A newer connectd wrote it.
    Newer {
        /// The file that says so.
        file: String,
        /// The version of its format.
        version: u32,
    },
    /// It is of a node with another id.
    OtherNode {
        /// The folder's.
        found: i32,
        /// The settings'.
        expected: i32,
    },
    /// A folder that Kafka wrote cannot be taken over.
    Foreign {
        /// The folder, relative to the data folder.
        folder: String,
        /// What is wrong with it.
        why: String,
    },
    /// Acknowledged data is not what was written.
    Rot {
        /// The file, relative to the data folder.
        file: String,
        /// Where in it, bytes.
        offset: u64,
        /// What is wrong.
        why: String,
    },
}

impl From<DiskError> for RecoverError {
    fn from(error: DiskError) -> Self {
        RecoverError::Disk(error)
    }
}

impl core::fmt::Display for RecoverError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            RecoverError::Disk(error) => write!(f, "{error}"),
            RecoverError::Foreign { folder, why } => {
                write!(
                    f,
                    "{folder} in the data folder was written by Apache Kafka and cannot be taken over: {why}; move it away, or copy it once more from a Kafka that was stopped"
                )
            }
            RecoverError::NotOurs { why } => {
                write!(f, "the data folder is not connectd's: {why}; name an empty or new folder in broker.log.dirs")
            }
            RecoverError::Newer { file, version } => {
                write!(
                    f,
                    "{file} in the data folder has format {version}, which a newer connectd wrote; start that one, or name another folder"
                )
            }
            RecoverError::OtherNode { found, expected } => {
                write!(
                    f,
                    "the data folder is of node {found}, but broker.node.id is {expected}; set broker.node.id={found}, or name another folder"
                )
            }
            RecoverError::Rot { file, offset, why } => write!(
                f,
                "{file} in the data folder is damaged at byte {offset}: {why}; records were acknowledged that are there or after it, so \
                 nothing was changed: restore the folder from a copy, or keep it aside and name a new one"
            ),
        }
    }
}

impl core::error::Error for RecoverError {}
