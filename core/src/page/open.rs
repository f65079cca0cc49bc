//! The open page of a partition: samples that have not reached its data file.

use super::MAX_RECORDS;
use super::payload::{Columns, RECORD_LEN};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// When a page is full. Any limit suffices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Records, at most [`MAX_RECORDS`] (D-05: the reference writes unreadable frames above).
    pub max_records: usize,
    /// Bytes of plain payload, 14 a record.
    pub max_bytes: u64,
    /// Nanoseconds since the first sample arrived.
    pub max_age_ns: i64,
}

impl PageLimits {
    /// Records that a page takes, at least one.
    pub fn capacity(&self) -> usize {
        let by_bytes = self.max_bytes.div_ceil(u64::try_from(RECORD_LEN).unwrap_or(1));
        let by_bytes = usize::try_from(by_bytes).unwrap_or(usize::MAX);
        self.max_records.min(by_bytes).clamp(1, MAX_RECORDS)
    }

    /// Whether a page of so many records is full.
    pub fn are_reached(&self, records: usize) -> bool {
        let bytes = u64::try_from(records.saturating_mul(RECORD_LEN)).unwrap_or(u64::MAX);
        records >= self.max_records.min(MAX_RECORDS) || bytes >= self.max_bytes
    }
}

/// Records a chunk holds: a view copies at most this many.
const CHUNK: usize = 1024;

/// Samples in arrival order, in chunks that views share.
#[derive(Debug)]
pub struct OpenPage {
    full: Vec<Arc<Columns>>,
    tail: Columns,
    /// When the first sample arrived, by the host's monotonic clock.
    created: Duration,
    start: i64,
    end: i64,
    /// Whether the log holds any of the samples.
    pub logged: bool,
    /// Whether the log lacks any of the samples: these go with the process.
    pub unlogged: bool,
}

/// An open page as it was at one moment; later samples do not show.
#[derive(Debug, Clone, Default)]
pub struct PageView {
    /// The samples in arrival order.
    pub chunks: Vec<Arc<Columns>>,
}

impl OpenPage {
    /// An empty page, made now by the monotonic clock.
    pub fn new(now: Duration) -> Self {
        Self {
            full: Vec::new(),
            tail: Columns::default(),
            created: now,
            start: i64::MAX,
            end: i64::MIN,
            logged: false,
            unlogged: false,
        }
    }

    /// Adds a sample.
    pub fn push(&mut self, id: u16, time: i64, raw: u32) {
        if self.tail.len() >= CHUNK {
            self.full.push(Arc::new(core::mem::take(&mut self.tail)));
        }
        if self.tail.ids.capacity() == 0 && !self.full.is_empty() {
            self.tail.ids.reserve_exact(CHUNK);
            self.tail.times.reserve_exact(CHUNK);
            self.tail.raws.reserve_exact(CHUNK);
        }
        self.tail.push(id, time, raw);
        self.start = self.start.min(time);
        self.end = self.end.max(time);
    }

    /// Forgets all samples but these.
    pub fn retain(&mut self, samples: &Columns) {
        let kept = Self { logged: self.logged, unlogged: self.unlogged, ..Self::new(self.created) };
        *self = kept;
        for ((&id, &time), &raw) in samples.ids.iter().zip(&samples.times).zip(&samples.raws) {
            self.push(id, time, raw);
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK + self.tail.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// Earliest and latest time, in nanoseconds.
    pub fn bounds(&self) -> (i64, i64) {
        (self.start, self.end)
    }

    /// Bytes of plain payload.
    pub fn payload_bytes(&self) -> u64 {
        u64::try_from(self.len() * RECORD_LEN).unwrap_or(u64::MAX)
    }

    /// Nanoseconds since the page was made, by the monotonic clock: its age does not depend on
    /// what the time is said to be.
    pub fn age_ns(&self, now: Duration) -> i64 {
        i64::try_from(now.saturating_sub(self.created).as_nanos()).unwrap_or(i64::MAX)
    }

    /// When the first sample arrived, by the monotonic clock.
    pub fn created(&self) -> Duration {
        self.created
    }

    /// Whether records or bytes reach their limit.
    pub fn is_full(&self, limits: &PageLimits) -> bool {
        limits.are_reached(self.len())
    }

    /// Whether the page is older than the limit allows.
    pub fn is_aged(&self, limits: &PageLimits, now: Duration) -> bool {
        self.age_ns(now) >= limits.max_age_ns
    }

    /// The page as it is now.
    pub fn view(&self) -> PageView {
        let mut chunks = self.full.clone();
        if !self.tail.is_empty() {
            chunks.push(Arc::new(self.tail.clone()));
        }
        PageView { chunks }
    }
}

impl PageView {
    /// All samples in arrival order.
    pub fn to_columns(&self) -> Columns {
        let mut all = Columns::default();
        let count = self.chunks.iter().map(|chunk| chunk.len()).sum();
        all.ids.reserve_exact(count);
        all.times.reserve_exact(count);
        all.raws.reserve_exact(count);
        for chunk in &self.chunks {
            all.extend(chunk);
        }
        all
    }

    /// Visits the samples of metric `id` in arrival order, as (time, raw value).
    pub fn for_each_of(&self, id: u16, mut visit: impl FnMut(i64, u32)) {
        for chunk in &self.chunks {
            for ((&found, &time), &raw) in chunk.ids.iter().zip(&chunk.times).zip(&chunk.raws) {
                if found == id {
                    visit(time, raw);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PageLimits = PageLimits { max_records: 3000, max_bytes: 127_000, max_age_ns: 10 };

    #[test]
    fn a_view_keeps_what_it_saw() {
        let mut page = OpenPage::new(Duration::ZERO);
        for i in 0..2500_u16 {
            page.push(i, i64::from(i), 0);
        }
        let view = page.view();
        page.push(9, 9, 9);
        let seen = view.to_columns();
        assert_eq!(seen.len(), 2500);
        assert!(seen.ids.iter().copied().eq(0..2500));
        assert_eq!(page.len(), 2501);
        assert_eq!(page.bounds(), (0, 2499));
    }

    #[test]
    fn what_is_retained_keeps_its_order_and_the_age_of_the_page() {
        let mut page = OpenPage::new(Duration::from_secs(7));
        page.logged = true;
        (0..3000_u16).for_each(|i| page.push(i, i64::from(i), 0));
        let rest = page.view().to_columns().split_off(1000);
        page.retain(&rest);
        assert!(page.view().to_columns().ids.iter().copied().eq(1000..3000));
        assert_eq!(
            (page.len(), page.bounds(), page.created()),
            (2000, (1000, 2999), Duration::from_secs(7))
        );
        assert!(page.logged && !page.unlogged);
    }

    #[test]
    fn a_page_of_as_many_records_as_it_takes_is_full_and_not_before() {
        for max_bytes in [1, 13, 14, 15, 28, 42_000, 127_000] {
            let limits = PageLimits { max_bytes, ..LIMITS };
            let capacity = limits.capacity();
            assert!(limits.are_reached(capacity), "{max_bytes}");
            assert!(capacity == 1 || !limits.are_reached(capacity - 1), "{max_bytes}");
        }
    }

    #[test]
    fn limits_are_reached_exactly() {
        let mut page = OpenPage::new(Duration::from_nanos(100));
        for _ in 0..2999 {
            page.push(1, 5, 0);
        }
        assert!(!page.is_full(&LIMITS));
        page.push(1, 5, 0);
        assert!(page.is_full(&LIMITS));
        let by_bytes = PageLimits { max_records: 60_000, max_bytes: 42_000, ..LIMITS };
        assert!(page.is_full(&by_bytes));
        assert!(!page.is_full(&PageLimits { max_bytes: 42_001, ..by_bytes }));
        assert!(!page.is_aged(&LIMITS, Duration::from_nanos(109)));
        assert!(page.is_aged(&LIMITS, Duration::from_nanos(110)));
        assert_eq!(page.age_ns(Duration::MAX), i64::MAX);
    }
}
