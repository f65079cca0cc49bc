//! Retention: what is old enough is deleted, or moved into an archive.
//!
//! A partition expires when all of it is older than `retention_days` by the clock (D-10): the
//! reference looks at the partition's first day, and takes a sample's time for the clock. Data
//! file, raw file, metric file and the reference's file of events go together.
//!
//! What rollups read waits until they have read it. If they cannot, it goes all the same once
//! `rollup_wait` is over, and the report says so: a disk must not fill up for a wrong job.

use super::back_off::BackOff;
use super::copy::{PIECE, copy};
use crate::engine::clock_watch::{ClockJump, ClockWatch};
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::{FileKind, PartitionFiles, StoredFile};
use crate::engine::host::{Clock, Host, Shared};
use crate::engine::rollup::seen::Seen;
use crate::engine::writer::to_u64;
use crate::error::{Error, Rejection, Result};
use crate::page::OpenPage;
use crate::partition::{NANOS_PER_DAY, Partition};
use crate::query::invalid;
use crate::settings::{DatabaseSettings, Partitioning, RetentionAction};
use crate::sorted::{SortedSet, sort_by};
use crate::storage::{FileName, Storage, StorageErrorKind, StorageFile};
use crate::tar;
use crate::types::Timestamp;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// How long ticks try to have rollups read what has expired, however late it is.
const LONGEST_TRY: Duration = Duration::from_hours(1);

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

/// What retention did, and what it could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetentionReport {
    /// Partitions that were taken away.
    pub retired: Vec<Retired>,
    /// What waits for rollups, and what went though they had not read it.
    pub problems: Vec<String>,
    /// Whether something waits for rollups.
    pub is_waiting: bool,
}

/// Whose wish retention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Wish {
    /// Somebody asked for it.
    Asked,
    /// A tick does what is due.
    Tick,
}

/// Whether an expired partition may go.
enum Verdict {
    /// No rollup reads it, or all have read it while these were its files.
    Read(Option<Arc<PartitionFiles>>),
    /// Rollups have not read it, for this reason.
    Waits(String),
    /// They have not, and it has waited long enough.
    Unread(String),
}

impl<H: Host> Database<H> {
    /// Deletes or archives the partitions that have expired, as the manifest says, but for those
    /// that rollups have not read yet: [`Engine::apply_retention`](crate::engine::Engine) runs them
    /// before. The engine's tick does both, too, but not for a while after it failed there.
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
        Ok(self.apply_retention_at(now, Wish::Asked)?.retired)
    }

    /// As [`apply_retention`](Self::apply_retention), for what has expired by `now`.
    pub(in crate::engine) fn apply_retention_at(
        &self,
        now: Timestamp,
        wish: Wish,
    ) -> Result<RetentionReport> {
        let expired = self.expired(now);
        self.retire_all(&expired, now, wish)
    }

    /// Takes those of these partitions away that may go.
    pub(in crate::engine) fn retire_all(
        &self,
        expired: &[Partition],
        now: Timestamp,
        wish: Wish,
    ) -> Result<RetentionReport> {
        let action = self.settings().retention_action;
        let mut report = RetentionReport::default();
        if action == RetentionAction::Keep {
            return Ok(report);
        }
        self.writer().write(|writer| writer.check_writable())?;
        let RetentionReport { retired, problems, is_waiting } = &mut report;
        let mut failed = None;
        let mut waiting: Option<(Partition, String)> = None;
        for &partition in expired {
            let read = match self.verdict(partition, now, wish) {
                Verdict::Read(files) => files,
                Verdict::Waits(reason) => {
                    waiting.get_or_insert((partition, reason));
                    continue;
                }
                Verdict::Unread(reason) => {
                    let partition = partition.to_string();
                    let problem = format!("{partition} goes before rollups have read it: {reason}");
                    let (database, reason) = (self.name(), reason.as_str());
                    let partition = partition.as_str();
                    self.host().note(&Event::ExpiredUnread { database, partition, reason });
                    problems.push(problem);
                    None
                }
            };
            // Not while a metric file is built from what is about to go.
            match self.builds().write(|()| self.retire(partition, action, read.as_deref())) {
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
        if let Some((partition, reason)) = waiting {
            problems.push(format!("{partition} has expired and waits for rollups: {reason}"));
            *is_waiting = true;
        } else {
            self.retention().write(BackOff::note_success);
        }
        Ok(report)
    }

    /// Says that nothing is done where something has expired by the clock, but not by the time that
    /// is believed instead.
    pub(in crate::engine) fn refuse_by_doubted_clock(&self, believed: Timestamp) -> Result<()> {
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

    /// Whether an expired partition may go.
    fn verdict(&self, partition: Partition, now: Timestamp, wish: Wish) -> Verdict {
        let files = self.readable().state.read(|state| state.files_of(partition));
        if !self.has_rollups() || files.is_empty() {
            return Verdict::Read(None);
        }
        if self.seen().read(|seen| seen.has_read(partition, &files)) {
            return Verdict::Read(Some(files));
        }
        let wait = self.settings().rollup_wait.as_nanos().max(0);
        let waited = self.host().clock().monotonic();
        let waited = self.seen().write(|seen| seen.waited(waited));
        let reason = self.seen().read(Seen::reason);
        let longest = self
            .rollup_tasks()
            .iter()
            .map(|task| task.interval_ns.saturating_add(task.grace_ns))
            .max();
        let bound = wait.saturating_add(longest.unwrap_or(0));
        let is_late = self
            .expires_before(Timestamp(now.0.saturating_sub(bound)))
            .is_some_and(|cutoff| partition.range().to.0 < cutoff);
        // A machine that was off for weeks has not tried yet.
        let has_tried = wish == Wish::Asked
            || waited >= LONGEST_TRY.min(Duration::from_nanos(wait.unsigned_abs()));
        if is_late && has_tried { Verdict::Unread(reason) } else { Verdict::Waits(reason) }
    }

    fn expires_before(&self, now: Timestamp) -> Option<i64> {
        expires_before(self.settings(), now)
    }

    /// The partitions that have expired by `now` and that no sample has come for just now, in
    /// order of time.
    pub(in crate::engine) fn expired(&self, now: Timestamp) -> Vec<Partition> {
        let Some(cutoff) = self.expires_before(now) else { return Vec::new() };
        self.readable().state.read(|state| {
            let all: SortedSet<Partition> =
                state.files.keys().chain(state.events.iter()).copied().collect();
            let old = all.iter().copied().filter(|partition| has_expired(*partition, cutoff));
            old.filter(|partition| state.pages.get(partition).is_none_or(OpenPage::is_empty))
                .collect()
        })
    }

    /// Takes one partition away; nothing when samples for it came meanwhile, or after rollups have
    /// `read` it.
    fn retire(
        &self,
        partition: Partition,
        action: RetentionAction,
        read: Option<&PartitionFiles>,
    ) -> Result<Option<Retired>> {
        let view = self.readable().current_view(partition);
        if read.is_some_and(|read| *read != *view.files) {
            return Ok(None);
        }
        let events = self.events_file(partition)?;
        let mut files: Vec<&StoredFile> =
            FileKind::ALL.into_iter().filter_map(|kind| view.files.get(kind)).collect();
        files.extend(&events);
        sort_by(&mut files, |a, b| a.name.as_str() < b.name.as_str());
        let archive = match action {
            RetentionAction::Archive => Some(self.archive(partition, &files)?),
            RetentionAction::Delete | RetentionAction::Keep => None,
        };
        // On a full disk there is room for it only afterwards.
        let noted = self.note_retiring(partition);
        let retired = self.writer().write(|writer| -> Result<Option<Retired>> {
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
            if let Some(events) = &events {
                self.remove_events(partition, &events.name)?;
            }
            Ok(Some(Retired {
                partition: partition.to_string(),
                bytes: files.iter().map(|file| file.len).sum(),
                files: files.iter().map(|file| file.name.clone()).collect(),
                archive,
            }))
        })?;
        noted.or_else(|_| self.note_retiring(partition))?;
        Ok(retired)
    }

    /// Makes sure that rollups do not take what comes for this partition later for all of it.
    fn note_retiring(&self, partition: Partition) -> Result<()> {
        if self.has_rollups() {
            self.note_gone(partition.range().to.0.saturating_add(1))?;
        }
        Ok(())
    }

    /// The reference's events of a partition. Nobody here writes them, so the file is as it was
    /// found.
    fn events_file(&self, partition: Partition) -> Result<Option<StoredFile>> {
        if !self.readable().state.read(|state| state.events.contains(&partition)) {
            return Ok(None);
        }
        let name = events_name(partition)?;
        match self.readable().storage.open(&name) {
            Ok(file) => Ok(Some(StoredFile { len: file.len()?, name, generation: 0 })),
            Err(error) if error.kind == StorageErrorKind::NotFound => {
                self.readable().state.write(|state| state.events.remove(&partition));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn remove_events(&self, partition: Partition, name: &FileName) -> Result<()> {
        self.readable().storage.remove_if_present(name)?;
        self.readable().storage.sync_dir()?;
        self.readable().state.write(|state| state.events.remove(&partition));
        Ok(())
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

/// Partitions that end before this have expired by `now`, if any do at all.
pub(in crate::engine) fn expires_before(
    settings: &DatabaseSettings,
    now: Timestamp,
) -> Option<i64> {
    if settings.retention_action == RetentionAction::Keep {
        return None;
    }
    let today = now.0.div_euclid(NANOS_PER_DAY).saturating_mul(NANOS_PER_DAY);
    let days = i64::try_from(settings.retention_days).unwrap_or(i64::MAX);
    Some(today.saturating_sub(days.saturating_mul(NANOS_PER_DAY)))
}

/// Whether a partition ends before this.
pub(in crate::engine) fn has_expired(partition: Partition, cutoff: i64) -> bool {
    partition.partitioning() != Partitioning::Forever && partition.range().to.0 < cutoff
}

/// The partition whose events the reference keeps in a file of this name.
pub(in crate::engine) fn events_partition(name: &str) -> Option<Partition> {
    name.strip_prefix("events-")?.strip_suffix(".dat")?.parse().ok()
}

fn events_name(partition: Partition) -> Result<FileName> {
    Ok(FileName::new(&format!("events-{partition}.dat"))?)
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
