//! `engine.toml`: the settings of a root directory.
//!
//! | key | type | built in | allowed |
//! |---|---|---|---|
//! | `engine.listen` | string | `:8428` | |
//! | `wal.max_segment_size` | integer | 67,108,864 | not positive means built in |
//! | `wal.fsync_policy` | string | `segment` | exactly `segment`, `always` |
//! | `durability.profile` | string | `strict` | exactly `strict`, `balanced`, `throughput` |
//! | `metrics.enabled` | boolean | false | |
//! | `metrics.format` | string | `v2` | `v1`, `v2`, `v3`; ours alone, the reference ignores it |
//! | `metrics.compression` | string | `zstd_fastest` | `s2`, `s2_better`, `zstd_fastest`, `zstd_default` |
//! | `metrics.raw_ingest_action` | string | `keep` | `keep`, `delete`, `rename` |
//! | `metrics.time_cache_slots` | integer | 256 | not positive means built in |
//! | `logging.logger[].output` | string | `console` | not blank; `console` once at most |
//! | `logging.logger[].level` | string | `info` | `info`, `debug`, `trace` |
//! | `stats.enabled` | boolean | true | |
//! | `stats.interval` | duration | `30s` | not negative; 0 is as often as the engine is ticked |
//! | `clock.max_future` | duration | `768h` | not negative; 0 is no bound; ours alone |
//! | `clock.max_jump` | duration | `2160h` | more than 0; ours alone |
//! | `clock.accept_after` | duration | `1h` | not negative; ours alone |
//! | `defaults.databases` | array of strings | none | |
//! | `manifest_defaults.*` | | [`DatabaseSettings::default`] | as in `manifest.toml` |
//! | `web.*` | | | read by the server, see [`WEB_KEYS`] |
//! | `server.*` | | | read by our server alone, see [`SERVER_KEYS`] |
//! | `forward[].*` | | | read by our server alone, see [`FORWARD_KEYS`] |
//!
//! A blank string means built in. A single `[[logging.logger]]` takes what it lacks from the
//! built-in one; where there are several, each needs its own `output`.

use super::manifest::set;
use super::reader::{Section, Source, Spelling};
use super::writer::TomlWriter;
use super::{
    DatabaseSettings, Durability, FsyncPolicy, LogLevel, RawAction, Warning, Word, WrittenDuration,
};
use crate::compress::CodecId;
use crate::error::Result;
use crate::metric_file::Version;
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Name of the file, in the root directory.
pub const SETTINGS_FILE: &str = "engine.toml";

/// The output that is standard error instead of a file.
const CONSOLE: &str = "console";

/// The database of the engine's own metrics, which nobody asks for.
pub const INTERNAL: &str = "internal";

/// The keys of the table `web`, which only the server reads.
pub const WEB_KEYS: [&str; 9] = [
    "enabled",
    "base_path",
    "explore_path",
    "engine_path",
    "title",
    "refresh_seconds",
    "dashboard_config",
    "web_root",
    "api_base_url",
];

/// The keys of the table `server`, which only our server reads.
pub const SERVER_KEYS: [&str; 7] = [
    "token_file",
    "cors_origins",
    "allowed_hosts",
    "max_body_bytes",
    "max_connections",
    "request_timeout",
    "default_database",
];

/// The keys of each table `forward`, which only our server reads.
pub const FORWARD_KEYS: [&str; 8] = [
    "url",
    "name",
    "databases",
    "from",
    "labels",
    "bearer_token_file",
    "batch_samples",
    "interval",
];

/// The settings of a root directory, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Where the server listens: `host:port`, the host may be empty.
    pub listen: String,
    /// The write-ahead logs.
    pub wal: WalSettings,
    /// What is durable after a page has been written.
    pub durability: Durability,
    /// Metric files.
    pub metrics: MetricsSettings,
    /// Where log lines go; at least one.
    pub loggers: Vec<LoggerSettings>,
    /// The engine's own metrics.
    pub stats: StatsSettings,
    /// What is thought of the clock.
    pub clock: ClockSettings,
    /// Databases to create, as written: see [`databases_to_create`](Self::databases_to_create).
    pub databases: Vec<String>,
    /// What new manifests say, and what manifests leave out.
    pub manifest_defaults: DatabaseSettings,
}

/// The table `wal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalSettings {
    /// From this size on every record is synced, more than 0.
    pub max_segment_size: u64,
    /// When the log is synced below that size.
    pub fsync_policy: FsyncPolicy,
}

/// The table `metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Whether a metric file is built when a partition is sealed.
    pub enabled: bool,
    /// Its layout.
    pub format: Version,
    /// How its blocks are compressed. One of the reference's codecs, which could not start with
    /// another.
    pub compression: CodecId,
    /// What happens to the data file then.
    pub raw_ingest_action: RawAction,
    /// Time columns kept in memory, more than 0.
    pub time_cache_slots: u64,
}

/// One `[[logging.logger]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggerSettings {
    /// `console` for standard error, else the file to append to.
    pub output: String,
    /// How much it takes.
    pub level: LogLevel,
}

/// The table `stats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsSettings {
    /// Whether the engine records metrics about itself.
    pub enabled: bool,
    /// How often, not negative; 0 is as often as the engine is ticked.
    pub interval: WrittenDuration,
}

/// The table `clock`: how far the clock is trusted. The reference has none and ignores it, and
/// files that are written anew leave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSettings {
    /// How far ahead of the clock a sample may be that comes in live, and how far back the clock may
    /// be set for samples without a time to go on; not negative, 0 is no bound.
    pub max_future: WrittenDuration,
    /// From one run to the next, or from the newest sample to now, a clock that has gone on by
    /// more than this is not believed at once, and nothing is deleted or archived by it; more than 0.
    pub max_jump: WrittenDuration,
    /// How long the engine must have run until such a clock is believed; not negative.
    pub accept_after: WrittenDuration,
}

impl Default for EngineSettings {
    /// What applies where an existing `engine.toml` says nothing.
    fn default() -> Self {
        Self {
            listen: ":8428".to_owned(),
            wal: WalSettings { max_segment_size: 64 << 20, fsync_policy: FsyncPolicy::Segment },
            durability: Durability::Strict,
            metrics: MetricsSettings {
                enabled: false,
                format: Version::V2,
                compression: CodecId::ZstdFastest,
                raw_ingest_action: RawAction::Keep,
                time_cache_slots: 256,
            },
            loggers: vec![LoggerSettings { output: CONSOLE.to_owned(), level: LogLevel::Info }],
            stats: StatsSettings { enabled: true, interval: WrittenDuration::seconds("30s", 30) },
            clock: ClockSettings {
                max_future: WrittenDuration::seconds("768h", 32 * 24 * 3600),
                max_jump: WrittenDuration::seconds("2160h", 90 * 24 * 3600),
                accept_after: WrittenDuration::seconds("1h", 3600),
            },
            databases: Vec::new(),
            manifest_defaults: DatabaseSettings::default(),
        }
    }
}

impl EngineSettings {
    /// What a newly created `engine.toml` says. Unlike the reference's it has metric files built
    /// when partitions are sealed, and raw pages deleted that are in them: that takes the least
    /// room and answers queries fastest.
    pub fn fresh() -> Self {
        let settings = Self { manifest_defaults: DatabaseSettings::fresh(), ..Self::default() };
        let metrics = MetricsSettings {
            enabled: true,
            raw_ingest_action: RawAction::Delete,
            ..settings.metrics
        };
        Self { metrics, ..settings }
    }

    /// Reads an `engine.toml`; `file` names it in errors.
    ///
    /// ```
    /// use nanotdb_core::settings::{Durability, EngineSettings};
    ///
    /// let (settings, _) =
    ///     EngineSettings::parse("[durability]\nprofile = \"balanced\"\n", "engine.toml")?;
    /// assert_eq!(settings.durability, Durability::Balanced);
    ///
    /// let error = EngineSettings::parse("[durability]\nprofile = \"fast\"\n", "engine.toml");
    /// assert_eq!(
    ///     error.unwrap_err().to_string(),
    ///     "engine.toml: line 2: durability.profile = \"fast\": \
    ///      expected strict, balanced or throughput",
    /// );
    /// # Ok::<(), nanotdb_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Settings` when the file is not TOML or a value is not allowed.
    pub fn parse(text: &str, file: &str) -> Result<(Self, Vec<Warning>)> {
        Self::parse_over(text, file, &Self::default())
    }

    /// Like [`parse`](Self::parse), with `base` in place of the built-in values.
    ///
    /// # Errors
    ///
    /// `Settings` when the file is not TOML or a value is not allowed.
    pub fn parse_over(text: &str, file: &str, base: &Self) -> Result<(Self, Vec<Warning>)> {
        let source = Source { file, text };
        let document = source.parse()?;
        let mut root = Section::root(&source, document.get_ref());
        let mut settings = base.clone();
        let mut warnings = Vec::new();

        let mut engine = root.section("engine")?;
        set(&mut settings.listen, engine.filled("listen")?.map(str::to_owned));
        engine.finish(&mut warnings);

        let mut wal = root.section("wal")?;
        set(&mut settings.wal.max_segment_size, wal.positive("max_segment_size")?);
        set(&mut settings.wal.fsync_policy, wal.word("fsync_policy", Spelling::Exact)?);
        wal.finish(&mut warnings);

        let mut durability = root.section("durability")?;
        set(&mut settings.durability, durability.word("profile", Spelling::Exact)?);
        durability.finish(&mut warnings);

        settings.metrics.read(root.section("metrics")?, &mut warnings)?;

        let mut logging = root.section("logging")?;
        let loggers = read_loggers(logging.tables("logger")?, &mut warnings)?;
        set(&mut settings.loggers, Some(loggers).filter(|loggers| !loggers.is_empty()));
        logging.finish(&mut warnings);

        settings.stats.read(root.section("stats")?, &mut warnings)?;

        settings.clock.read(root.section("clock")?, &mut warnings)?;

        let mut defaults = root.section("defaults")?;
        let databases = defaults.texts("databases")?;
        if !databases.is_empty() {
            settings.databases = databases.into_iter().map(str::to_owned).collect();
        }
        defaults.finish(&mut warnings);

        let mut manifest = root.section("manifest_defaults")?;
        settings.manifest_defaults =
            DatabaseSettings::read(&mut manifest, &base.manifest_defaults, &mut warnings)?;
        manifest.finish(&mut warnings);

        let mut web = root.section("web")?;
        web.expect(&WEB_KEYS);
        web.finish(&mut warnings);
        let mut server = root.section("server")?;
        server.expect(&SERVER_KEYS);
        server.finish(&mut warnings);
        for mut forward in root.tables("forward")? {
            forward.expect(&FORWARD_KEYS);
            forward.finish(&mut warnings);
        }
        root.finish(&mut warnings);
        Ok((settings, warnings))
    }

    /// The databases to create on opening: those that are not blank and not the engine's own.
    pub fn databases_to_create(&self) -> impl Iterator<Item = &str> {
        let names = self.databases.iter().map(|name| name.trim());
        names.filter(|name| !name.is_empty() && *name != INTERNAL)
    }

    /// The content of an `engine.toml` with these settings. It has no `web` table.
    pub fn to_toml(&self) -> String {
        let mut w = TomlWriter::default();
        w.table(0, "engine");
        w.text(1, "listen", &self.listen);
        w.table(0, "wal");
        w.value(1, "max_segment_size", self.wal.max_segment_size);
        w.text(1, "fsync_policy", self.wal.fsync_policy.name());
        w.table(0, "durability");
        w.text(1, "profile", self.durability.name());
        w.table(0, "metrics");
        w.value(1, "enabled", self.metrics.enabled);
        // A file that leaves out what the reference does not know looks like the reference's own.
        if self.metrics.format != Version::default() {
            w.text(1, "format", self.metrics.format.name());
        }
        w.text(1, "compression", codec_name(self.metrics.compression));
        w.text(1, "raw_ingest_action", self.metrics.raw_ingest_action.name());
        w.value(1, "time_cache_slots", self.metrics.time_cache_slots);
        w.table(0, "logging");
        for logger in &self.loggers {
            w.array_table(1, "logging.logger");
            w.text(2, "output", &logger.output);
            w.text(2, "level", logger.level.name());
        }
        w.table(0, "stats");
        w.value(1, "enabled", self.stats.enabled);
        w.text(1, "interval", self.stats.interval.as_str());
        // What the reference does not know is left out where it says nothing new.
        if self.clock != Self::default().clock {
            w.table(0, "clock");
            w.text(1, "max_future", self.clock.max_future.as_str());
            w.text(1, "max_jump", self.clock.max_jump.as_str());
            w.text(1, "accept_after", self.clock.accept_after.as_str());
        }
        w.table(0, "defaults");
        w.texts(1, "databases", self.databases.iter().map(String::as_str));
        w.table(0, "manifest_defaults");
        self.manifest_defaults.write(&mut w, "manifest_defaults.", 1, true);
        w.out
    }
}

impl MetricsSettings {
    fn read(&mut self, mut table: Section<'_>, warnings: &mut Vec<Warning>) -> Result<()> {
        set(&mut self.enabled, table.flag("enabled")?);
        set(&mut self.format, table.word("format", Spelling::Loose)?);
        set(&mut self.compression, table.word("compression", Spelling::Loose)?);
        set(&mut self.raw_ingest_action, table.word("raw_ingest_action", Spelling::Loose)?);
        set(&mut self.time_cache_slots, table.positive("time_cache_slots")?);
        table.finish(warnings);
        Ok(())
    }
}

impl StatsSettings {
    /// [`interval`](Self::interval) in nanoseconds.
    pub const fn interval_ns(&self) -> i64 {
        self.interval.as_nanos()
    }

    fn read(&mut self, mut table: Section<'_>, warnings: &mut Vec<Warning>) -> Result<()> {
        set(&mut self.enabled, table.flag("enabled")?);
        set(&mut self.interval, table.duration("interval")?);
        if self.interval_ns() < 0 {
            return Err(table.refuse("interval", "expected a duration that is not negative"));
        }
        table.finish(warnings);
        Ok(())
    }
}

impl ClockSettings {
    fn read(&mut self, mut table: Section<'_>, warnings: &mut Vec<Warning>) -> Result<()> {
        set(&mut self.max_future, table.duration("max_future")?);
        set(&mut self.max_jump, table.duration("max_jump")?);
        set(&mut self.accept_after, table.duration("accept_after")?);
        if self.max_future.as_nanos() < 0 {
            return Err(table.refuse("max_future", "expected a duration that is not negative"));
        }
        if self.max_jump.as_nanos() <= 0 {
            return Err(table.refuse("max_jump", "expected a duration of more than 0"));
        }
        if self.accept_after.as_nanos() < 0 {
            return Err(table.refuse("accept_after", "expected a duration that is not negative"));
        }
        table.finish(warnings);
        Ok(())
    }
}

fn read_loggers(
    tables: Vec<Section<'_>>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<LoggerSettings>> {
    let only_one = tables.len() == 1;
    let mut loggers: Vec<LoggerSettings> = Vec::new();
    for mut table in tables {
        let output = match table.text("output")? {
            None if only_one => CONSOLE,
            output => output.unwrap_or_default().trim(),
        };
        if output.is_empty() {
            return Err(table.refuse("output", "expected \"console\" or the name of a file"));
        }
        if output == CONSOLE && loggers.iter().any(|logger| logger.output == CONSOLE) {
            return Err(table.refuse("output", "another logger has this output already"));
        }
        let level = table.word("level", Spelling::Loose)?.unwrap_or_default();
        table.finish(warnings);
        loggers.push(LoggerSettings { output: output.to_string(), level });
    }
    Ok(loggers)
}

impl Word for Version {
    const WORDS: &'static [(&'static str, Self)] =
        &[(Self::V1.name(), Self::V1), (Self::V2.name(), Self::V2), (Self::V3.name(), Self::V3)];
}

/// Without `lz4`, which is ours alone: the reference would refuse the whole file.
impl Word for CodecId {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("s2", Self::S2),
        ("s2_better", Self::S2Better),
        ("zstd_fastest", Self::ZstdFastest),
        ("zstd_default", Self::ZstdDefault),
    ];
}

/// The name of a codec that settings files can name, else of the default.
fn codec_name(codec: CodecId) -> &'static str {
    let mut words = CodecId::WORDS.iter();
    words.find(|(_, id)| *id == codec).map_or("zstd_fastest", |(word, _)| *word)
}
