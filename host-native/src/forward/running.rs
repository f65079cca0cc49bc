//! Forwarders on threads of their own, beside whatever else uses the engine.

use super::{ForwardError, ForwardSettings, Forwarder, Stop};
use crate::Engine;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Everything that is being forwarded. Dropping it ends it, after the requests under way.
#[derive(Debug, Default)]
pub struct Forwarding {
    running: Vec<(Stop, JoinHandle<()>)>,
}

impl Forwarding {
    /// Starts what the tables `[[forward]]` of a root's `engine.toml` name.
    ///
    /// # Errors
    ///
    /// When the settings make no sense, or as [`Forwarder::open`].
    pub fn start(root: &Path, engine: &Arc<Engine>) -> Result<Self, ForwardError> {
        let mut forwarding = Self::default();
        for settings in ForwardSettings::of_root(root)? {
            forwarding.add(root, engine, settings)?;
        }
        Ok(forwarding)
    }

    fn add(
        &mut self,
        root: &Path,
        engine: &Arc<Engine>,
        settings: ForwardSettings,
    ) -> Result<(), ForwardError> {
        let ForwardSettings { options, interval } = settings;
        let mut forwarder = Forwarder::open(root, options)?;
        let (stop, engine) = (forwarder.stop(), Arc::clone(engine));
        let thread = std::thread::Builder::new().name("nanotdb-forward".into()).spawn(move || {
            // It never gives up: nobody set how often it may fail.
            let _ = forwarder.run(|| Ok(Arc::clone(&engine)), interval);
        });
        let thread = thread.map_err(|error| {
            ForwardError::Options(format!("forward: no thread could be started: {error}"))
        })?;
        self.running.push((stop, thread));
        Ok(())
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.running.iter().for_each(|(stop, _)| stop.stop());
        for (_, thread) in self.running.drain(..) {
            let _ = thread.join();
        }
    }
}
