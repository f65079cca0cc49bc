//! Data files that somebody else deletes or cuts short while the database is open.
//!
//! A handle still leads to a file that was deleted, so nothing fails by itself, and what is
//! appended to it is gone. Therefore names are looked up: before each page is written, and now and
//! then. What memory and the log still have of such a file is written anew; the rest can only be
//! reported.

use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::{FileKind, StoredFile};
use crate::engine::host::{Clock, Host, Shared};
use crate::engine::logs::LogKind;
use crate::engine::state::Readable;
use crate::engine::writer::Writer;
use crate::error::Result;
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::query::{Notes, OnDamage};
use crate::sorted::{SortedMap, SortedSet};
use crate::storage::{Storage, StorageError, StorageErrorKind, StorageFile};
use crate::types::Timestamp;
use crate::wal::{Item, Records};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use hashbrown::HashMap;

/// How often all names are looked up.
const INTERVAL: Duration = Duration::from_secs(10);

/// What is known of files that are not as they were written.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// When they were looked up last.
    looked: Option<Duration>,
    /// What was found of files that samples were lost with, for as long as the database is open.
    for_good: Vec<String>,
    /// What was found the last time of files that may come back.
    now: Vec<String>,
}

/// What somebody else did to a file.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Deleted,
    /// It has so many bytes now, fewer than were written.
    CutTo(u64),
}

impl Loss {
    fn told_of(self, file: &StoredFile) -> String {
        match self {
            Self::Deleted => "deleted by somebody else".to_string(),
            Self::CutTo(len) => format!("cut to {len} of {} bytes by somebody else", file.len),
        }
    }
}

/// Samples, and how often each.
type Counts = HashMap<(u16, i64, u32), usize>;

impl<H: Host> Database<H> {
    /// Files that are gone or shorter than what was written, a sentence each: somebody else
    /// deleted or cut them while the database was open. Looked at now and then by ticks.
    pub fn lost_files(&self) -> Vec<String> {
        self.readable().lost.read(|lost| lost.for_good.iter().chain(&lost.now).cloned().collect())
    }

    /// Looks whether all files are what was written, if that was not done for some time.
    pub(in crate::engine) fn look_for_lost_files(&self) -> Result<()> {
        let now = self.host().clock().monotonic();
        let is_due = self.readable().lost.write(|lost| {
            let is_due = lost.looked.is_none_or(|looked| now.saturating_sub(looked) >= INTERVAL);
            if is_due {
                lost.looked = Some(now);
            }
            is_due
        });
        if is_due { self.check_files() } else { Ok(()) }
    }

    /// Looks whether all files are what was written, and writes anew what memory and log have of
    /// data files that are not. [`lost_files`](Self::lost_files) names all of them.
    ///
    /// # Errors
    ///
    /// Those that stop all later writes.
    pub fn check_files(&self) -> Result<()> {
        let mut missing = Vec::new();
        for (partition, kind, file) in self.suspects()? {
            let Some(what) = self.readable().what_became_of(&file) else { continue };
            if kind == FileKind::Data && !self.readable().read_only {
                self.writer().write(|writer| {
                    writer.check_writable()?;
                    writer.regain(partition)?;
                    writer.flush(partition)
                })?;
            } else if self.readable().is_current(partition, kind, &file) {
                missing.push(format!("{}/{}: {what}", self.name(), file.name));
            }
        }
        self.readable().lost.write(|lost| lost.now = missing);
        Ok(())
    }
}

impl<H: Host> Database<H> {
    /// Files whose names are gone, and those that pages are appended to.
    fn suspects(&self) -> Result<Vec<(Partition, FileKind, StoredFile)>> {
        let files = self.readable().all_files();
        let names: SortedSet<_> = self.readable().storage.list()?.into_iter().collect();
        let appended: SortedSet<Partition> =
            self.writer().read(|writer| writer.appendable.keys().copied().collect());
        let is_suspect = |(partition, kind, file): &(Partition, FileKind, StoredFile)| {
            !names.contains(&file.name) || *kind == FileKind::Data && appended.contains(partition)
        };
        Ok(files.into_iter().filter(is_suspect).collect())
    }
}

impl<H: Host> Readable<H> {
    fn all_files(&self) -> Vec<(Partition, FileKind, StoredFile)> {
        self.state.read(|state| {
            let of = |(&partition, files): (&Partition, &alloc::sync::Arc<_>)| {
                let files: &crate::engine::files::PartitionFiles = files;
                FileKind::ALL
                    .into_iter()
                    .filter_map(|kind| Some((partition, kind, files.get(kind)?.clone())))
                    .collect::<Vec<_>>()
            };
            state.files.iter().flat_map(of).collect()
        })
    }

    /// What happened to a file, if it is not what was written.
    fn loss_of(&self, file: &StoredFile) -> core::result::Result<Option<Loss>, StorageError> {
        match self.storage.open(&file.name).and_then(|handle| handle.len()) {
            Ok(len) if len >= file.len => Ok(None),
            Ok(len) => Ok(Some(Loss::CutTo(len))),
            Err(error) if error.kind == StorageErrorKind::NotFound => Ok(Some(Loss::Deleted)),
            Err(error) => Err(error),
        }
    }

    /// What is to be said of a file that is not what was written, or cannot be opened.
    fn what_became_of(&self, file: &StoredFile) -> Option<String> {
        match self.loss_of(file) {
            Ok(loss) => loss.map(|loss| loss.told_of(file)),
            // Nothing is known of it.
            Err(error) if error.kind == StorageErrorKind::TooManyFiles => None,
            Err(error) => Some(error.detail),
        }
    }

    /// Whether the state still counts on this very file.
    fn is_current(&self, partition: Partition, kind: FileKind, file: &StoredFile) -> bool {
        let generation = |file: &StoredFile| file.generation;
        let now = self.state.read(|state| state.files_of(partition).get(kind).map(generation));
        now == Some(file.generation)
    }

    /// What the logs have of a partition, and how often.
    fn in_logs(&self, partition: Partition) -> Result<Counts> {
        let mut counts = Counts::new();
        for kind in LogKind::ALL {
            let bytes = self.storage.read(&kind.file_name(&self.name)?)?.unwrap_or_default();
            for (_, item) in Records::new(&bytes) {
                if let Item::Record(record, _) = item
                    && partition.range().contains(Timestamp(record.time))
                {
                    *counts.entry((record.id, record.time, record.raw)).or_default() += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Takes out what the other files and the open page of a partition have.
    fn take_known(&self, partition: Partition, counts: &mut Counts) -> Result<()> {
        let passed_over = Notes::new(&self.name);
        let view = self.current_view(partition);
        self.scan(&view, OnDamage::Note(&passed_over), &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                if let Some(count) = counts.get_mut(&(id, time, raw)) {
                    *count = count.saturating_sub(1);
                }
            }
            Ok(())
        })
    }
}

impl<H: Host> Writer<H> {
    /// Looks whether a partition's data file is what was written. If not, the log's samples that
    /// neither it nor the open page has go into the open page, which is to be written next.
    pub(in crate::engine) fn regain(&mut self, partition: Partition) -> Result<()> {
        let files = self.readable.state.read(|state| state.files_of(partition));
        let Some(data) = files.data.clone() else { return Ok(()) };
        // One that cannot be opened may be whole: whoever writes to it will see.
        let Ok(Some(loss)) = self.readable.loss_of(&data) else { return Ok(()) };
        let left = match loss {
            Loss::CutTo(len) => Some(len),
            Loss::Deleted => None,
        };
        // Before anything is forgotten: the log may not be there to be opened just now.
        let mut counts = self.readable.in_logs(partition)?;
        self.forget_data_file(partition);
        self.readable.cache.write(|cache| cache.forget(data.generation));
        self.readable.state.write(|state| {
            state.set_file(partition, FileKind::Data, None);
            let left = left.map(|len| (data.name.clone(), len));
            state.set_file(partition, FileKind::Data, left);
        });
        self.make_appendable(partition)?;
        self.readable.take_known(partition, &mut counts)?;
        let mut regained: SortedMap<(i64, u16, u32), usize> = SortedMap::new();
        for ((id, time, raw), count) in counts {
            regained.insert((time, id, raw), count);
        }
        let now = self.host.clock().monotonic();
        let added: usize = regained.values().sum();
        let in_page = self.readable.state.write(|state| {
            if added == 0 && !state.pages.contains_key(&partition) {
                return 0;
            }
            self.staging.note_page(now);
            let page = state.pages.get_or_insert_with(partition, || OpenPage::new(now));
            for (&(time, id, raw), &count) in &regained {
                for _ in 0..count {
                    page.push(id, time, raw);
                }
            }
            page.logged = true;
            page.len()
        });
        // The log says by the length that the file had which of its samples files may hold.
        self.anchors_are_wrong = true;
        let database = self.readable.name.as_str();
        let note = format!(
            "{database}/{}: {} while in use; {in_page} samples of it are in memory or in the \
             log and are written anew",
            data.name,
            loss.told_of(&data)
        );
        self.host.note(&Event::Noticed { database, note: &note });
        self.readable.lost.write(|lost| lost.for_good.push(note));
        Ok(())
    }
}
