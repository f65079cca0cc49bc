//! The series of an engine.

use super::budget::Budget;
use super::error::QueryError;
use super::label_set::{LabelSet, NAME};
use super::source::{RawSeries, Source, matches};
use crate::labels::Labels;
use crate::query::RangeQuery;
use crate::remote_write::marker_of;
use crate::server::answer::warnings_of;
use crate::{Database, Engine, Error, Lenient, TimeRange, Value};
use core::cell::RefCell;
use core::ops::ControlFlow;
use promql_parser::label::{MatchOp, Matcher};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The label that says which database a series is in.
const DATABASE: &str = "db";

/// What a stored label of that name is shown as.
const STORED_DATABASE: &str = "exported_db";

/// The database with what the server measures of itself.
const INTERNAL: &str = "internal";

/// One metric of a database.
#[derive(Debug)]
struct Metric {
    name: String,
    labels: LabelSet,
}

/// A database, and names of its metrics.
type Named = (Arc<Database>, Vec<String>);

/// A database and its metrics, sorted by name.
type Opened = (Arc<Database>, Arc<Vec<Metric>>);

/// The databases of an engine, each with the labels of its metrics, which are read only when there
/// are more of them than before.
#[derive(Debug)]
pub struct Stored {
    engine: Arc<Engine>,
    known: Mutex<HashMap<String, Arc<Vec<Metric>>>>,
}

impl Stored {
    /// All series of an engine.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, known: Mutex::default() }
    }

    /// The metrics that some of several selectors select, database by database.
    ///
    /// # Errors
    ///
    /// When a database cannot be listed or opened: what is selected is about to be changed, so
    /// nothing may be passed over.
    pub fn names(&self, selectors: &[Vec<Matcher>]) -> Result<Vec<Named>, QueryError> {
        let reading = self.reading();
        let mut found: BTreeMap<String, (Arc<Database>, BTreeSet<String>)> = BTreeMap::new();
        for matchers in selectors {
            for (database, metrics) in reading.databases(matchers)? {
                let selected = metrics.iter().filter(|metric| matches(&metric.labels, matchers));
                let names = selected.map(|metric| metric.name.clone());
                let entry = found
                    .entry(database.name().to_owned())
                    .or_insert_with(|| (database, BTreeSet::new()));
                entry.1.extend(names);
            }
        }
        if let Some(passed_over) = reading.warnings().into_iter().next() {
            return Err(QueryError::Internal(passed_over));
        }
        let found = found.into_values().filter(|(_, names)| !names.is_empty());
        Ok(found.map(|(database, names)| (database, names.into_iter().collect())).collect())
    }

    /// The series, for one query.
    pub fn reading(&self) -> Reading<'_> {
        Reading { stored: self, warnings: RefCell::default() }
    }

    /// The metrics of a database with their labels, sorted by name.
    fn metrics(&self, database: &Database) -> Arc<Vec<Metric>> {
        let now = database.metrics();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &Arc<Vec<Metric>>| {
            known.iter().map(|metric| &metric.name).eq(now.iter().map(|metric| &metric.name))
        };
        if let Some(metrics) = known.get(database.name()).filter(|known| is_same(known)) {
            return Arc::clone(metrics);
        }
        let metrics = now.into_iter().map(|metric| Metric {
            labels: shown(&metric.name, database.name()),
            name: metric.name,
        });
        let metrics = Arc::new(metrics.collect::<Vec<_>>());
        known.insert(database.name().into(), Arc::clone(&metrics));
        metrics
    }
}

/// What one query reads. Where a file or a database cannot be read, the query goes on without it
/// and says so.
#[derive(Debug)]
pub struct Reading<'a> {
    stored: &'a Stored,
    warnings: RefCell<BTreeSet<String>>,
}

impl Reading<'_> {
    /// What could not be read.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().iter().cloned().collect()
    }

    fn warn(&self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.borrow_mut().extend(warnings);
    }

    /// The labels of all series that have a sample in a range, for each of several selectors;
    /// those of all series when there is no selector.
    ///
    /// # Errors
    ///
    /// When no file can be read; when the budget is used up.
    pub fn labels(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
        budget: &Budget<'_>,
    ) -> Result<Vec<LabelSet>, QueryError> {
        let all = [Vec::new()];
        let selectors = if selectors.is_empty() { &all } else { selectors };
        let mut found = BTreeSet::new();
        for matchers in selectors {
            for (database, metrics) in self.databases(matchers)? {
                let reading = database.lenient();
                for metric in metrics.iter().filter(|metric| matches(&metric.labels, matchers)) {
                    budget.check()?;
                    if has_sample(&reading, &metric.name, range)? {
                        found.insert(metric.labels.clone());
                    }
                }
                self.warn(warnings_of(&reading.damage()));
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The databases that some series matching may be in, with all their metrics.
    fn databases(&self, matchers: &[Matcher]) -> Result<Vec<Opened>, QueryError> {
        let of_database = || matchers.iter().filter(|matcher| matcher.name == DATABASE);
        let mut databases = Vec::new();
        for name in self.stored.engine.databases().map_err(unreadable)? {
            let is_hidden = name == INTERNAL && !of_database().any(names_internal);
            if is_hidden || !of_database().all(|matcher| matcher.is_match(&name)) {
                continue;
            }
            match self.stored.engine.database(&name) {
                Ok(database) => {
                    let metrics = self.stored.metrics(&database);
                    databases.push((database, metrics));
                }
                Err(error) if is_about_one(&error) => self.warn([format!("{name}: {error}")]),
                Err(error) => return Err(unreadable(error)),
            }
        }
        Ok(databases)
    }
}

impl Source for Reading<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        budget: &Budget<'_>,
    ) -> Result<Vec<RawSeries>, QueryError> {
        let mut found = Vec::new();
        for (database, metrics) in self.databases(matchers)? {
            let wanted: Vec<&Metric> =
                metrics.iter().filter(|metric| matches(&metric.labels, matchers)).collect();
            let reading = database.lenient();
            found.append(&mut read(&reading, &wanted, range, budget)?);
            self.warn(warnings_of(&reading.damage()));
        }
        Ok(found)
    }
}

/// The samples of some metrics. Of several at the same instant the last counts: an instant has one
/// value here.
fn read(
    database: &Lenient<'_>,
    metrics: &[&Metric],
    range: TimeRange,
    budget: &Budget<'_>,
) -> Result<Vec<RawSeries>, QueryError> {
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    let mut series: Vec<RawSeries> = metrics
        .iter()
        .map(|metric| RawSeries { labels: metric.labels.clone(), ..RawSeries::default() })
        .collect();
    let mut spent = Ok(());
    let read = database.visit_many(&names, RangeQuery::all(range), |at, batch| {
        spent = budget.charge(batch.times.len());
        let Some(series) = series.get_mut(at).filter(|_| spent.is_ok()) else {
            return ControlFlow::Break(());
        };
        for (&time, &raw) in batch.times.iter().zip(batch.raws) {
            let value = Value::from_raw(batch.value_type, raw);
            let value = marker_of(value).unwrap_or_else(|| value.as_f64());
            match series.times.last().zip(series.values.last_mut()) {
                Some((&last, newest)) if last == time => *newest = value,
                _ => {
                    series.times.push(time);
                    series.values.push(value);
                }
            }
        }
        ControlFlow::Continue(())
    });
    spent?;
    read.map_err(unreadable)?;
    series.retain(|series| !series.times.is_empty());
    Ok(series)
}

fn has_sample(database: &Lenient<'_>, metric: &str, range: TimeRange) -> Result<bool, QueryError> {
    let Some(newest) = database.last(metric).map_err(unreadable)? else { return Ok(false) };
    // Mostly the range ends now, and nothing but the newest sample must be read.
    if newest.time < range.from || range.contains(newest.time) {
        return Ok(newest.time >= range.from);
    }
    let mut found = false;
    let visit = |batch: crate::query::Batch<'_>| {
        found = !batch.times.is_empty();
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    database.visit_range(metric, RangeQuery::all(range), visit).map_err(unreadable)?;
    Ok(found)
}

/// The labels that a metric is shown with.
fn shown(metric: &str, database: &str) -> LabelSet {
    let labels = Labels::of_metric(metric);
    let own = labels.pairs().filter(|(key, _)| *key != NAME);
    let own = own.map(|(key, value)| (if key == DATABASE { STORED_DATABASE } else { key }, value));
    LabelSet::new(own.chain([(NAME, labels.name()), (DATABASE, database)]))
}

/// Whether a matcher asks for the internal database by its name, and not just for any.
fn names_internal(matcher: &Matcher) -> bool {
    match &matcher.op {
        MatchOp::Equal => matcher.value == INTERNAL,
        MatchOp::Re(regex) => matcher.value.contains(INTERNAL) && regex.is_match(INTERNAL),
        MatchOp::NotEqual | MatchOp::NotRe(_) => false,
    }
}

/// Whether one database cannot be opened, which says nothing about others.
const fn is_about_one(error: &Error) -> bool {
    error.is_about_one_file() || matches!(error, Error::Settings { .. })
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn unreadable(error: Error) -> QueryError {
    QueryError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::{Answer, instant, selector};
    use super::*;
    use crate::{OpenOptions, Timestamp};

    /// A store with two databases and the server's own.
    fn with_series(test: impl FnOnce(&Stored)) {
        let directory = tempfile::tempdir().unwrap();
        let store = OpenOptions::default().background(false).open(directory.path()).unwrap();
        for (database, metric, value) in [
            ("home", "cpu.usage", 1.0_f32),
            ("home", "up;db=other;job=a%20b", 2.0),
            ("work", "up;job=c", 3.0),
            ("internal", "up", 4.0),
        ] {
            store.add(database, metric, Timestamp(1_000_000_000), value).unwrap();
        }
        test(&Stored::new(Arc::clone(store.engine())));
        store.close().unwrap();
    }

    /// The values that a query finds a second after the samples.
    fn values(stored: &Stored, query: &str) -> Vec<f64> {
        let at = Timestamp(2_000_000_000);
        let Answer::Vector(mut found) =
            instant(query, at, &stored.reading(), &Budget::default()).unwrap()
        else {
            panic!("{query} must be a vector");
        };
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        found.iter().flat_map(|series| &series.points).map(|point| point.value).collect()
    }

    #[test]
    fn names_have_dots_and_labels_are_in_names() {
        with_series(|stored| {
            assert_eq!(values(stored, r#"{"cpu.usage"}"#), [1.0]);
            assert_eq!(values(stored, r#"{__name__="cpu.usage", db="home"}"#), [1.0]);
            assert_eq!(values(stored, r#"up{job="a b"}"#), [2.0]);
            assert_eq!(values(stored, r#"up{exported_db="other", db="home"}"#), [2.0]);
            assert_eq!(values(stored, "up"), [2.0, 3.0]);
        });
    }

    #[test]
    fn the_internal_database_is_seen_when_it_is_named() {
        with_series(|stored| {
            for query in ["up{db=~\".*\"}", "up{db!=\"home\"}", "up{db!~\"internal\"}"] {
                assert!(!values(stored, query).contains(&4.0), "{query}");
            }
            for query in ["up{db=\"internal\"}", "up{db=~\"internal|none\"}"] {
                assert_eq!(values(stored, query), [4.0], "{query}");
            }
        });
    }

    #[test]
    fn listings_are_of_series_with_samples_in_the_range() {
        with_series(|stored| {
            let names = |text: &str, from: i64, to: i64| {
                let range = TimeRange::new(Timestamp(from), Timestamp(to)).unwrap();
                let selectors = [selector(text).unwrap()];
                let found = stored.reading().labels(&selectors, range, &Budget::default()).unwrap();
                found.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            let up = [
                r#"{__name__="up", db="home", exported_db="other", job="a b"}"#,
                r#"{__name__="up", db="work", job="c"}"#,
            ];
            assert_eq!(names("up", 0, i64::MAX), up);
            assert_eq!(names("up", 1_000_000_000, 1_000_000_000), up);
            assert_eq!(names("up", 0, 999_999_999), [""; 0]);
            assert_eq!(names("up", 1_000_000_001, i64::MAX), [""; 0]);
        });
    }

    #[test]
    fn new_metrics_are_found() {
        with_series(|stored| {
            assert_eq!(values(stored, "later").len(), 0);
            stored.engine.add("home", "later", Timestamp(2_000_000_000), 5.0_f32).unwrap();
            assert_eq!(values(stored, "later"), [5.0]);
        });
    }
}
