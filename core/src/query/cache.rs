//! What queries remember of files: open handles, frame indexes, decoded pages and columns.

use super::grouped::GroupedPage;
use super::relation::Relation;
use crate::engine::{FrameEntry, FrameIndex};
use crate::metric_file::{MetricFile, Span, Statistics};
use crate::sorted::SortedMap;
use crate::stats::{CacheStats, CacheUse, MetricFileStats};
use crate::storage::StorageFile;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// Files whose handles and indexes are kept at most.
const MAX_FILES: usize = 64;
/// Blocks remembered as seen once.
const MAX_SEEN: usize = 16 * 1024;
/// Pairs of files whose relation is kept: what finding it out costs is reading both.
const MAX_RELATIONS: usize = 4096;

/// Entries about blocks that are gone, or were asked for again, that are always borne with.
const MIN_STALE: usize = 64;

/// Names a block of decoded data: file generation, and where the block starts in the file.
pub(crate) type BlockKey = (u64, u64);

/// A decoded block.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    /// A raw page.
    Page(Arc<GroupedPage>),
    /// Times of a metric file's frame.
    Times(Arc<Vec<i64>>),
    /// Values of a metric file's frame.
    Raws(Arc<Vec<u32>>),
    /// What is known of a metric file's frame without decoding it.
    Statistics(Arc<Statistics>),
}

impl Block {
    const fn is_times(&self) -> bool {
        matches!(self, Self::Times(_))
    }

    fn size(&self) -> usize {
        match self {
            Self::Page(page) => page.size(),
            Self::Times(times) => times.capacity() * size_of::<i64>(),
            Self::Raws(raws) => raws.capacity() * size_of::<u32>(),
            Self::Statistics(known) => {
                size_of::<Statistics>() + known.spans.capacity() * size_of::<Span>()
            }
        }
    }
}

/// A block in the cache.
#[derive(Debug)]
struct Kept {
    block: Block,
    /// When it was last asked for.
    age: u64,
    /// How often it was asked for.
    asked: u32,
}

/// An opened file.
#[derive(Debug)]
pub(crate) enum OpenFile<F> {
    /// A data file and the frames found in it so far.
    Pages(Arc<F>, Arc<FrameIndex>),
    /// A metric file, its index read.
    Metric(Arc<MetricFile<F>>),
}

impl<F> OpenFile<F> {
    /// Bytes of its index, about.
    fn size(&self) -> usize {
        match self {
            Self::Pages(_, index) => index.frames.capacity() * size_of::<FrameEntry>(),
            Self::Metric(file) => file.index_size(),
        }
    }

    /// Bytes of times and values that were read of it.
    fn payload_bytes(&self) -> u64
    where
        F: StorageFile,
    {
        match self {
            Self::Pages(..) => 0,
            Self::Metric(file) => file.payload_bytes_read(),
        }
    }
}

/// Whether the block is there and was not asked for since.
fn is_current(blocks: &HashMap<BlockKey, Kept>, (age, key): &(u64, BlockKey)) -> bool {
    blocks.get(key).is_some_and(|kept| kept.age == *age)
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl<F> Clone for OpenFile<F> {
    fn clone(&self) -> Self {
        match self {
            Self::Pages(file, index) => Self::Pages(Arc::clone(file), Arc::clone(index)),
            Self::Metric(file) => Self::Metric(Arc::clone(file)),
        }
    }
}

/// The cache of one database. Blocks are bounded in bytes, files in number; the least recently
/// used go first.
///
/// A block is admitted when it is decoded for the second time, so that a first query pays nothing
/// for the cache. When the cache is full, it must moreover have been asked for more often than
/// the block that has to go: a scan over more than fits passes through without driving out what
/// is in use.
#[derive(Debug)]
pub(crate) struct Cache<F> {
    budget: usize,
    /// Time vectors kept at most, and how many are: `metrics.time_cache_slots`.
    max_times: usize,
    times: usize,
    used: usize,
    clock: u64,
    blocks: HashMap<BlockKey, Kept>,
    /// Blocks in the order they were asked for, and when. Only the last time counts: entries
    /// whose block is gone, or was asked for again, are passed over, and cleared out before they
    /// are too many.
    by_age: VecDeque<(u64, BlockKey)>,
    /// How often blocks that are not here were asked for.
    seen: HashMap<BlockKey, u32>,
    files: SortedMap<u64, (OpenFile<F>, u64)>,
    /// How data files relate to metric files: by the generations of both, and for what length of
    /// the data file.
    relations: SortedMap<(u64, u64), (u64, Relation)>,
    blocks_use: Asked,
    files_use: Asked,
    /// Spans of metric files that stood for their points.
    spans: u64,
    /// Bytes read of metric files that are no longer among `files`.
    payload_bytes: u64,
}

/// How the questions for one kind of entry were answered.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    hits: u64,
    misses: u64,
    evictions: u64,
}

impl<F: StorageFile> Cache<F> {
    /// An empty cache for blocks of up to `budget` bytes together, among them so many vectors of
    /// times.
    pub(crate) fn new(budget: usize, max_times: usize) -> Self {
        Self {
            budget,
            max_times,
            times: 0,
            used: 0,
            clock: 0,
            blocks: HashMap::new(),
            by_age: VecDeque::new(),
            seen: HashMap::new(),
            files: SortedMap::new(),
            relations: SortedMap::new(),
            blocks_use: Asked::default(),
            files_use: Asked::default(),
            spans: 0,
            payload_bytes: 0,
        }
    }

    /// The block, if it is here.
    pub(crate) fn block(&mut self, key: BlockKey) -> Option<Block> {
        let Some(kept) = self.blocks.get_mut(&key) else {
            self.blocks_use.misses += 1;
            return None;
        };
        self.blocks_use.hits += 1;
        self.clock += 1;
        kept.age = self.clock;
        kept.asked = kept.asked.saturating_add(1);
        let block = kept.block.clone();
        self.note_age(key);
        Some(block)
    }

    /// Notes that the block was asked for now.
    fn note_age(&mut self, key: BlockKey) {
        if self.by_age.len() > 2 * self.blocks.len() + MIN_STALE {
            let blocks = &self.blocks;
            self.by_age.retain(|entry| is_current(blocks, entry));
        }
        self.by_age.push_back((self.clock, key));
    }

    /// The block that was not asked for the longest.
    fn oldest(&mut self) -> Option<BlockKey> {
        while let Some(entry) = self.by_age.front() {
            if is_current(&self.blocks, entry) {
                return Some(entry.1);
            }
            self.by_age.pop_front();
        }
        None
    }

    /// Notes that so many spans of metric files stood for their points.
    pub(crate) fn note_spans(&mut self, count: usize) {
        self.spans = self.spans.saturating_add(to_u64(count));
    }

    /// Whether the block, which is not here and takes about `size` bytes, should be offered
    /// after decoding.
    pub(crate) fn wants(&mut self, key: BlockKey, size: usize) -> bool {
        self.wants_after(key, size, 2)
    }

    /// The same of a block that is not wanted before it was asked for so often, twice at least.
    pub(crate) fn wants_after(&mut self, key: BlockKey, size: usize, asks: u32) -> bool {
        if size > self.budget / 4 {
            return false;
        }
        if self.seen.len() >= MAX_SEEN {
            self.grow_old();
        }
        let asked = self.seen.entry(key).or_default();
        *asked = asked.saturating_add(1);
        if *asked < asks.max(2) {
            return false;
        }
        let asked = *asked;
        let oldest = self.oldest().and_then(|key| self.blocks.get(&key));
        let is_full = self.used.saturating_add(size) > self.budget;
        !is_full || oldest.is_none_or(|oldest| asked > oldest.asked.saturating_add(1))
    }

    /// Forgets half of what was asked for, so that what was popular once does not stay for ever.
    fn grow_old(&mut self) {
        self.seen.retain(|_, asked| {
            *asked /= 2;
            *asked > 0
        });
        for kept in self.blocks.values_mut() {
            kept.asked /= 2;
        }
    }

    /// Keeps a block that [`wants`](Self::wants) asked for.
    pub(crate) fn offer(&mut self, key: BlockKey, block: &Block) {
        let size = block.size();
        if size > self.budget / 4 || self.blocks.contains_key(&key) {
            return;
        }
        while self.used + size > self.budget {
            let Some(oldest) = self.oldest() else { break };
            self.evict(oldest);
        }
        if block.is_times() {
            if self.times >= self.max_times {
                let is_times = |entry: &&(u64, BlockKey)| {
                    is_current(&self.blocks, entry)
                        && self.blocks.get(&entry.1).is_some_and(|kept| kept.block.is_times())
                };
                let Some(&(_, oldest)) = self.by_age.iter().find(is_times) else { return };
                self.evict(oldest);
            }
            self.times += 1;
        }
        self.clock += 1;
        self.used += size;
        self.note_age(key);
        let asked = self.seen.remove(&key).unwrap_or(1);
        self.blocks.insert(key, Kept { block: block.clone(), age: self.clock, asked });
    }

    /// The opened file of this generation, if it is here.
    pub(crate) fn file(&mut self, generation: u64) -> Option<OpenFile<F>> {
        let Some((file, age)) = self.files.get_mut(&generation) else {
            self.files_use.misses += 1;
            return None;
        };
        self.files_use.hits += 1;
        self.clock += 1;
        *age = self.clock;
        Some(file.clone())
    }

    /// Keeps an opened file, or what is newly known of it.
    pub(crate) fn keep_file(&mut self, generation: u64, file: OpenFile<F>) {
        self.clock += 1;
        if self.files.len() >= MAX_FILES && !self.files.contains_key(&generation) {
            let oldest = self.files.iter().min_by_key(|(_, (_, age))| *age).map(|(&key, _)| key);
            if let Some(oldest) = oldest {
                self.drop_file(oldest);
            }
            self.files_use.evictions += 1;
        }
        self.drop_file(generation);
        self.files.insert(generation, (file, self.clock));
    }

    /// Lets go of an opened file, but not of what was counted about it.
    fn drop_file(&mut self, generation: u64) {
        let dropped = self.files.remove(&generation);
        let bytes = dropped.map_or(0, |(file, _)| file.payload_bytes());
        self.payload_bytes = self.payload_bytes.saturating_add(bytes);
    }

    /// What was read of metric files. What a query still reads of one that is no longer kept here
    /// is not counted.
    pub(crate) fn metric_file_stats(&self) -> MetricFileStats {
        let open = self.files.values().map(|(file, _)| file.payload_bytes());
        let payload_bytes = open.fold(self.payload_bytes, u64::saturating_add);
        MetricFileStats { payload_bytes, spans: self.spans }
    }

    /// How much is kept, and how often it was of use.
    pub(crate) fn stats(&self) -> CacheStats {
        let use_of = |asked: Asked, entries, bytes, max_entries, max_bytes| CacheUse {
            entries: to_u64(entries),
            bytes: to_u64(bytes),
            max_entries: to_u64(max_entries),
            max_bytes: to_u64(max_bytes),
            hits: asked.hits,
            misses: asked.misses,
            evictions: asked.evictions,
        };
        let file_bytes = self.files.values().map(|(file, _)| file.size()).sum();
        CacheStats {
            blocks: use_of(self.blocks_use, self.blocks.len(), self.used, 0, self.budget),
            files: use_of(self.files_use, self.files.len(), file_bytes, MAX_FILES, 0),
        }
    }

    /// How the data file of this length relates to the metric file, if that was found out.
    pub(super) fn relation(&self, metric: u64, data: u64, len: u64) -> Option<Relation> {
        let (known_len, relation) = self.relations.get(&(metric, data))?;
        (*known_len == len).then_some(*relation)
    }

    /// Keeps what was found out.
    pub(super) fn keep_relation(&mut self, metric: u64, data: u64, len: u64, relation: Relation) {
        if self.relations.len() >= MAX_RELATIONS {
            self.relations.clear();
        }
        self.relations.insert((metric, data), (len, relation));
    }

    /// Forgets everything about a file that is about to be removed or replaced.
    pub(crate) fn forget(&mut self, generation: u64) {
        self.relations.retain(|&(metric, data), _| metric != generation && data != generation);
        self.drop_file(generation);
        let of_file = self.blocks.keys().filter(|key| key.0 == generation);
        let keys: Vec<BlockKey> = of_file.copied().collect();
        for key in keys {
            self.forget_block(key);
        }
    }

    fn evict(&mut self, key: BlockKey) {
        self.forget_block(key);
        self.blocks_use.evictions += 1;
    }

    fn forget_block(&mut self, key: BlockKey) {
        if let Some(kept) = self.blocks.remove(&key) {
            self.times -= usize::from(kept.block.is_times());
            self.used = self.used.saturating_sub(kept.block.size());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryFile;
    use alloc::vec;

    const SIZE: usize = 800;

    /// Asks for a block as a query does; says whether it was in the cache.
    fn ask(cache: &mut Cache<MemoryFile>, at: u64) -> bool {
        if cache.block((1, at)).is_some() {
            return true;
        }
        if cache.wants((1, at), SIZE) {
            cache.offer((1, at), &Block::Times(Arc::new(vec![0; SIZE / 8])));
        }
        false
    }

    #[test]
    fn a_block_is_kept_from_the_second_time_on() {
        let mut cache = Cache::new(10 * SIZE, 100);
        assert!(!ask(&mut cache, 0));
        assert!(!ask(&mut cache, 0));
        assert!(ask(&mut cache, 0));
        cache.forget(1);
        assert!(!ask(&mut cache, 0));
        assert_eq!(cache.used, 0);
    }

    #[test]
    fn the_budget_holds_and_scans_do_not_drive_out_what_is_in_use() {
        let mut cache = Cache::new(10 * SIZE, 100);
        for _ in 0..20 {
            for at in 0..5 {
                ask(&mut cache, at);
            }
        }
        let mut hits = 0;
        for _ in 0..6 {
            for at in 100..200 {
                hits += u32::from(ask(&mut cache, at));
                assert!(cache.used <= 10 * SIZE);
            }
        }
        assert!((0..5).all(|at| ask(&mut cache, at)), "in use before the scan");
        assert!(hits >= 10, "a part of the scan stays: {hits} hits");
    }

    #[test]
    fn nothing_is_kept_without_a_budget() {
        let mut cache = Cache::new(0, 100);
        assert!((0..5).all(|_| !ask(&mut cache, 0)));
    }

    #[test]
    fn no_more_vectors_of_times_are_kept_than_there_are_slots() {
        let mut cache = Cache::new(100 * SIZE, 3);
        for at in 0..10 {
            assert!((0..2).all(|_| !ask(&mut cache, at)));
            assert_eq!(cache.times, cache.blocks.len());
            assert!(cache.times <= 3);
        }
        assert!((7..10).all(|at| ask(&mut cache, at)), "the last are there");
        cache.forget(1);
        assert_eq!((cache.times, cache.used), (0, 0));
    }
}
