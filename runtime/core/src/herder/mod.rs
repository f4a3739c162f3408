//! Which connectors and tasks shall run, and what must be started and stopped so that they do.
//!
//! Start reading here: put something in with [`Herder::handle`], drain [`Herder::poll_output`] until it is empty, then wait
//! until [`Herder::poll_timeout`] or the next input. What is wanted (`wanted`) comes from `connect-configs` alone and moves
//! by [`Herder::replay`] alone; what runs (`live`) is brought in line with it; requests (`operation`) write what is
//! wanted and are answered when both agree. Leaves the doing to the edge.
//! Invariant: a task has at most one run, and the next one begins only when the edge has said that the last one is gone.

mod api;

pub use api::*;
