//! Tests in real time: each starts its own shop and watches it from outside.

mod changes;
mod collector;
mod faults;
mod lifecycle;
mod telemetry;
mod watch;
