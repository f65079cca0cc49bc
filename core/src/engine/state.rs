//! What the writer and the queries of one database share, and views of it.

use super::files::{FileKind, PartitionFiles, StoredFile};
use super::host::{Host, Shared};
use super::ids::IdUsage;
use super::upkeep::lost::Lost;
use crate::catalog::Catalog;
use crate::compress::{BlockCodec, CodecId, Codecs};
use crate::page::{OpenPage, PageView};
use crate::partition::Partition;
use crate::query::Cache;
use crate::sorted::{SortedMap, SortedSet};
use crate::stats::DbStats;
use crate::storage::{FileName, Storage};
use crate::types::TimeRange;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A database's files of the host's kind.
pub(crate) type FileOf<H> = <<H as Host>::Storage as Storage>::File;

/// Changed by the writer alone, under one short lock at a time, so that every query sees a
/// moment at which samples are either in the open page or in the file, never in both or neither
/// (D-22).
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) catalog: Catalog,
    pub(crate) pages: SortedMap<Partition, OpenPage>,
    pub(crate) files: SortedMap<Partition, Arc<PartitionFiles>>,
    /// Which metric ids the files use.
    pub(crate) ids: IdUsage,
    /// Partitions that the reference has written events of. Nobody here does.
    pub(crate) events: SortedSet<Partition>,
    /// Counters, but for those of the cache, which has its own. Here, so that reading them never
    /// waits for a disk.
    pub(crate) stats: DbStats,
    next_generation: u64,
}

impl State {
    /// The files of a partition, none if there are none.
    pub(crate) fn files_of(&self, partition: Partition) -> Arc<PartitionFiles> {
        self.files.get(&partition).cloned().unwrap_or_default()
    }

    /// Notes that a file has `len` bytes that count; `None` when it is gone.
    ///
    /// A file that was there keeps its generation, one that is new gets another.
    pub(crate) fn set_file(
        &mut self,
        partition: Partition,
        kind: FileKind,
        file: Option<(FileName, u64)>,
    ) {
        let mut files = PartitionFiles::clone(&self.files_of(partition));
        let slot = files.get_mut(kind);
        *slot = file.map(|(name, len)| {
            let generation = slot.as_ref().map_or_else(
                || {
                    self.next_generation += 1;
                    self.next_generation
                },
                |old| old.generation,
            );
            StoredFile { name, len, generation }
        });
        if files.is_empty() {
            self.files.remove(&partition);
        } else {
            self.files.insert(partition, Arc::new(files));
        }
    }

    /// Whether samples were taken that would go with the process: those that are neither in the
    /// log, because the settings keep them out of it, nor in a file yet.
    pub(crate) fn has_unlogged(&self) -> bool {
        self.pages.values().any(|page| page.unlogged)
    }

    /// Whether the log has samples that are in no file yet.
    pub(crate) fn needs_log(&self) -> bool {
        self.pages.values().any(|page| page.logged)
    }

    /// Notes that another file has taken the place of this one, if there was one: the new file
    /// gets a generation of its own, so that nobody takes it for the old one.
    pub(crate) fn replace_file(
        &mut self,
        partition: Partition,
        kind: FileKind,
        file: (FileName, u64),
    ) {
        self.set_file(partition, kind, None);
        self.set_file(partition, kind, Some(file));
    }
}

/// The read side of one database.
pub(crate) struct Readable<H: Host> {
    pub(crate) name: String,
    pub(crate) storage: H::Storage,
    pub(crate) codecs: Codecs,
    pub(crate) state: H::Shared<State>,
    pub(crate) cache: H::Shared<Cache<FileOf<H>>>,
    /// Files that somebody else deleted or cut.
    pub(crate) lost: H::Shared<Lost>,
    /// Whether nobody here writes; another process may be appending to the newest files.
    pub(crate) read_only: bool,
}

impl<H: Host> fmt::Debug for Readable<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One partition at the moment a view was taken.
#[derive(Debug, Clone)]
pub(crate) struct PartitionView {
    pub(crate) partition: Partition,
    pub(crate) files: Arc<PartitionFiles>,
    pub(crate) page: Option<PageView>,
}

impl<H: Host> Readable<H> {
    /// The codec of raw pages.
    pub(crate) fn page_codec(&self) -> &'static dyn BlockCodec {
        self.codecs.get(CodecId::S2)
    }

    /// One partition as it is now.
    pub(crate) fn current_view(&self, partition: Partition) -> PartitionView {
        self.state.read(|state| PartitionView {
            partition,
            files: state.files_of(partition),
            page: state.pages.get(&partition).filter(|page| !page.is_empty()).map(OpenPage::view),
        })
    }

    /// The partitions that may hold samples of `range`, in order of time.
    pub(crate) fn view(&self, range: TimeRange) -> Vec<PartitionView> {
        self.state.read(|state| {
            let mut views: SortedMap<Partition, PartitionView> = SortedMap::new();
            for (&partition, files) in &state.files {
                if partition.range().overlaps(range) {
                    let files = Arc::clone(files);
                    views.insert(partition, PartitionView { partition, files, page: None });
                }
            }
            for (&partition, page) in &state.pages {
                let (from, to) = page.bounds();
                if page.is_empty() || to < range.from.0 || from > range.to.0 {
                    continue;
                }
                let view = views.get_or_insert_with(partition, || PartitionView {
                    partition,
                    files: Arc::default(),
                    page: None,
                });
                view.page = Some(page.view());
            }
            views.into_values().collect()
        })
    }
}
