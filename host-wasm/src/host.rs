//! The engine's surroundings in JavaScript: files, the clock, one thread.

use crate::root::{Directory, Root, no_directory};
use core::cell::RefCell;
use core::time::Duration;
use nanotdb_core::Timestamp;
use nanotdb_core::engine::{Clock, Host};
use nanotdb_core::storage::{Result, Storage};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// The clock of JavaScript.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebClock;

impl Clock for WebClock {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    fn now(&self) -> Timestamp {
        Timestamp((js_sys::Date::now() as i64).saturating_mul(1_000_000))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs_f64(performance_now().max(0.0) / 1000.0)
    }
}

/// One data directory.
#[derive(Debug)]
pub struct WebHost {
    root: Root,
    clock: WebClock,
}

impl WebHost {
    /// The surroundings of an engine on this directory.
    pub const fn new(root: Root) -> Self {
        Self { root, clock: WebClock }
    }
}

impl Host for WebHost {
    type Storage = Directory;
    type Shared<T> = RefCell<T>;
    type Clock = WebClock;

    fn clock(&self) -> &WebClock {
        &self.clock
    }

    fn root(&self) -> Result<Directory> {
        Ok(self.root.directory(""))
    }

    fn databases(&self) -> Result<Vec<String>> {
        self.root.databases()
    }

    fn database(&self, name: &str, create: bool) -> Result<Directory> {
        let directory = self.root.directory(name);
        match (&self.root, create) {
            (Root::Node(root), true) => root.make_directory(name)?,
            // Node says so itself when a directory is missing.
            (Root::Node(_), false) => drop(directory.list()?),
            (Root::Volume(_), true) => {}
            (Root::Volume(_), false) => {
                if directory.list()?.is_empty() {
                    return Err(no_directory(name));
                }
            }
        }
        Ok(directory)
    }

    fn measure(&self, put: &mut dyn FnMut(&str, f64)) {
        put("memory_bytes", crate::memory_bytes());
    }
}
