//! Connector configurations: what the framework knows of their keys, and the verdict on one.
//!
//! In reading order: how one comes in (`map`, `submitted`), what its keys are (`keys`, `value`, `catalog`), the verdict
//! (`validate`, `special`, `infos`), and what a valid one means (`settings`).

pub mod catalog;
pub mod infos;
pub mod keys;
pub mod map;
pub mod nearest;
pub mod settings;
mod special;
pub mod submitted;
pub mod topic_creation;
pub mod unknown;
pub mod validate;
pub mod value;
pub mod variables;
pub mod version;

pub use catalog::{Catalog, ClassError, KeysError, Plugin};
pub use infos::ConfigInfos;
pub use map::ConfigMap;
pub use settings::ConnectorSettings;
pub use special::bad_name;
pub use submitted::Submitted;
pub use topic_creation::TopicCreation;
pub use validate::{Defaults, OverridePolicy, validate};
