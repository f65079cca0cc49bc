//! Settings files: `engine.toml` for a root directory, `manifest.toml` for each database.
//!
//! Both are TOML. A key is looked up as it is written here and else without regard to case. A
//! key that is absent, blank or, for sizes and counts, not positive takes its default. A value of
//! the wrong type or outside its range is an error that names key, value, line and what is
//! allowed. Unknown keys change nothing and are returned as [`Warning`]s.
//!
//! The files are walked as parsed tables instead of derived into types: so errors and warnings
//! can say where they are, and the code stays small in a browser.

mod engine;
mod manifest;
mod reader;
mod rollups;
mod writer;

pub use engine::{
    ClockSettings, EngineSettings, FORWARD_KEYS, INTERNAL, LoggerSettings, MetricsSettings,
    SERVER_KEYS, SETTINGS_FILE, StatsSettings, WEB_KEYS, WalSettings,
};
pub use manifest::DatabaseSettings;
pub use rollups::{RollupJob, RollupSource, Rollups};

use crate::text::duration::{Duration, DurationError};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use core::fmt;

/// A type whose values settings files name by one word each.
trait Word: Sized + 'static {
    /// Every word and its value.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// The word settings files use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of exactly this word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// How long the window of one data file is.
    Partitioning {
        /// One file a day.
        #[default]
        Day = "day",
        /// One file a month.
        Month = "month",
        /// One file a year.
        Year = "year",
        /// One file for all times.
        Forever = "forever",
    }
}

impl Partitioning {
    /// The number metric files store: 1 to 4.
    pub const fn kind(self) -> u8 {
        match self {
            Self::Day => 1,
            Self::Month => 2,
            Self::Year => 3,
            Self::Forever => 4,
        }
    }

    /// The partitioning metric files store as `kind`.
    pub const fn from_kind(kind: u8) -> Option<Self> {
        match kind {
            1 => Some(Self::Day),
            2 => Some(Self::Month),
            3 => Some(Self::Year),
            4 => Some(Self::Forever),
            _ => None,
        }
    }
}

words! {
    /// What is durable after a page has been written.
    Durability {
        /// The page and the catalog.
        #[default]
        Strict = "strict",
        /// The page.
        Balanced = "balanced",
        /// Nothing until the system writes it out.
        Throughput = "throughput",
    }
}

words! {
    /// When the write-ahead log is synced.
    FsyncPolicy {
        /// When it is reset, and from [`WalSettings::max_segment_size`] on after every record.
        #[default]
        Segment = "segment",
        /// After every record.
        Always = "always",
    }
}

words! {
    /// What happens to partitions older than the retention time.
    RetentionAction {
        /// Nothing.
        #[default]
        Keep = "keep",
        /// They are removed.
        Delete = "delete",
        /// They are packed into an archive. Not possible with [`Partitioning::Forever`].
        Archive = "archive",
    }
}

words! {
    /// What happens to a data file once its metric file has been built.
    RawAction {
        /// Nothing.
        #[default]
        Keep = "keep",
        /// It is removed.
        Delete = "delete",
        /// It is renamed from `data-…` to `raw-…`.
        Rename = "rename",
    }
}

words! {
    /// How much a log sink takes.
    LogLevel {
        /// Opening, closing, failures.
        #[default]
        Info = "info",
        /// And page flushes, log resets, rollups.
        Debug = "debug",
        /// And every sample and request.
        Trace = "trace",
    }
}

/// A duration together with the text it was written as, which reports show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenDuration {
    text: String,
    nanos: i64,
}

impl WrittenDuration {
    /// The duration `text` writes.
    ///
    /// # Errors
    ///
    /// [`DurationError`] when it writes none.
    pub fn new(text: &str) -> Result<Self, DurationError> {
        let Duration(nanos) = text.parse()?;
        Ok(Self { text: text.to_owned(), nanos })
    }

    /// A default, spelled as the reference spells it.
    fn seconds(text: &str, seconds: i64) -> Self {
        Self { text: text.to_owned(), nanos: seconds.saturating_mul(1_000_000_000) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The duration in nanoseconds.
    pub const fn as_nanos(&self) -> i64 {
        self.nanos
    }
}

impl From<Duration> for WrittenDuration {
    fn from(duration: Duration) -> Self {
        Self { text: duration.to_string(), nanos: duration.0 }
    }
}

impl fmt::Display for WrittenDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A key of a settings file that means nothing, and was probably meant to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The key with its tables, as written: `page.max_record`.
    pub key: String,
    /// The known key of the same table that is spelled most alike, if one is.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown key {}", self.key)?;
        match self.nearest {
            Some(nearest) => write!(f, ": did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
