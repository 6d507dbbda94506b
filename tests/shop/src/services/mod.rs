//! The services of the shop, one file each: what each does for a request, and where it can go wrong.
//!
//! A service gets everything by [`Boot`]: its telemetry, the addresses of the others, the release it
//! runs, and the switches that faults turn. It knows nothing of which fault is on, nor of its tests.

mod boot;
mod cache;
mod cart;
mod catalogue;
mod checkout;
mod frontend;
mod inventory;
mod orders;
mod payment_provider;
mod payments;
mod workers;

pub(crate) use boot::{Boot, Directory, Jitter, Release, Switches};
pub use catalogue::Kind;
pub(crate) use catalogue::{CATALOGUE, Spec};
