//! Retention: what is old enough is deleted, or moved into an archive.
//!
//! A partition expires when all of it is older than `retention_days` by the clock (D-10): the
//! reference looks at the partition's first day, and takes a sample's time for the clock. Data
//! file, raw file and metric file go together.

use super::back_off::BackOff;
use super::copy::{PIECE, copy};
use crate::engine::clock_watch::{ClockJump, ClockWatch};
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::{FileKind, StoredFile};
use crate::engine::host::{Clock, Host, Shared};
use crate::engine::writer::to_u64;
use crate::error::{Error, Rejection, Result};
use crate::page::OpenPage;
use crate::partition::{NANOS_PER_DAY, Partition};
use crate::query::invalid;
use crate::settings::{Partitioning, RetentionAction};
use crate::sorted::sort_by;
use crate::storage::{FileName, Storage, StorageErrorKind, StorageFile};
use crate::tar;
use crate::types::Timestamp;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A partition that retention took away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retired {
    /// Key of the partition.
    pub partition: String,
    /// The files that are gone.
    pub files: Vec<FileName>,
    /// Bytes of those files.
    pub bytes: u64,
    /// The archive that has them now, if they were archived.
    pub archive: Option<FileName>,
}

impl<H: Host> Database<H> {
    /// Deletes or archives the partitions that have expired, as the manifest says. The engine's
    /// tick does it, too, but not for a while after it failed there.
    ///
    /// # Errors
    ///
    /// `Rejected` when something has expired only by a clock that is not believed, see
    /// [`Engine::check_clock`](crate::engine::Engine::check_clock).
    /// When files cannot be read, written or deleted. What was done until then stays done; no
    /// file is deleted before its archive is durable.
    pub fn apply_retention(&self) -> Result<Vec<Retired>> {
        let now = self.retention_clock();
        self.refuse_by_doubted_clock(now)?;
        self.apply_retention_at(now)
    }

    /// As [`apply_retention`](Self::apply_retention), for what has expired by `now`.
    pub(in crate::engine) fn apply_retention_at(&self, now: Timestamp) -> Result<Vec<Retired>> {
        let action = self.settings().retention_action;
        if action == RetentionAction::Keep {
            return Ok(Vec::new());
        }
        self.writer().write(|writer| writer.check_writable())?;
        let (mut retired, mut failed) = (Vec::new(), None);
        for partition in self.expired(now) {
            // Not while a metric file is built from what is about to go.
            match self.builds().write(|()| self.retire(partition, action)) {
                Ok(gone) => retired.extend(gone),
                Err(error) => {
                    self.host()
                        .note(&Event::RetentionFailed { database: self.name(), error: &error });
                    failed = Some(error);
                    break;
                }
            }
        }
        if !retired.is_empty() {
            let (database, partitions) = (self.name(), retired.len());
            self.host().note(&Event::RetentionRan { database, partitions });
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.retention().write(BackOff::note_success);
        Ok(retired)
    }

    /// Says that nothing is done where something has expired by the clock, but not by the time that
    /// is believed instead.
    fn refuse_by_doubted_clock(&self, believed: Timestamp) -> Result<()> {
        let expired = |now| self.expired(now).len();
        let Some(jump) = self.clock().read(ClockWatch::jump) else { return Ok(()) };
        if expired(jump.now) <= expired(believed) {
            return Ok(());
        }
        let ClockJump { now, expected, max_jump_ns, .. } = jump;
        Err(Rejection::ClockJumped { now, expected, max_jump_ns }.into())
    }

    /// Whether a tick at this time tries to take something away.
    pub(in crate::engine) fn retires_at(&self, now: Timestamp) -> bool {
        let monotonic = self.host().clock().monotonic();
        self.retention().read(|retention| retention.is_over(monotonic))
            && !self.expired(now).is_empty()
    }

    /// Partitions that end before this have expired by `now`, if any do at all.
    pub(in crate::engine) fn expires_before(&self, now: Timestamp) -> Option<i64> {
        if self.settings().retention_action == RetentionAction::Keep {
            return None;
        }
        let today = now.0.div_euclid(NANOS_PER_DAY).saturating_mul(NANOS_PER_DAY);
        let days = i64::try_from(self.settings().retention_days).unwrap_or(i64::MAX);
        Some(today.saturating_sub(days.saturating_mul(NANOS_PER_DAY)))
    }

    fn expired(&self, now: Timestamp) -> Vec<Partition> {
        let Some(cutoff) = self.expires_before(now) else { return Vec::new() };
        self.readable().state.read(|state| {
            let files = state.files.keys().copied();
            let old = files.filter(|partition| {
                partition.partitioning() != Partitioning::Forever && partition.range().to.0 < cutoff
            });
            old.filter(|partition| state.pages.get(partition).is_none_or(OpenPage::is_empty))
                .collect()
        })
    }

    /// Takes one partition away; nothing when samples for it came meanwhile.
    fn retire(&self, partition: Partition, action: RetentionAction) -> Result<Option<Retired>> {
        let view = self.readable().current_view(partition);
        let mut files: Vec<&StoredFile> =
            FileKind::ALL.into_iter().filter_map(|kind| view.files.get(kind)).collect();
        sort_by(&mut files, |a, b| a.name.as_str() < b.name.as_str());
        let archive = match action {
            RetentionAction::Archive => Some(self.archive(partition, &files)?),
            RetentionAction::Delete | RetentionAction::Keep => None,
        };
        self.writer().write(|writer| {
            writer.check_writable()?;
            let is_emptied = match writer.settle_log() {
                Err(error) if action != RetentionAction::Delete || error.leaves_doubt() => {
                    return Err(error);
                }
                emptied => emptied.is_ok(),
            };
            let now = self.readable().current_view(partition);
            if *now.files != *view.files || now.page.is_some() {
                return Ok(None);
            }
            let removed = writer.remove_partition(partition);
            writer.poisoning(removed)?;
            if !is_emptied {
                // There was no room for the samples in memory before. Until there is, a kill would
                // bring back what the log has of this partition, and it would expire again.
                let emptied = writer.settle_log();
                writer.postponing(emptied)?;
            }
            Ok(Some(Retired {
                partition: partition.to_string(),
                bytes: files.iter().map(|file| file.len).sum(),
                files: files.iter().map(|file| file.name.clone()).collect(),
                archive,
            }))
        })
    }

    /// Appends the files to the partition's archive and makes it durable. A new archive gets its
    /// name when it is whole: a power cut that leaves garbage at the beginning of a file leaves
    /// nothing to tell it from somebody else's by.
    fn archive(&self, partition: Partition, files: &[&StoredFile]) -> Result<FileName> {
        let storage = &self.readable().storage;
        let name = FileName::new(&archive_name(partition)?)?;
        let room = files.iter().map(|file| tar::padded(file.len) + to_u64(tar::BLOCK)).sum();
        match storage.open(&name) {
            Ok(mut archive) => {
                let (entries, end) = tar::entries(&archive)?;
                self.check_end(&name, &archive, end)?;
                archive.truncate(end)?;
                let appended = self.append_to_archive(&mut archive, entries, files);
                if appended.is_err() {
                    let _ = archive.truncate(end); // the next attempt does it, too
                }
                appended.map_err(|error| error.needing(room))?;
            }
            Err(error) if error.kind == StorageErrorKind::NotFound => {
                let temporary = name.temporary()?;
                let mut archive = storage.create_anew(&temporary)?;
                let appended = self.append_to_archive(&mut archive, Vec::new(), files);
                drop(archive);
                if appended.is_err() {
                    storage.remove_if_present(&temporary)?;
                }
                appended.map_err(|error| error.needing(room))?;
                storage.rename(&temporary, &name)?;
                storage.sync_dir()?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(name)
    }

    fn append_to_archive(
        &self,
        archive: &mut impl StorageFile,
        mut entries: Vec<tar::Entry>,
        files: &[&StoredFile],
    ) -> Result<()> {
        let storage = &self.readable().storage;
        let mtime = self.host().clock().now().0.div_euclid(NANOS_PER_SECOND);
        for file in files {
            let source = storage.open(&file.name)?;
            if let Some(entry) = place(archive, &entries, &source, file)? {
                let too_large = || {
                    invalid(&format!(
                        "{}: {} bytes are too many for a tar archive",
                        file.name, file.len
                    ))
                };
                let header = tar::header(&entry, file.len, mtime).ok_or_else(too_large)?;
                archive.append(&header)?;
                let offset = archive.len()?;
                copy_padded(&source, file, archive)?;
                entries.push(tar::Entry { name: entry, offset, size: file.len });
            }
        }
        archive.append(&tar::END)?;
        Ok(archive.sync()?)
    }

    /// Refuses a file that begins with something else than an entry, the end of a tar archive, or
    /// an entry that was cut short: somebody may need it. What stands behind an entry and is none
    /// is what a power cut made of one.
    fn check_end(&self, name: &FileName, archive: &impl StorageFile, end: u64) -> Result<()> {
        let mut rest = vec![0; tar::BLOCK];
        let read = archive.read_at(end, &mut rest)?;
        rest.truncate(read);
        let is_torn = end > 0 || rest.len() < tar::BLOCK || rest.get(257..262) == Some(b"ustar");
        if is_torn || rest.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        let file = format!("{}/{name}", self.name());
        Err(Error::corrupt(file, end, "neither an entry nor the end of a tar archive"))
    }
}

/// The archive of a partition: those of a month, of a year, or all.
fn archive_name(partition: Partition) -> Result<String> {
    let key = partition.to_string();
    let part = |len: usize| key.get(..len).unwrap_or_default();
    match partition.partitioning() {
        Partitioning::Day => Ok(format!("archive-{}.tar", part(7))),
        Partitioning::Month => Ok(format!("archive-{}.tar", part(4))),
        Partitioning::Year => Ok("archive-forever.tar".to_string()),
        Partitioning::Forever => Err(invalid("a partition without an end does not expire")),
    }
}

/// Under which name a file goes into the archive, or `None` when it is there: a run that was
/// cut short has put it there. A partition that came back after it was archived gets another
/// name; the reference deletes it without archiving it (D-10).
fn place(
    archive: &impl StorageFile,
    entries: &[tar::Entry],
    source: &impl StorageFile,
    file: &StoredFile,
) -> Result<Option<String>> {
    let stem = file.name.as_str().trim_end_matches(".dat");
    for number in 0_u32.. {
        let name = match number {
            0 => file.name.to_string(),
            number => format!("{stem}.{number}.dat"),
        };
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            return Ok(Some(name));
        };
        if entry.size == file.len && is_same(archive, entry, source)? {
            return Ok(None);
        }
    }
    Ok(None)
}

fn is_same(
    archive: &impl StorageFile,
    entry: &tar::Entry,
    source: &impl StorageFile,
) -> Result<bool> {
    let (mut theirs, mut ours) = (vec![0; PIECE], vec![0; PIECE]);
    let mut at = 0;
    while at < entry.size {
        let len = usize::try_from(entry.size - at).unwrap_or(PIECE).min(PIECE);
        let (theirs, ours) = (theirs.get_mut(..len), ours.get_mut(..len));
        let (Some(theirs), Some(ours)) = (theirs, ours) else { return Ok(false) };
        let offset = entry.offset.saturating_add(at);
        if archive.read_at(offset, theirs)? < len
            || source.read_at(at, ours)? < len
            || theirs != ours
        {
            return Ok(false);
        }
        at = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }
    Ok(true)
}

/// Appends a file's bytes, and zeros up to the next block.
fn copy_padded(
    source: &impl StorageFile,
    file: &StoredFile,
    archive: &mut impl StorageFile,
) -> Result<()> {
    let copied = copy(source, 0..file.len, archive)?;
    if copied < file.len {
        return Err(Error::corrupt(file.name.as_str(), copied, "the file became shorter"));
    }
    let padding = usize::try_from(tar::padded(file.len) - file.len).unwrap_or(0);
    Ok(archive.append(tar::END.get(..padding).unwrap_or_default())?)
}
