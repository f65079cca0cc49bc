//! What queries remember of files: open handles, frame indexes, decoded pages and columns.

use super::grouped::GroupedPage;
use super::source::Relation;
use crate::engine::FrameIndex;
use crate::metric_file::MetricFile;
use crate::storage::StorageFile;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Files whose handles and indexes are kept at most.
const MAX_FILES: usize = 64;
/// Blocks remembered as seen once.
const MAX_SEEN: usize = 16 * 1024;

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
}

impl Block {
    fn size(&self) -> usize {
        match self {
            Self::Page(page) => page.size(),
            Self::Times(times) => times.capacity() * size_of::<i64>(),
            Self::Raws(raws) => raws.capacity() * size_of::<u32>(),
        }
    }
}

/// An opened file.
#[derive(Debug)]
pub(crate) enum OpenFile<F> {
    /// A data file and the frames found in it so far.
    Pages(Arc<F>, Arc<FrameIndex>),
    /// A metric file, its index read.
    Metric(Arc<MetricFile<F>>),
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
/// A block is admitted when it is decoded for the second time: a scan over everything passes
/// through without driving out what is in use, and a first query pays nothing for the cache.
#[derive(Debug)]
pub(crate) struct Cache<F> {
    budget: usize,
    used: usize,
    clock: u64,
    blocks: BTreeMap<BlockKey, (Block, u64)>,
    by_age: BTreeMap<u64, BlockKey>,
    seen: BTreeSet<BlockKey>,
    files: BTreeMap<u64, (OpenFile<F>, u64)>,
    /// How data files relate to metric files: by the generations of both, and for what length of
    /// the data file.
    relations: BTreeMap<(u64, u64), (u64, Relation)>,
}

impl<F: StorageFile> Cache<F> {
    /// An empty cache for blocks of up to `budget` bytes together.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            used: 0,
            clock: 0,
            blocks: BTreeMap::new(),
            by_age: BTreeMap::new(),
            seen: BTreeSet::new(),
            files: BTreeMap::new(),
            relations: BTreeMap::new(),
        }
    }

    /// The block, if it is here.
    pub(crate) fn block(&mut self, key: BlockKey) -> Option<Block> {
        let (block, age) = self.blocks.get_mut(&key)?;
        self.clock += 1;
        self.by_age.remove(age);
        *age = self.clock;
        self.by_age.insert(self.clock, key);
        Some(block.clone())
    }

    /// Whether the block, which is not here, should be offered after decoding: true from the
    /// second time on.
    pub(crate) fn wants(&mut self, key: BlockKey) -> bool {
        if self.budget == 0 {
            return false;
        }
        if self.seen.len() >= MAX_SEEN {
            self.seen.clear();
        }
        !self.seen.insert(key)
    }

    /// Keeps a block, unless it alone exceeds a quarter of the budget.
    pub(crate) fn offer(&mut self, key: BlockKey, block: &Block) {
        let size = block.size();
        if size > self.budget / 4 || self.blocks.contains_key(&key) {
            return;
        }
        while self.used + size > self.budget {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.forget_block(oldest);
        }
        self.clock += 1;
        self.used += size;
        self.by_age.insert(self.clock, key);
        self.blocks.insert(key, (block.clone(), self.clock));
        self.seen.remove(&key);
    }

    /// The opened file of this generation, if it is here.
    pub(crate) fn file(&mut self, generation: u64) -> Option<OpenFile<F>> {
        let (file, age) = self.files.get_mut(&generation)?;
        self.clock += 1;
        *age = self.clock;
        Some(file.clone())
    }

    /// Keeps an opened file, or what is newly known of it.
    pub(crate) fn keep_file(&mut self, generation: u64, file: OpenFile<F>) {
        self.clock += 1;
        if self.files.len() >= MAX_FILES && !self.files.contains_key(&generation) {
            let oldest = self.files.iter().min_by_key(|(_, (_, age))| *age).map(|(&key, _)| key);
            oldest.map(|oldest| self.files.remove(&oldest));
        }
        self.files.insert(generation, (file, self.clock));
    }

    /// How the data file of this length relates to the metric file, if that was found out.
    pub(super) fn relation(&self, metric: u64, data: u64, len: u64) -> Option<Relation> {
        let (known_len, relation) = self.relations.get(&(metric, data))?;
        (*known_len == len).then_some(*relation)
    }

    /// Keeps what was found out.
    pub(super) fn keep_relation(&mut self, metric: u64, data: u64, len: u64, relation: Relation) {
        if self.relations.len() >= MAX_FILES {
            self.relations.clear();
        }
        self.relations.insert((metric, data), (len, relation));
    }

    /// Forgets everything about a file that is about to be removed or replaced.
    pub(crate) fn forget(&mut self, generation: u64) {
        self.relations.retain(|&(metric, data), _| metric != generation && data != generation);
        self.files.remove(&generation);
        let blocks = self.blocks.range((generation, 0)..=(generation, u64::MAX));
        let keys: Vec<BlockKey> = blocks.map(|(&key, _)| key).collect();
        for key in keys {
            self.forget_block(key);
        }
    }

    fn forget_block(&mut self, key: BlockKey) {
        if let Some((block, age)) = self.blocks.remove(&key) {
            self.by_age.remove(&age);
            self.used = self.used.saturating_sub(block.size());
        }
    }
}
