//! The simulator.
extern crate self as sim;
pub mod audit;
pub mod check;
pub mod disk;
pub mod plan;
pub mod process;
pub mod random;
pub mod run;
pub mod trace;
pub mod workload;
pub mod world;
