//! Which database and which metrics a command is about.

use super::Failure;
use super::args::MetricArgs;
use nanotdb::query::MetricInfo;
use nanotdb::settings::INTERNAL;
use nanotdb::text::pattern::Pattern;
use nanotdb::{Database, Store};
use regex_lite::Regex;
use std::sync::Arc;

/// The name as it was typed, without blanks and slashes around it; else the name of the only
/// database there is.
pub(crate) fn database_name(
    typed: Option<&str>,
    all: impl FnOnce() -> Result<Vec<String>, Failure>,
) -> Result<String, Failure> {
    if let Some(typed) = typed {
        return Ok(typed.trim_matches(|c: char| c.is_whitespace() || c == '/').to_string());
    }
    let mut names = all()?;
    names.retain(|name| name != INTERNAL);
    match names.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::failed("the store has no database yet: `nanotdb import` makes one")),
        names => Err(Failure::usage(format!("name one database with --db: {}", names.join(", ")))),
    }
}

/// The database that was asked for.
pub(crate) fn database(store: &Store, typed: Option<&str>) -> Result<Arc<Database>, Failure> {
    let name = database_name(typed, || Ok(store.databases()?))?;
    let database = store.database(&name)?;
    super::tell_notes(&database);
    Ok(database)
}

/// Decides by a metric's name.
#[derive(Debug)]
pub(crate) enum Selector {
    Exact(String),
    Regex(Regex),
    Wildcard(Pattern),
}

impl Selector {
    /// A name that one of the metrics has is that metric and no other.
    pub(crate) fn new(args: &MetricArgs, metrics: &[MetricInfo]) -> Result<Self, Failure> {
        let text = args.metric.as_str();
        let refused = |what: &str, error: String| {
            Failure::usage(format!("--metric {text:?} is neither a metric nor {what}: {error}"))
        };
        if metrics.iter().any(|metric| metric.name == text) {
            return Ok(Self::Exact(text.to_string()));
        }
        if args.wildcard {
            let pattern = Pattern::new(text).map(Self::Wildcard);
            return pattern.map_err(|error| refused("a pattern", error.to_string()));
        }
        Regex::new(text).map(Self::Regex).map_err(|error| {
            let hint = if text.contains('*') { " (or did you mean --wildcard?)" } else { "" };
            refused("a regular expression", format!("{error}{hint}"))
        })
    }

    pub(crate) fn selects(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Regex(regex) => regex.is_match(name),
            Self::Wildcard(pattern) => pattern.matches(name),
        }
    }
}

/// The metrics that were asked for, by name.
pub(crate) fn metrics(database: &Database, args: &MetricArgs) -> Result<Vec<MetricInfo>, Failure> {
    let mut metrics = database.metrics();
    let selector = Selector::new(args, &metrics)?;
    metrics.retain(|metric| selector.selects(&metric.name));
    Ok(metrics)
}
