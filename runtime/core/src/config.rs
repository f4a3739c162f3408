//! Connector configurations: what the framework knows of their keys, and the verdict on one.

pub mod map;
pub mod submitted;

pub use map::ConfigMap;
pub use submitted::Submitted;
