//! Who is connected, and who has to make room.
//!
//! There are so many places for connections, and one that says nothing costs its owner nothing.
//! When no place is free, those go that have not proved for a while that they may ask.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a connection may keep a place that others wait for without having been trusted.
const PATIENCE: Duration = Duration::from_secs(1);

/// Most connections in the list before those that are gone are taken out of it.
const MIN_KEPT: usize = 64;

/// The client of one connection.
#[derive(Debug)]
pub(super) struct Peer {
    since: Instant,
    is_trusted: AtomicBool,
    is_busy: AtomicBool,
    leave: Notify,
}

/// The connections of a server that are no more than strangers yet, the oldest first.
#[derive(Debug)]
pub(super) struct Peers {
    places: Arc<Semaphore>,
    strangers: Mutex<VecDeque<Weak<Peer>>>,
}

impl Peer {
    /// It has asked something that not everybody may ask.
    pub(super) fn trust(&self) {
        self.is_trusted.store(true, Ordering::Relaxed);
    }

    /// Says whether a request of it is being worked on.
    pub(super) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// Returns when it has to make room.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }

    fn is_stranger(&self) -> bool {
        !self.is_trusted.load(Ordering::Relaxed)
    }

    fn is_in_the_way(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed) && self.since.elapsed() >= PATIENCE
    }
}

impl Peers {
    /// Room for so many.
    pub(super) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), strangers: Mutex::default() }
    }

    /// Waits for a place. Whoever has one and is in the way loses it.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            match timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await {
                Ok(place) => return place.ok(),
                Err(_) => self.make_room(),
            }
        }
    }

    /// Notes a connection that was accepted.
    pub(super) fn welcome(&self) -> Arc<Peer> {
        let peer = Arc::new(Peer {
            since: Instant::now(),
            is_trusted: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            leave: Notify::new(),
        });
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        if strangers.len() >= MIN_KEPT && strangers.len() == strangers.capacity() {
            strangers.retain(|peer| peer.upgrade().is_some_and(|peer| peer.is_stranger()));
        }
        strangers.push_back(Arc::downgrade(&peer));
        peer
    }

    fn make_room(&self) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.retain(|peer| {
            let Some(peer) = peer.upgrade().filter(|peer| peer.is_stranger()) else { return false };
            let leaves = peer.is_in_the_way();
            if leaves {
                peer.leave.notify_one();
            }
            !leaves
        });
    }
}

/// Connections that a process may have which may open so many files: half of them, the other half
/// is for the store.
pub(super) fn connections_within(files: Option<u64>, wanted: usize) -> usize {
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    wanted.min((files / 2).max(8))
}

/// How many files this process may open, if there is a limit.
#[cfg(unix)]
pub(super) fn limit_of_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// How many files this process may open, if there is a limit.
#[cfg(not(unix))]
pub(super) fn limit_of_files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_half_of_the_files_to_the_store() {
        assert_eq!(connections_within(Some(1024), 1024), 512);
        assert_eq!(connections_within(Some(1 << 20), 1024), 1024);
        assert_eq!(connections_within(None, 1024), 1024);
        assert_eq!((connections_within(Some(4), 1024), connections_within(Some(4), 2)), (8, 2));
    }

    #[test]
    fn a_list_of_many_connections_that_are_gone_stays_short() {
        let peers = Peers::new(1);
        let kept = peers.welcome();
        for _ in 0..10_000 {
            drop(peers.welcome());
        }
        assert!(peers.strangers.lock().unwrap().len() <= 2 * MIN_KEPT);
        assert!(kept.is_stranger());
    }
}
