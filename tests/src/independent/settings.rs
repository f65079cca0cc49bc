//! `engine.toml` and `manifest.toml`, as far as tests need them.

use super::{PartitionKind, Problem};
use toml::{Table, Value};

/// A settings file; keys are looked up exactly first, then in any case.
#[derive(Debug, Clone, Default)]
pub struct Settings(pub Table);

impl Settings {
    /// Parses TOML.
    pub fn decode(file: &str, text: &[u8]) -> Result<Self, Problem> {
        let damage = |what: String| Problem::damage(file, 0, what);
        let text = std::str::from_utf8(text).map_err(|e| damage(e.to_string()))?;
        text.parse().map(Self).map_err(|e: toml::de::Error| damage(e.to_string()))
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let first = lookup(&self.0, keys.next()?)?;
        keys.try_fold(first, |value, key| lookup(value.as_table()?, key))
    }

    /// A text at a dotted path, trimmed; blank counts as absent.
    pub fn text(&self, path: &str) -> Option<String> {
        let text = self.get(path)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A number above zero at a dotted path; anything else counts as absent.
    pub fn positive(&self, path: &str) -> Option<i64> {
        self.get(path)?.as_integer().filter(|&number| number > 0)
    }

    /// A switch at a dotted path.
    pub fn flag(&self, path: &str) -> Option<bool> {
        self.get(path)?.as_bool()
    }
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let any_case =
        || table.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    table.get(key).or_else(any_case)
}

/// The settings of one database that are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the file")]
pub struct Manifest {
    pub partition: PartitionKind,
    pub grace: String,
    pub retention_days: i64,
    pub retention_action: String,
    pub max_active_days: i64,
    pub wal_enabled: bool,
    pub wal_skip_before: String,
    pub page_max_records: i64,
    pub page_max_bytes: i64,
    pub page_max_age: String,
}

impl Manifest {
    /// The manifest's own values, else the engine's defaults, else what is built in.
    pub fn new(own: &Settings, engine: &Settings) -> Result<Self, Problem> {
        let default = |path: &str| format!("manifest_defaults.{path}");
        let text = |path: &str, built_in: &str| {
            own.text(path).or_else(|| engine.text(&default(path))).unwrap_or(built_in.into())
        };
        let number = |path: &str, built_in: i64| {
            own.positive(path).or_else(|| engine.positive(&default(path))).unwrap_or(built_in)
        };
        let partition = text("retention.partition", "day");
        let partition = PartitionKind::from_name(&partition).ok_or_else(|| {
            Problem::damage("manifest.toml", 0, format!("unknown partition {partition:?}"))
        })?;
        Ok(Self {
            partition,
            grace: text("retention.grace", "5m"),
            retention_days: number("retention.retention_days", 30),
            retention_action: text("retention.retention_action", "keep").to_lowercase(),
            max_active_days: number("retention.max_active_days", 2),
            wal_enabled: own.flag("wal.enabled").unwrap_or(false),
            wal_skip_before: text("wal.skip_before", "1h"),
            page_max_records: number("page.max_records", 12_000),
            page_max_bytes: number("page.max_bytes", 262_144),
            page_max_age: text("page.max_age", "10s"),
        })
    }
}
