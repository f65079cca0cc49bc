//! A wish to end, which whoever waits hears of at once.

use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Ends what holds a copy of it.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Stop {
    /// Asks to end.
    pub fn stop(&self) {
        let (stopped, waiting) = &*self.shared;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        waiting.notify_all();
    }

    /// Whether somebody asked to end.
    pub fn is_stopped(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until somebody asks to end; whether somebody did.
    pub fn wait(&self, duration: Duration) -> bool {
        let (stopped, waiting) = &*self.shared;
        let stopped = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = waiting.wait_timeout_while(stopped, duration, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
