//! Upkeep of databases that nobody asks for.
//!
//! A root may hold a thousand databases; opening all would take the start its time and the machine
//! its memory. So each tick looks at some of those that are not open: file names and the manifest
//! tell whether anything can be due. If so, the database is opened, attended to, and closed again.

use super::retention::{events_partition, expires_before, has_expired};
use super::seal::{Occasion, due};
use crate::engine::database::TickReport;
use crate::engine::event::Event;
use crate::engine::files::FileKind;
use crate::engine::host::{Clock, Host, Shared};
use crate::engine::logs::LogKind;
use crate::engine::open::MANIFEST;
use crate::engine::root::{Engine, EngineTick};
use crate::error::Result;
use crate::partition::Partition;
use crate::settings::{DatabaseSettings, EngineSettings, RawAction};
use crate::sorted::{SortedMap, SortedSet};
use crate::storage::{FileName, Storage, StorageErrorKind, StorageFile};
use crate::types::Timestamp;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// From the beginning of one round to that of the next, at least.
const ROUND: Duration = Duration::from_hours(1);

/// For how long one tick looks at databases that are not open, at most.
const TIME: Duration = Duration::from_millis(100);

/// How many of them one tick looks at, at most.
const COUNT: usize = 64;

/// Which databases have their turn.
#[derive(Debug, Default)]
pub(in crate::engine) struct Rounds {
    /// When the round began, by the monotonic clock.
    began: Option<Duration>,
    /// Those whose turn is still to come.
    waiting: VecDeque<String>,
    /// Those that were closed with nothing to come until they get samples.
    idle: SortedSet<String>,
    /// Those that were looked into at least once.
    visited: SortedSet<String>,
}

impl Rounds {
    fn is_over(&self, now: Duration) -> bool {
        let began = self.began.is_none_or(|began| now.saturating_sub(began) >= ROUND);
        self.waiting.is_empty() && began
    }
}

impl<H: Host> Engine<H> {
    /// Attends to some of the databases that are not open.
    pub(in crate::engine) fn visit_unasked(&self, tick: &mut EngineTick) {
        let started = self.host().clock().monotonic();
        if self.rounds().read(|rounds| rounds.is_over(started)) {
            let names = self.host().databases().unwrap_or_default();
            self.rounds().write(|rounds| {
                (rounds.began, rounds.waiting) = (Some(started), names.into());
            });
        }
        for _ in 0..COUNT {
            let Some(name) = self.rounds().write(|rounds| rounds.waiting.pop_front()) else {
                break;
            };
            if !self.is_loaded(&name) {
                self.visit(&name, tick);
            }
            if self.host().clock().monotonic().saturating_sub(started) >= TIME {
                break;
            }
        }
    }

    /// Opens a database if something can be due there, does it, and closes it again.
    fn visit(&self, name: &str, tick: &mut EngineTick) {
        if let Err(error) = self.try_visit(name, tick) {
            self.host().note(&Event::UpkeepFailed { database: name, error: &error });
        }
        self.close_unasked();
    }

    fn try_visit(&self, name: &str, tick: &mut EngineTick) -> Result<()> {
        let (is_first, is_idle) = self
            .rounds()
            .write(|rounds| (rounds.visited.insert(name.into()), rounds.idle.contains(name)));
        let Some(look) = self.look_into(name)? else { return Ok(()) };
        if !look.may_be_due(self.settings(), self.now(), is_first, is_idle) {
            return Ok(());
        }
        let Some(database) = self.find(name)? else { return Ok(()) };
        // What only the log has would wait for the age of its page.
        let flushed = database.flush();
        // Retention may make room for it.
        let mut done = EngineTick::default();
        let attended = self.attend_to(&[alloc::sync::Arc::clone(&database)], &mut done);
        let is_read = flushed.is_ok()
            && attended.is_ok()
            && done.rollups.iter().all(|run| run.problems.is_empty());
        let is_idle = is_read && database.seen().read(|seen| seen.early_due().is_none());
        self.rounds().write(|rounds| {
            if is_idle { rounds.idle.insert(name.into()) } else { rounds.idle.remove(name) }
        });
        let has_news = |report: &TickReport| *report != TickReport::default();
        for (name, report) in done.databases.iter().filter(|(_, report)| has_news(report)) {
            tick.databases.insert(name.clone(), report.clone());
        }
        tick.rollups.extend(done.rollups);
        flushed.and(attended)
    }

    /// What file names and the manifest of a database say.
    fn look_into(&self, name: &str) -> Result<Option<Look>> {
        let storage = match self.host().database(name, false) {
            Ok(storage) => storage,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let defaults = &self.settings().manifest_defaults;
        let settings = match storage.read(&FileName::new(MANIFEST)?)? {
            // One that is wrong is told of when the database is opened.
            Some(bytes) => core::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| DatabaseSettings::parse(text, name, defaults).ok())
                .map(|(settings, _)| settings),
            None => Some(defaults.clone()),
        };
        let mut look = Look { settings, ..Look::default() };
        let logs = [LogKind::Main.file_name(name)?, LogKind::Late.file_name(name)?];
        for file in storage.list()? {
            if let Some((kind, partition)) = FileKind::parse(file.as_str()) {
                look.files.get_or_default(partition).push(kind);
            }
            look.events.extend(events_partition(file.as_str()));
            look.has_log |= logs.contains(&file) && storage.open(&file)?.len()? > 0;
        }
        Ok(Some(look))
    }
}

/// What can be seen of a database without opening it.
#[derive(Debug, Default)]
struct Look {
    /// Nothing when the manifest is wrong.
    settings: Option<DatabaseSettings>,
    files: SortedMap<Partition, Vec<FileKind>>,
    events: SortedSet<Partition>,
    /// Whether the log holds anything.
    has_log: bool,
}

impl Look {
    /// Whether anything can be due by now. Of files that nobody has looked into since the start,
    /// more can be than of others.
    fn may_be_due(
        &self,
        engine: &EngineSettings,
        now: Timestamp,
        is_first: bool,
        is_idle: bool,
    ) -> bool {
        let Some(settings) = &self.settings else { return is_first };
        let reads = settings.rollups.enabled && !settings.rollups.jobs.is_empty() && !is_idle;
        let has_samples = !self.files.is_empty();
        self.has_log
            || reads && has_samples
            || self.may_expire(settings, now)
            || engine.metrics.enabled
                && self.may_seal(settings, engine.metrics.raw_ingest_action, now, is_first)
    }

    fn may_expire(&self, settings: &DatabaseSettings, now: Timestamp) -> bool {
        let mut all = self.files.keys().chain(self.events.iter());
        expires_before(settings, now)
            .is_some_and(|cutoff| all.any(|partition| has_expired(*partition, cutoff)))
    }

    fn may_seal(
        &self,
        settings: &DatabaseSettings,
        action: RawAction,
        now: Timestamp,
        is_first: bool,
    ) -> bool {
        let all: SortedSet<Partition> = self.files.keys().copied().collect();
        let lacks = |partition: &Partition| {
            let kinds = self.files.get(partition).map(Vec::as_slice).unwrap_or_default();
            let has = |kind| kinds.contains(&kind);
            let is_beside = has(FileKind::Data) && (is_first || action != RawAction::Keep);
            !has(FileKind::Metric) || is_beside
        };
        due(settings, &all, Occasion::Tick, now).iter().any(lacks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Partitioning, RetentionAction};

    const DAY: i64 = 86_400_000_000_000;

    fn look(change: impl Fn(&mut Look, &mut DatabaseSettings)) -> Look {
        let mut look = Look::default();
        let mut settings = DatabaseSettings::default();
        for day in 0..4 {
            let partition = Partition::containing(Partitioning::Day, Timestamp(day * DAY));
            let kind = if day < 3 { FileKind::Metric } else { FileKind::Data };
            look.files.insert(partition, [kind].into());
        }
        change(&mut look, &mut settings);
        look.settings = Some(settings);
        look
    }

    /// Whether something is due on day 4, at the first look and later.
    fn is_due(look: &Look) -> (bool, bool) {
        let engine = EngineSettings::fresh();
        let now = Timestamp(4 * DAY);
        [true, false].map(|is_first| look.may_be_due(&engine, now, is_first, true)).into()
    }

    #[test]
    fn a_database_with_nothing_to_do_is_not_opened() {
        assert_eq!(is_due(&look(|_, _| ())), (false, false));
        assert_eq!(
            is_due(&Look { settings: Some(DatabaseSettings::default()), ..Look::default() }),
            (false, false)
        );
    }

    #[test]
    fn what_expires_is_found_by_name() {
        let expires = |days| {
            move |_: &mut Look, settings: &mut DatabaseSettings| {
                settings.retention_action = RetentionAction::Delete;
                settings.retention_days = days;
            }
        };
        assert_eq!(is_due(&look(expires(4))), (false, false));
        assert_eq!(is_due(&look(expires(3))), (true, true));
        let events = look(|look, settings| {
            expires(3)(look, settings);
            look.events.extend(look.files.keys().next().copied());
            look.files.clear();
        });
        assert_eq!(is_due(&events), (true, true), "events alone expire, too");
    }

    #[test]
    fn a_partition_without_a_metric_file_is_sealed_once_it_is_old_enough() {
        let mut look = look(|_, _| ());
        let engine = EngineSettings::fresh();
        assert!(!look.may_be_due(&engine, Timestamp(5 * DAY - 1), true, true));
        assert!(look.may_be_due(&engine, Timestamp(5 * DAY), false, true));
        for kinds in look.files.values_mut() {
            *kinds = [FileKind::Data, FileKind::Metric].into();
        }
        let mut keeps = engine.clone();
        keeps.metrics.raw_ingest_action = RawAction::Keep;
        let due = |is_first| look.may_be_due(&keeps, Timestamp(5 * DAY), is_first, true);
        assert_eq!((due(true), due(false)), (true, false), "late samples may be in the raw file");
    }

    #[test]
    fn a_log_and_rollups_are_looked_into() {
        assert_eq!(is_due(&look(|look, _| look.has_log = true)), (true, true));
        let text = "[rollups]\nenabled = true\n[[rollups.jobs]]\nid = 'a'\nsource_pattern = '*'\n\
                    interval = '1h'\ndestination_db = 'hourly'";
        let rolled = look(|_, settings| {
            *settings = DatabaseSettings::parse(text, "", settings).unwrap().0;
        });
        let engine = EngineSettings::fresh();
        let due = |is_idle| rolled.may_be_due(&engine, Timestamp(4 * DAY), false, is_idle);
        assert_eq!((due(false), due(true)), (true, false));
    }

    #[test]
    fn a_wrong_manifest_is_told_of_once() {
        assert_eq!(is_due(&Look::default()), (true, false));
    }
}
