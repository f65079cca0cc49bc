//! The engine: all databases under one root directory.

use super::clock_watch::{ClockWatch, LAST_RUN};
use super::database::{Database, TickReport};
use super::event::Event;
use super::host::{Host, Shared};
use super::open::{self, OpenRules};
use super::rollup::run::{RollupRun, Schedule};
use super::row::RowTime;
use super::self_metrics::Emissions;
use super::upkeep::clock::open_watch;
use super::upkeep::retention::{RetentionReport, Wish};
use super::upkeep::rounds::Rounds;
use crate::compress::Codecs;
use crate::error::{Error, Rejection, Result};
use crate::metric_file::Version;
use crate::name::DatabaseName;
use crate::settings::{EngineSettings, INTERNAL, SETTINGS_FILE, Warning};
use crate::sorted::{SortedMap, SortedSet};
use crate::storage::{FileName, Storage, StorageErrorKind};
use crate::types::{Timestamp, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Names in the root directory that are no databases, and would be allowed as such.
const RESERVED: [&str; 4] = [SETTINGS_FILE, LAST_RUN, "dashboard.json", "dashboard_backups"];

/// How to open an engine.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Implementations of the block codecs.
    pub codecs: Codecs,
    /// Bytes of decoded data that each database keeps for later queries.
    pub cache_bytes: usize,
    /// The layout of metric files where the settings name none.
    pub metric_format: Version,
    /// Whether nothing may be written: for looking into a store that another process writes.
    pub read_only: bool,
    /// Whether logs are written where the settings want them. Without, samples survive the end of
    /// the process only after `flush` or `close`: for taking in what can be taken in again.
    pub logs: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            codecs: Codecs::portable(),
            cache_bytes: 8 << 20,
            metric_format: Version::default(),
            read_only: false,
            logs: true,
        }
    }
}

/// All databases under one root.
///
/// Databases are opened when first used, and independent: writing to one never waits for
/// another.
pub struct Engine<H: Host> {
    host: Arc<H>,
    options: EngineOptions,
    settings: EngineSettings,
    warnings: Vec<Warning>,
    open: H::Shared<OpenDatabases<H>>,
    /// Held while rollups run: one run at a time.
    rollup_runs: H::Shared<()>,
    schedule: H::Shared<Schedule>,
    /// Which databases upkeep opens next.
    rounds: H::Shared<Rounds>,
    pub(super) emissions: H::Shared<Emissions>,
    /// Whether the clock is believed; each database asks it, too.
    pub(super) clock: Arc<H::Shared<ClockWatch>>,
}

/// What a tick did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineTick {
    /// In each database.
    pub databases: SortedMap<String, TickReport>,
    /// The rollups that wrote something, or could not.
    pub rollups: Vec<RollupRun>,
}

/// The databases that are open.
struct OpenDatabases<H: Host> {
    by_name: SortedMap<String, Arc<Database<H>>>,
    /// Those that nobody but the engine itself has asked for: it may close them again.
    unasked: SortedSet<String>,
    closed: bool,
}

impl<H: Host> fmt::Debug for Engine<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<H: Host> Engine<H> {
    /// Opens the root, writing `engine.toml` when there is none, and the databases that the
    /// settings name.
    ///
    /// # Errors
    ///
    /// When settings are wrong, files cannot be read, or one of those databases does not open.
    pub fn open(host: H, options: EngineOptions) -> Result<Self> {
        let root = host.root()?;
        let name = FileName::new(SETTINGS_FILE)?;
        let (settings, warnings) = match root.read(&name)? {
            Some(bytes) => {
                let text = core::str::from_utf8(&bytes).map_err(|error| Error::Settings {
                    file: SETTINGS_FILE.to_string(),
                    detail: format!("not UTF-8 from byte {} on", error.valid_up_to()),
                })?;
                let mut base = EngineSettings::default();
                base.metrics.format = options.metric_format;
                EngineSettings::parse_over(text, SETTINGS_FILE, &base)?
            }
            None => {
                let mut settings = EngineSettings::fresh();
                if !options.read_only {
                    root.replace(&name, settings.to_toml().as_bytes())?;
                }
                settings.metrics.format = options.metric_format;
                (settings, Vec::new())
            }
        };
        let clock = Arc::new(H::Shared::new(open_watch(&host, &root, &settings.clock)?));
        let engine = Self {
            clock,
            host: Arc::new(host),
            options,
            settings,
            warnings,
            open: H::Shared::new(OpenDatabases {
                by_name: SortedMap::new(),
                unasked: SortedSet::new(),
                closed: false,
            }),
            rollup_runs: H::Shared::new(()),
            schedule: H::Shared::new(Schedule::default()),
            rounds: H::Shared::new(Rounds::default()),
            emissions: H::Shared::new(Emissions::default()),
        };
        for name in engine.settings.databases_to_create() {
            if engine.options.read_only {
                engine.find(name)?;
                engine.keep_open(name);
            } else {
                engine.create_database(name)?;
            }
        }
        let databases = engine.open.read(|open| open.by_name.len());
        let read_only = engine.options.read_only;
        engine.host.note(&Event::EngineOpened { databases, read_only });
        Ok(engine)
    }

    /// The settings of `engine.toml`.
    pub const fn settings(&self) -> &EngineSettings {
        &self.settings
    }

    /// Keys of `engine.toml` that mean nothing here.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the engine was opened with.
    pub const fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Names of all databases, sorted.
    ///
    /// # Errors
    ///
    /// Whatever the host reports.
    pub fn databases(&self) -> Result<Vec<String>> {
        let mut names: SortedSet<String> = self.host.databases()?.into_iter().collect();
        self.open.read(|open| names.extend(open.by_name.keys().cloned()));
        Ok(names.into_iter().collect())
    }

    /// An existing database. Reading never makes one (D-19).
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownDatabase`] when there is none, or why it does not open.
    pub fn database(&self, name: &str) -> Result<Arc<Database<H>>> {
        let unknown = || Error::Rejected(Rejection::UnknownDatabase(name.to_string()));
        let database = self.find(name)?.ok_or_else(unknown)?;
        self.keep_open(name);
        Ok(database)
    }

    /// A database, made when there is none.
    ///
    /// # Errors
    ///
    /// `Rejected` when the name is not allowed, or why it does not open.
    pub fn create_database(&self, name: &str) -> Result<Arc<Database<H>>> {
        let database = self.create_database_with(name, &self.settings)?;
        self.keep_open(name);
        Ok(database)
    }

    /// As [`create_database`](Self::create_database), with settings for a new manifest.
    pub(super) fn create_database_with(
        &self,
        name: &str,
        settings: &EngineSettings,
    ) -> Result<Arc<Database<H>>> {
        if let Some(database) = self.find(name)? {
            return Ok(database);
        }
        if self.options.read_only {
            return Err(Error::Rejected(Rejection::ReadOnly));
        }
        DatabaseName::new(name)?;
        if RESERVED.contains(&name) {
            let rule = "the root directory has a file of this name";
            let name = name.to_string();
            return Err(Rejection::InvalidName { what: "database", name, rule }.into());
        }
        self.opened(name, Some(settings))?
            .ok_or_else(|| Error::Rejected(Rejection::UnknownDatabase(name.to_string())))
    }

    /// Takes one sample in, making database and metric when there are none.
    ///
    /// # Errors
    ///
    /// As [`Database::add`] and [`create_database`](Self::create_database).
    pub fn add(
        &self,
        database: &str,
        metric: &str,
        time: impl Into<RowTime>,
        value: impl Into<Value>,
    ) -> Result<()> {
        self.create_database(database)?.add(metric, time, value)
    }

    /// The time by the host's clock.
    pub fn now(&self) -> Timestamp {
        use super::host::Clock;
        self.host.clock().now()
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Writes the open pages of every database.
    ///
    /// # Errors
    ///
    /// The first error; the other databases are flushed all the same.
    pub fn flush(&self) -> Result<()> {
        self.for_each_open(Database::flush).into_iter().next().map_or(Ok(()), Err)
    }

    /// Does what is due in every open database: writes pages that reached their age, seals
    /// partitions, runs rollups, lets expired partitions go; and writes the engine's own metrics
    /// when it is time. Then it does the same for some databases that nobody has asked for: all
    /// have their turn, soon after the start and then every hour, and those that have nothing to
    /// do are not even opened. To be called now and then, say every second; an idle database
    /// writes its last page only here.
    ///
    /// # Errors
    ///
    /// The first error that stops a database's writes; the other databases are attended to all
    /// the same.
    pub fn tick(&self) -> Result<EngineTick> {
        let mut tick = EngineTick::default();
        if self.options.read_only {
            return Ok(tick);
        }
        let failed = self.attend_to(&self.open_databases(), &mut tick).err();
        self.record_run();
        self.tell_unrecorded(&self.record_itself());
        self.visit_unasked(&mut tick);
        failed.map_or(Ok(tick), Err)
    }

    /// Does what is due in some open databases.
    ///
    /// # Errors
    ///
    /// The first error that stops a database's writes; the others are attended to all the same.
    pub(super) fn attend_to(
        &self,
        databases: &[Arc<Database<H>>],
        tick: &mut EngineTick,
    ) -> Result<()> {
        let mut failed = None;
        for database in databases {
            let report = tick.databases.get_or_default(database.name().to_string());
            failed = failed.or(database.write_and_seal(report).err());
        }
        // Before samples expire, rollups have seen them: both go by the same time.
        let now = self.retention_clock();
        match self.run_due_rollups(databases, now) {
            Ok(runs) => tick.rollups.extend(runs),
            Err(error) => failed = failed.or(Some(error)),
        }
        for database in databases {
            let report = tick.databases.get_or_default(database.name().to_string());
            failed = failed.or(database.retire_expired(now, report).err());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Deletes or archives the expired partitions of a database, as its manifest says, after its
    /// rollups have read them.
    ///
    /// # Errors
    ///
    /// When there is no such database; as [`Database::apply_retention`]. What rollups cannot do is
    /// in the report.
    pub fn apply_retention(&self, database: &str) -> Result<RetentionReport> {
        let database = self.database(database)?;
        let now = self.retention_clock();
        database.refuse_by_doubted_clock(now)?;
        let expired = database.expired(now);
        let is_read = !expired.is_empty() && database.has_rollups();
        let run = is_read.then(|| self.run_rollups(database.name()));
        let mut report = database.retire_all(&expired, now, Wish::Asked)?;
        match run {
            Some(Ok(run)) => report.problems.extend(run.problems),
            Some(Err(error)) => report.problems.push(error.to_string()),
            None => {}
        }
        Ok(report)
    }

    /// Does what is due in the databases that are open, as a tick does it at last, before a program
    /// ends that took samples in. Partitions that got samples since the engine was opened do not
    /// expire yet; what they hold is returned, by database, as numbers of samples.
    ///
    /// # Errors
    ///
    /// As [`tick`](Self::tick).
    pub fn settle(&self) -> Result<(EngineTick, SortedMap<String, u64>)> {
        let (mut tick, mut expiring) = (EngineTick::default(), SortedMap::new());
        let mut failed = self.flush().err();
        let databases = self.open_databases();
        for database in &databases {
            let report = tick.databases.get_or_default(database.name().to_string());
            failed = failed.or(database.write_and_seal(report).err());
        }
        let now = self.retention_clock();
        match self.run_due_rollups(&databases, now) {
            Ok(runs) => tick.rollups.extend(runs),
            Err(error) => failed = failed.or(Some(error)),
        }
        for database in &self.open_databases() {
            let report = tick.databases.get_or_default(database.name().to_string());
            match database.retire_untouched(now, report) {
                Ok(0) => {}
                Ok(samples) => drop(expiring.insert(database.name().to_string(), samples)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok((tick, expiring)), Err)
    }

    /// Writes everything and makes it durable, in every database whatever happens in others
    /// (D-25): the engine's own metrics, too, which end with what closing the others did.
    /// Nothing can be written after it.
    ///
    /// # Errors
    ///
    /// All errors, each naming what failed.
    pub fn close(&self) -> core::result::Result<(), Vec<Error>> {
        if !self.options.read_only {
            self.check_clock();
            self.record_run();
        }
        let internal = self.last_words_to();
        let was_closed = self.open.write(|open| core::mem::replace(&mut open.closed, true));
        let (own, others): (Vec<_>, Vec<_>) =
            self.open_databases().into_iter().partition(|database| database.name() == INTERNAL);
        let close = |database: &Arc<Database<H>>| database.close().err();
        let mut errors: Vec<Error> = others.iter().filter_map(close).collect();
        if let Some(internal) = internal.filter(|_| !was_closed) {
            self.tell_unrecorded(&internal.and_then(|internal| self.write_itself(&internal)));
        }
        for error in own.iter().filter_map(close) {
            // On a full disk, say. A command that did what it was asked to has not failed.
            let is_refused = matches!(&error, Error::Storage(error) if !error.in_doubt);
            if is_refused { self.tell_unrecorded(&Err(error)) } else { errors.push(error) }
        }
        if !was_closed {
            self.host.note(&Event::EngineClosed { failures: errors.len() });
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Whether the database was opened already: asking for it now costs nothing.
    pub fn is_loaded(&self, name: &str) -> bool {
        self.open.read(|open| open.by_name.contains_key(name))
    }

    /// Nobody's samples depend on the engine's own metrics, so nobody fails for them.
    fn tell_unrecorded(&self, recorded: &Result<()>) {
        if let Err(error) = recorded {
            self.host.note(&Event::SelfMetricsFailed { error });
        }
    }

    /// Notes that somebody uses a database: it stays open.
    fn keep_open(&self, name: &str) {
        if self.open.read(|open| open.unasked.contains(name)) {
            self.open.write(|open| open.unasked.remove(name));
        }
    }

    /// Closes the databases again that nobody has asked for, and nobody uses.
    pub(super) fn close_unasked(&self) {
        let unasked = self.open.read(|open| open.unasked.clone());
        for name in &unasked {
            // Under the lock of the list, so that nobody gets it meanwhile, or opens it anew.
            let closed = self.open.write(|open| {
                let is_used = open.by_name.get(name).is_none_or(|open| Arc::strong_count(open) > 1);
                if is_used || !open.unasked.remove(name) {
                    return Ok(());
                }
                // Nobody has written to it but rollups, which begin anew where a sync failed.
                open.by_name.remove(name).map_or(Ok(()), |database| database.close())
            });
            if let Err(error) = &closed {
                self.host.note(&Event::UpkeepFailed { database: name, error });
            }
        }
    }

    pub(super) const fn rounds(&self) -> &H::Shared<Rounds> {
        &self.rounds
    }

    /// The databases that are open, by name: those that were asked for so far, and those that the
    /// engine itself has something to do in just now.
    pub fn open_databases(&self) -> Vec<Arc<Database<H>>> {
        self.open.read(|open| open.by_name.values().cloned().collect())
    }

    pub(super) const fn rollup_runs(&self) -> &H::Shared<()> {
        &self.rollup_runs
    }

    pub(super) const fn schedule(&self) -> &H::Shared<Schedule> {
        &self.schedule
    }

    fn for_each_open(&self, act: impl Fn(&Database<H>) -> Result<()>) -> Vec<Error> {
        self.open_databases().iter().filter_map(|database| act(database).err()).collect()
    }

    pub(super) fn find(&self, name: &str) -> Result<Option<Arc<Database<H>>>> {
        if let Some(database) = self.open.read(|open| open.by_name.get(name).cloned()) {
            return Ok(Some(database));
        }
        DatabaseName::existing(name)?;
        self.opened(name, None)
    }

    /// Opens a database under the lock of the list, so that nobody opens it a second time.
    ///
    /// It is made with the settings in `create`, if there are some.
    fn opened(
        &self,
        name: &str,
        create: Option<&EngineSettings>,
    ) -> Result<Option<Arc<Database<H>>>> {
        self.open.write(|open| {
            if let Some(database) = open.by_name.get(name) {
                return Ok(Some(Arc::clone(database)));
            }
            if open.closed {
                return Err(Error::Closed);
            }
            let storage = match self.host.database(name, create.is_some()) {
                Ok(storage) => storage,
                Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let rules = OpenRules {
                engine: create.unwrap_or(&self.settings),
                codecs: self.options.codecs,
                cache_bytes: self.options.cache_bytes,
                read_only: self.options.read_only,
                logs: self.options.logs,
            };
            let (host, clock) = (Arc::clone(&self.host), Arc::clone(&self.clock));
            let database = Arc::new(open::open(host, name, storage, &rules, clock)?);
            open.by_name.insert(name.to_string(), Arc::clone(&database));
            open.unasked.insert(name.to_string());
            Ok(Some(database))
        })
    }
}
