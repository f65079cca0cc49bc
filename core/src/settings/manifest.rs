//! `manifest.toml`: the settings of one database.
//!
//! | key | type | when absent, blank or not positive | allowed |
//! |---|---|---|---|
//! | `retention.grace` | duration | default | |
//! | `retention.retention_days` | integer | default | |
//! | `retention.retention_action` | string | default | `keep`, `delete`, `archive`; the last not with `forever` |
//! | `retention.max_active_days` | integer | default | |
//! | `retention.rollup_wait` | duration | default | |
//! | `retention.partition` | string | default | `day`, `month`, `year`, `forever` |
//! | `wal.enabled` | boolean | false | |
//! | `wal.skip_before` | duration | default | |
//! | `page.max_records` | integer | default | more than 65,535 means 65,535 |
//! | `page.max_bytes` | integer | default | |
//! | `page.max_age` | duration | default | not positive means 10 s |
//! | `rollups.*` | | default, `enabled` and `jobs` excepted | see [`Rollups`] |
//!
//! "Default" is `manifest_defaults` of `engine.toml`. The words of `retention` may be in any case
//! and have spaces around them.

use super::reader::{Section, Source, Spelling};
use super::writer::TomlWriter;
use super::{Partitioning, RetentionAction, Rollups, Warning, WrittenDuration};
use crate::error::Result;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Age at which a page is written when the setting is not positive, in nanoseconds.
const FALLBACK_PAGE_AGE_NS: i64 = 10_000_000_000;

/// The settings of one database, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// How long after its end a partition may still receive samples.
    pub grace: WrittenDuration,
    /// Days after which partitions expire, more than 0.
    pub retention_days: u64,
    /// What happens to expired partitions; not `Archive` with `Forever`.
    pub retention_action: RetentionAction,
    /// How long an expired partition waits at most for rollups that have not read it, counted from
    /// when the last of its periods was over.
    pub rollup_wait: WrittenDuration,
    /// Partitions that stay open for writing, more than 0.
    pub max_active_days: u64,
    /// The window of one data file.
    pub partition: Partitioning,
    /// Whether samples are logged before they reach a page.
    pub wal_enabled: bool,
    /// Samples older than this go to the log of late samples. May be negative.
    pub wal_skip_before: WrittenDuration,
    /// Samples in a page at most, more than 0. A frame counts them in 16 bits; a larger number
    /// in a file is read as the largest.
    pub page_max_records: u16,
    /// Size of a page at which it is written, more than 0.
    pub page_max_bytes: u64,
    /// Age at which a page is written, as it was set: see [`page_max_age_ns`](Self::page_max_age_ns).
    pub page_max_age: WrittenDuration,
    /// The rollups of its metrics.
    pub rollups: Rollups,
}

impl Default for DatabaseSettings {
    /// What applies where `engine.toml` says nothing.
    fn default() -> Self {
        Self {
            grace: WrittenDuration::seconds("5m", 300),
            retention_days: 30,
            retention_action: RetentionAction::Keep,
            rollup_wait: Self::default_rollup_wait(),
            max_active_days: 2,
            partition: Partitioning::Day,
            wal_enabled: true,
            wal_skip_before: WrittenDuration::seconds("1h", 3600),
            page_max_records: 12_000,
            page_max_bytes: 262_144,
            page_max_age: WrittenDuration::seconds("10s", 10),
            rollups: Rollups::default(),
        }
    }
}

impl DatabaseSettings {
    fn default_rollup_wait() -> WrittenDuration {
        WrittenDuration::seconds("168h", 7 * 86_400)
    }

    /// What a newly created `engine.toml` sets for its databases: other pages than
    /// [`default`](Self::default).
    pub fn fresh() -> Self {
        Self {
            page_max_records: 16_000,
            page_max_bytes: 127_000,
            page_max_age: WrittenDuration::seconds("60s", 60),
            ..Self::default()
        }
    }

    /// Reads a `manifest.toml`; `file` names it in errors.
    ///
    /// ```
    /// use nanotdb_core::settings::{DatabaseSettings, Partitioning};
    ///
    /// let text = "[retention]\npartition = \"month\"\n[page]\nmax_record = 500\n";
    /// let (settings, warnings) =
    ///     DatabaseSettings::parse(text, "manifest.toml", &DatabaseSettings::fresh())?;
    /// assert_eq!(settings.partition, Partitioning::Month);
    /// assert_eq!(settings.page_max_records, 16_000);
    /// assert_eq!(warnings[0].to_string(), "unknown key page.max_record: did you mean max_records?");
    /// # Ok::<(), nanotdb_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Settings` when the file is not TOML or a value is not allowed.
    pub fn parse(text: &str, file: &str, defaults: &Self) -> Result<(Self, Vec<Warning>)> {
        let source = Source { file, text };
        let document = source.parse()?;
        let mut root = Section::root(&source, document.get_ref());
        let mut warnings = Vec::new();
        // Unlike all else these two are off unless the manifest itself turns them on.
        let mut base = defaults.clone();
        base.wal_enabled = false;
        base.rollups.enabled = false;
        let settings = Self::read(&mut root, &base, &mut warnings)?;
        root.finish(&mut warnings);
        Ok((settings, warnings))
    }

    /// Reads the four tables of `root` over `base`.
    pub(super) fn read(
        root: &mut Section<'_>,
        base: &Self,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self> {
        let mut settings = base.clone();
        settings.read_retention(root.section("retention")?, warnings)?;

        let mut wal = root.section("wal")?;
        set(&mut settings.wal_enabled, wal.flag("enabled")?);
        set(&mut settings.wal_skip_before, wal.duration("skip_before")?);
        wal.finish(warnings);

        let mut page = root.section("page")?;
        let max_records = page.positive("max_records")?;
        set(
            &mut settings.page_max_records,
            max_records.map(|count| u16::try_from(count).unwrap_or(u16::MAX)),
        );
        set(&mut settings.page_max_bytes, page.positive("max_bytes")?);
        set(&mut settings.page_max_age, page.duration("max_age")?);
        page.finish(warnings);

        let mut rollups = root.section("rollups")?;
        settings.rollups = Rollups::read(&mut rollups, &base.rollups, base.rollups.enabled)?;
        for mut job in rollups.tables("jobs")? {
            settings.rollups.read_job(&mut job)?;
            job.finish(warnings);
        }
        rollups.finish(warnings);
        Ok(settings)
    }

    fn read_retention(
        &mut self,
        mut table: Section<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<()> {
        set(&mut self.grace, table.duration("grace")?);
        set(&mut self.retention_days, table.positive("retention_days")?);
        set(&mut self.retention_action, table.word("retention_action", Spelling::Loose)?);
        set(&mut self.rollup_wait, table.duration("rollup_wait")?);
        set(&mut self.max_active_days, table.positive("max_active_days")?);
        set(&mut self.partition, table.word("partition", Spelling::Loose)?);
        if self.retention_action == RetentionAction::Archive
            && self.partition == Partitioning::Forever
        {
            let detail = "archive is not possible with partition = \"forever\": \
                          expected keep or delete";
            return Err(table.refuse("retention_action", detail));
        }
        table.finish(warnings);
        Ok(())
    }

    /// [`grace`](Self::grace) in nanoseconds.
    pub const fn grace_ns(&self) -> i64 {
        self.grace.as_nanos()
    }

    /// [`wal_skip_before`](Self::wal_skip_before) in nanoseconds.
    pub const fn wal_skip_before_ns(&self) -> i64 {
        self.wal_skip_before.as_nanos()
    }

    /// Age at which a page is written in nanoseconds, more than 0: 10 s where
    /// [`page_max_age`](Self::page_max_age) is not positive.
    pub const fn page_max_age_ns(&self) -> i64 {
        match self.page_max_age.as_nanos() {
            nanos if nanos > 0 => nanos,
            _ => FALLBACK_PAGE_AGE_NS,
        }
    }

    /// The content of a `manifest.toml` with these settings, byte for byte what the reference
    /// writes, unless a setting that it does not know has another value than its default.
    pub fn to_toml(&self) -> String {
        let mut w = TomlWriter::default();
        self.write(&mut w, "", 0, false);
        w.out
    }

    /// Writes the four tables, their names behind `prefix`.
    pub(super) fn write(&self, w: &mut TomlWriter, prefix: &str, depth: usize, show_empty: bool) {
        let inner = depth.saturating_add(1);
        w.table(depth, &format!("{prefix}retention"));
        w.text(inner, "grace", self.grace.as_str());
        w.value(inner, "retention_days", self.retention_days);
        w.text(inner, "retention_action", self.retention_action.name());
        if self.rollup_wait != Self::default_rollup_wait() {
            w.text(inner, "rollup_wait", self.rollup_wait.as_str());
        }
        w.value(inner, "max_active_days", self.max_active_days);
        w.text(inner, "partition", self.partition.name());
        w.table(depth, &format!("{prefix}wal"));
        w.value(inner, "enabled", self.wal_enabled);
        w.text(inner, "skip_before", self.wal_skip_before.as_str());
        w.table(depth, &format!("{prefix}page"));
        w.value(inner, "max_records", self.page_max_records);
        w.value(inner, "max_bytes", self.page_max_bytes);
        w.text(inner, "max_age", self.page_max_age.as_str());
        self.rollups.write(w, prefix, depth, show_empty);
    }
}

/// Replaces `setting` if the file sets it.
pub(super) fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}
