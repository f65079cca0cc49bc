//! NanoTDB in the browser and in Node.
//!
//! The engine needs files whose operations are synchronous. In a browser a [`volume`] in one file
//! of the origin's private file system offers them, in Node the system's own files do; a
//! [`root::Root`] is either. [`session`] is what JavaScript calls: it converts and calls, and has
//! no rules of its own.

mod convert;
mod error;
mod host;
mod memory;
pub mod node;
pub mod opfs;
pub mod root;
pub mod session;
pub mod volume;

pub use host::{WebClock, WebHost};
pub use memory::Memory;

/// Bytes of memory that the module has.
fn memory_bytes() -> f64 {
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0_usize;
    #[expect(clippy::cast_precision_loss, reason = "at most 65,536")]
    let pages = pages as f64;
    pages * 65_536.0
}
