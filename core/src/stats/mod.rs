//! What an engine counts about its own work: types only, filled by the writer and the cache.
//!
//! Everything counts from the opening of the database. Counters are added to under locks that
//! the work holds anyway, and reading them never waits for a disk.

mod summary;

pub use summary::Summary;

use crate::types::Timestamp;
use alloc::collections::VecDeque;
use core::time::Duration;

/// Resets of the log that [`WalStats::recent_resets`] remembers.
pub const MAX_RECENT_RESETS: usize = 256;

/// Counters of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DbStats {
    /// Samples taken in; those of the replayed log are not among them.
    pub samples: u64,
    /// Data files.
    pub data: DataStats,
    /// The write-ahead log.
    pub wal: WalStats,
    /// What opening read from the log.
    pub replay: ReplayStats,
    /// What queries keep in memory.
    pub cache: CacheStats,
    /// What queries read of metric files.
    pub metric_files: MetricFileStats,
}

/// Counters of a database's data files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataStats {
    /// Bytes of the frames that pages became, headers included. Its count is the number of pages
    /// written.
    pub flush_bytes: Summary,
    /// Samples of those pages.
    pub flush_records: Summary,
    /// Compressed bytes of those frames, headers not counted.
    pub flush_compressed: Summary,
    /// Nanoseconds from taking a page to its frame being in the file, synced where the durability
    /// asks for it.
    pub flush_ns: Summary,
    /// Nanoseconds of syncs of data files.
    pub sync_ns: Summary,
}

/// Counters of a database's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalStats {
    /// Records appended, those included that the log held when it was opened.
    pub append_count: u64,
    /// Bytes of those records.
    pub append_bytes: u64,
    /// Bytes in the log now.
    pub buffer_bytes: u64,
    /// Nanoseconds of syncs of the log.
    pub fsync_ns: Summary,
    /// Bytes that the log held each time it was emptied.
    pub reset_bytes: Summary,
    /// Nanoseconds that emptying took, with making durable what the log was needed for.
    pub reset_ns: Summary,
    /// Nanoseconds from one reset to the next.
    pub reset_interval_ns: Summary,
    /// When a record was appended last, since opening.
    pub last_append_at: Option<Timestamp>,
    /// When the log was synced last, since opening.
    pub last_fsync_at: Option<Timestamp>,
    /// The newest resets, oldest first; at most [`MAX_RECENT_RESETS`].
    pub recent_resets: VecDeque<WalReset>,
}

/// One time the log was emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalReset {
    /// When.
    pub at: Timestamp,
    /// Bytes it held.
    pub bytes: u64,
}

/// What opening a database read from its log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayStats {
    /// Records that are whole.
    pub records: u64,
    /// Bytes up to the end of the last of them.
    pub bytes: u64,
    /// 1 when nothing in the log was passed over.
    pub successes: u64,
    /// 1 when something was: damage, or records of unknown metrics.
    pub errors: u64,
}

/// What queries keep in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Decoded pages and columns, limited in bytes.
    pub blocks: CacheUse,
    /// Open files and their indexes, limited in number.
    pub files: CacheUse,
}

/// What queries read of metric files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricFileStats {
    /// Bytes of times and values, as they are in the files: neither indexes nor statistics.
    pub payload_bytes: u64,
    /// Stretches of frames whose statistics stood for their samples, so that those were not
    /// decoded.
    pub spans: u64,
}

/// One kind of thing in a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheUse {
    /// Entries now.
    pub entries: u64,
    /// Bytes they take, about.
    pub bytes: u64,
    /// Entries there may be; 0 when bytes are limited instead.
    pub max_entries: u64,
    /// Bytes they may take; 0 when entries are limited instead.
    pub max_bytes: u64,
    /// How often something was asked for and was there.
    pub hits: u64,
    /// How often something was asked for and was not.
    pub misses: u64,
    /// Entries dropped to make room.
    pub evictions: u64,
}

impl DataStats {
    /// Counts a page that was written.
    pub(crate) fn note_flush(&mut self, frame: u64, records: u64, compressed: u64, took: Duration) {
        self.flush_bytes.add(frame);
        self.flush_records.add(records);
        self.flush_compressed.add(compressed);
        self.flush_ns.add_duration(took);
    }
}

impl WalStats {
    /// When the log was emptied last, since opening.
    pub fn last_reset_at(&self) -> Option<Timestamp> {
        self.recent_resets.back().map(|reset| reset.at)
    }

    /// Counts a sync of the log.
    pub(crate) fn note_sync(&mut self, at: Timestamp, took: Duration) {
        self.fsync_ns.add_duration(took);
        self.last_fsync_at = Some(at);
    }

    /// Counts a reset; `since_last` is the time since the one before.
    pub(crate) fn note_reset(
        &mut self,
        reset: WalReset,
        took: Duration,
        since_last: Option<Duration>,
    ) {
        self.buffer_bytes = 0;
        self.reset_bytes.add(reset.bytes);
        self.reset_ns.add_duration(took);
        if let Some(since_last) = since_last {
            self.reset_interval_ns.add_duration(since_last);
        }
        if self.recent_resets.len() >= MAX_RECENT_RESETS {
            self.recent_resets.pop_front();
        }
        self.recent_resets.push_back(reset);
    }
}

impl CacheUse {
    /// The sum over the caches of several databases.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            bytes: self.bytes.saturating_add(other.bytes),
            max_entries: self.max_entries.saturating_add(other.max_entries),
            max_bytes: self.max_bytes.saturating_add(other.max_bytes),
            hits: self.hits.saturating_add(other.hits),
            misses: self.misses.saturating_add(other.misses),
            evictions: self.evictions.saturating_add(other.evictions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_resets_are_remembered() {
        let mut wal = WalStats::default();
        for at in 0..300 {
            let since_last = (at > 0).then_some(Duration::from_nanos(5));
            let reset = WalReset { at: Timestamp(at), bytes: 10 };
            wal.note_reset(reset, Duration::from_nanos(3), since_last);
        }
        assert_eq!(wal.recent_resets.len(), MAX_RECENT_RESETS);
        assert_eq!(wal.recent_resets.front().map(|reset| reset.at), Some(Timestamp(44)));
        assert_eq!(wal.last_reset_at(), Some(Timestamp(299)));
        assert_eq!(wal.reset_bytes.total(), 3000);
        assert_eq!(wal.reset_interval_ns.count(), 299);
    }
}
