//! Full disks, and files that cannot be opened, at each call of one part of the engine's work, on
//! simulated and on real files.
//!
//! [`hinder_everywhere`] lets the first call fail, then the second, and so on until the work needs
//! no further call. Each time the cause goes away again, the store goes on by itself, is stopped, and
//! is opened again: every acknowledged sample is there, and no other.

mod ground;
#[cfg(target_os = "linux")]
mod real;
mod work;

pub use ground::{Ground, Trouble};
pub use work::{Work, hinder_everywhere};
