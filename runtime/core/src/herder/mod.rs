//! Which connectors and tasks shall run, and what must be started and stopped so that they do.
//!
//! Start reading here: put something in with [`Herder::handle`], drain [`Herder::poll_output`] until it is empty, then wait
//! until [`Herder::poll_timeout`] or the next input. What is wanted (`wanted`) comes from `connect-configs` alone and moves
//! by [`Herder::replay`] alone; what runs (`live`) is brought in line with it; requests (`operation`) write what is
//! wanted and are answered when both agree. Leaves the doing to the edge.
//! Invariant: a task has at most one run, and the next one begins only when the edge has said that the last one is gone.

//! The whole surface, beside the types of `api`:
//!
//! ```text
//! Herder::new(Settings) -> Herder
//! load_configs(&mut self, Vec<TopicRecord>) -> Vec<BadRecord>   what connect-configs and connect-status hold at start
//! load_status(&mut self, Vec<TopicRecord>) -> Vec<BadRecord>
//! handle(&mut self, Now, Input), poll_output(&mut self) -> Option<Output>, poll_timeout(&self) -> Option<Now>, is_idle(&self) -> bool
//! names(&self) -> Vec<String>                                   GET /connectors
//! info(&self, name) -> Option<ConnectorInfo>                    GET /connectors/{name} (its config too)
//! status(&self, name) -> Option<ConnectorStatus>                GET …/status, …/tasks/{i}/status
//! tasks(&self, name) -> Option<Vec<TaskInfo>>                   GET …/tasks
//! topics(&self, name) -> Vec<String>                            GET …/topics
//! ```

mod api;

pub use api::*;
