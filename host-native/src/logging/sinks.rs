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

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = Logging::default().to_file(Path::new("/"), LogLevel::Info).unwrap_err();
        assert!(error.to_string().starts_with("log file /: "), "{error}");
    }
}
