//! Where log lines go when a program has no subscriber of its own.

use nanotdb_core::Timestamp;
use nanotdb_core::engine::Clock;
use nanotdb_core::settings::{LogLevel, LoggerSettings};
use std::fmt::{Debug, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The output that is standard error.
const CONSOLE: &str = "console";

/// Sinks of log lines, each with a level of its own.
#[derive(Debug, Default)]
pub struct Logging {
    sinks: Vec<Sink>,
}

#[derive(Debug)]
struct Sink {
    level: LevelFilter,
    /// Standard error without one.
    file: Option<Mutex<File>>,
}

impl Logging {
    /// The sinks that settings name: standard error for `console`, else files, which are appended
    /// to and made where there are none.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened, with its name.
    pub fn from_settings(loggers: &[LoggerSettings]) -> io::Result<Self> {
        let add = |logging: Self, logger: &LoggerSettings| match logger.output.as_str() {
            CONSOLE => Ok(logging.to_console(logger.level)),
            path => logging.to_file(Path::new(path), logger.level),
        };
        loggers.iter().try_fold(Self::default(), add)
    }

    /// With standard error as one more sink.
    #[must_use]
    pub fn to_console(mut self, level: LogLevel) -> Self {
        self.sinks.push(Sink { level: filter(level), file: None });
        self
    }

    /// With a file as one more sink, which is appended to.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, with its name.
    pub fn to_file(mut self, path: &Path, level: LogLevel) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("log file {}: {error}", path.display()))
        };
        self.sinks
            .push(Sink { level: filter(level), file: Some(Mutex::new(file.map_err(named)?)) });
        Ok(self)
    }

    /// The sinks as a subscriber, for a part of a program.
    pub fn subscriber(self) -> impl Subscriber + Send + Sync {
        tracing_subscriber::registry().with(self)
    }

    /// Makes the whole process use these sinks.
    ///
    /// # Errors
    ///
    /// When the process has a subscriber already.
    pub fn install(self) -> io::Result<()> {
        tracing::subscriber::set_global_default(self.subscriber()).map_err(io::Error::other)
    }
}

impl<S: Subscriber> Layer<S> for Logging {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.sinks.iter().any(|sink| *metadata.level() <= sink.level)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.sinks.iter().map(|sink| sink.level).max().unwrap_or(LevelFilter::OFF))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = line_of(event, crate::SystemClock.now());
        for sink in self.sinks.iter().filter(|sink| *event.metadata().level() <= sink.level) {
            // One write for a line, so that lines of several processes stay whole. There is
            // nobody to tell when it fails.
            let _ = match &sink.file {
                None => io::stderr().write_all(line.as_bytes()),
                Some(file) => {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    file.write_all(line.as_bytes())
                }
            };
        }
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn line_of(event: &Event<'_>, now: Timestamp) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let time = now.to_string().replacen(' ', "T", 1);
    let level = event.metadata().level();
    let Fields { message, rest } = fields;
    format!("time={time}Z level={level} msg={message:?}{rest}\n")
}

/// The fields of an event as text.
#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, &format!("{value:?}"));
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
            return;
        }
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
        // Writing to a string cannot fail.
        let _ = if !value.is_empty() && value.chars().all(plain) {
            write!(self.rest, " {}={value}", field.name())
        } else {
            write!(self.rest, " {}={value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, Timestamp};

    fn read(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        // What differs from run to run is cut off: the time in front, durations at the end.
        let cut = |line: &str| {
            let line = line.split_once(" level=").unwrap().1;
            line.split(" took=").next().unwrap().to_owned()
        };
        text.lines().map(cut).collect()
    }

    #[test]
    fn each_sink_takes_what_its_level_allows() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["info", "debug", "trace"].map(|name| directory.path().join(name));
        let levels = [LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        let settings = paths.iter().zip(levels).map(|(path, level)| LoggerSettings {
            output: path.to_string_lossy().into_owned(),
            level,
        });
        let logging = Logging::from_settings(&settings.collect::<Vec<_>>()).unwrap();
        let root = directory.path().join("store");
        std::fs::create_dir(&root).unwrap();
        let settings = "[stats]\nenabled = false\n[manifest_defaults.wal]\nskip_before = \"0s\"\n";
        std::fs::write(root.join("engine.toml"), settings).unwrap();
        tracing::subscriber::with_default(logging.subscriber(), || {
            let store = Store::open(&root).unwrap();
            let home = store.create_database("home").unwrap();
            home.add("a", Timestamp(10), 1.5).unwrap();
            home.add("a", Timestamp(9), 1.5).unwrap_err();
            store.close().unwrap();
        });
        let [info, debug, trace] = paths.map(|path| read(&path));
        assert_eq!(
            info,
            [
                r#"INFO msg="engine opened" databases=0 read_only=false"#,
                "INFO msg=\"database opened\" database=home wal=true replay_records=0 \
                 replay_bytes=0 replayed=0 duplicates=0",
                r#"INFO msg="engine closed" failures=0"#,
            ]
        );
        assert!(debug.iter().any(|line| line.starts_with(
            r#"DEBUG msg="page flushed" database=home partition=1970-01-01 records=1 bytes="#
        )));
        assert!(
            debug.iter().any(|line| line.starts_with(r#"DEBUG msg="wal reset" database=home"#))
        );
        assert!(!debug.iter().any(|line| line.starts_with("TRACE")));
        let single: Vec<&String> = trace.iter().filter(|line| line.starts_with("TRACE")).collect();
        assert_eq!(
            single,
            [
                r#"TRACE msg="metric registered" database=home metric=a type=float32"#,
                r#"TRACE msg="sample ingested" database=home metric=a time_ns=10 value=1.5"#,
                "TRACE msg=\"sample rejected\" database=home reason=\"stale sample for a: \
                 1970-01-01 00:00:00.000000009 is before its newest, \
                 1970-01-01 00:00:00.000000010\"",
            ]
        );
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = Logging::default().to_file(Path::new("/"), LogLevel::Info).unwrap_err();
        assert!(error.to_string().starts_with("log file /: "), "{error}");
    }
}
