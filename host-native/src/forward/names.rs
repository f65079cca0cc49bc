//! Metrics' names as labels that every receiver takes.
//!
//! Prometheus passes over series whose names have other characters than its own, without a word.
//! So `.` and whatever else is none becomes `_`. When two metrics would be one series by that, the
//! one that was made later gets its own name as label `nanotdb_metric`; a metric's number only
//! grows, so that never changes.

use crate::labels::Labels;
use crate::query::MetricInfo;
use crate::remote_write::{Label, NAME_LABEL};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The label that holds the name of a database.
const DATABASE_LABEL: &str = "db";

/// The label that tells metrics apart whose names differ only in characters that were replaced.
const METRIC_LABEL: &str = "nanotdb_metric";

/// What stands in front of a label that has the name of one of ours.
const EXPORTED: &str = "exported_";

/// Refuses labels that receivers would not take, or that are ours.
pub(super) fn check_labels(labels: &[(String, String)]) -> Result<(), String> {
    for (key, value) in labels {
        if plain(key, false) != *key {
            return Err(format!("label {key:?}: expected letters, digits and '_', no digit first"));
        }
        if [NAME_LABEL, DATABASE_LABEL, METRIC_LABEL].contains(&key.as_str()) {
            return Err(format!("label {key:?}: this is set for each series by itself"));
        }
        if value.is_empty() {
            return Err(format!("label {key:?}: its value is empty"));
        }
    }
    Ok(())
}

/// The labels of a database's metrics.
#[derive(Debug)]
pub(super) struct Names {
    database: String,
    extra: Vec<(String, String)>,
    by_metric: HashMap<String, Arc<[Label]>>,
    taken: HashSet<Arc<[Label]>>,
    /// Metrics up to this number are known.
    known: u16,
}

impl Names {
    /// Of a database, with labels that every series gets.
    pub(super) fn new(database: &str, extra: Vec<(String, String)>) -> Self {
        let database = database.to_owned();
        Self { database, extra, by_metric: HashMap::new(), taken: HashSet::new(), known: 0 }
    }

    /// Learns of metrics that are new.
    pub(super) fn learn(&mut self, metrics: &[MetricInfo]) {
        let is_new = |metric: &&MetricInfo| metric.id.get() > self.known;
        let mut new: Vec<&MetricInfo> = metrics.iter().filter(is_new).collect();
        new.sort_by_key(|metric| metric.id);
        for metric in new {
            self.known = metric.id.get();
            let mut labels = self.labels(&metric.name);
            if self.taken.contains(to_message(&labels).as_slice()) {
                labels.insert(METRIC_LABEL.into(), metric.name.clone());
            }
            let labels: Arc<[Label]> = to_message(&labels).into();
            self.taken.insert(Arc::clone(&labels));
            self.by_metric.insert(metric.name.clone(), labels);
        }
    }

    /// The labels of a metric that was learnt of, sorted by name.
    pub(super) fn get(&self, metric: &str) -> &[Label] {
        self.by_metric.get(metric).map_or(&[], |labels| labels)
    }

    fn labels(&self, metric: &str) -> BTreeMap<String, String> {
        let own = Labels::of_metric(metric);
        let mut labels = BTreeMap::from([
            (NAME_LABEL.to_owned(), plain(own.name(), true)),
            (DATABASE_LABEL.to_owned(), self.database.clone()),
        ]);
        for (key, value) in own.pairs() {
            let mut key = plain(key, false);
            while labels.contains_key(&key) || key == METRIC_LABEL {
                key.insert_str(0, EXPORTED);
            }
            labels.insert(key, value.to_owned());
        }
        for (key, value) in &self.extra {
            labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        labels
    }
}

/// The series as people write it.
pub(super) fn shown(labels: &[Label]) -> String {
    let name = labels.iter().find(|label| label.name == NAME_LABEL);
    let others = labels.iter().filter(|label| label.name != NAME_LABEL);
    let pairs = others.map(|label| format!("{}={:?}", label.name, label.value));
    let pairs = pairs.collect::<Vec<_>>().join(",");
    format!("{}{{{pairs}}}", name.map_or("", |label| &label.value))
}

/// Sorted by the bytes of the names, as receivers want them.
fn to_message(labels: &BTreeMap<String, String>) -> Vec<Label> {
    labels.iter().map(|(name, value)| Label::new(name, value)).collect()
}

/// The name in the characters of Prometheus.
fn plain(name: &str, with_colons: bool) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || (with_colons && c == ':');
    let mut plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.is_empty() || plain.starts_with(|c: char| c.is_ascii_digit()) {
        plain.insert(0, '_');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MetricId, ValueType};

    fn metrics(names: &[&str]) -> Vec<MetricInfo> {
        let info = |(id, name): (u16, &&str)| MetricInfo {
            recovered: false,
            name: (*name).to_owned(),
            id: MetricId::new(id).unwrap(),
            value_type: ValueType::F32,
        };
        (1..).zip(names).map(info).collect()
    }

    fn text(names: &Names, metric: &str) -> String {
        let pairs = names.get(metric).iter().map(|label| format!("{}={}", label.name, label.value));
        pairs.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn labels_are_those_of_the_metric_and_ours() {
        let extra = vec![("site".to_owned(), "a".to_owned()), ("host".to_owned(), "z".to_owned())];
        let mut names = Names::new("home", extra);
        names.learn(&metrics(&["kitchen.temp", "up;db=x;host=b", "1;a.b=1;a_b=2", "m;__name__=q"]));
        assert_eq!(text(&names, "kitchen.temp"), "__name__=kitchen_temp,db=home,host=z,site=a");
        let expected = "__name__=up,db=home,exported_db=x,host=b,site=a";
        assert_eq!(text(&names, "up;db=x;host=b"), expected);
        let expected = "__name__=_1,a_b=1,db=home,exported_a_b=2,host=z,site=a";
        assert_eq!(text(&names, "1;a.b=1;a_b=2"), expected);
        let expected = "__name__=m,db=home,exported___name__=q,host=z,site=a";
        assert_eq!(text(&names, "m;__name__=q"), expected);
    }

    #[test]
    fn metrics_that_would_be_one_series_are_told_apart_for_good() {
        let all = metrics(&["a.b", "a_b", "a-b"]);
        let mut at_once = Names::new("home", vec![]);
        at_once.learn(&all);
        let mut later = Names::new("home", vec![]);
        for end in 1..=3 {
            later.learn(&all[..end]);
        }
        for names in [&at_once, &later] {
            assert_eq!(text(names, "a.b"), "__name__=a_b,db=home");
            assert_eq!(text(names, "a_b"), "__name__=a_b,db=home,nanotdb_metric=a_b");
            assert_eq!(text(names, "a-b"), "__name__=a_b,db=home,nanotdb_metric=a-b");
        }
    }

    #[test]
    fn labels_that_nobody_takes_are_refused() {
        let check = |key: &str, value: &str| check_labels(&[(key.into(), value.into())]);
        assert_eq!(check("site", "a b"), Ok(()));
        for (key, value) in [("a b", "x"), ("", "x"), ("1", "x"), ("db", "x"), ("site", "")] {
            assert!(check(key, value).is_err(), "{key}");
        }
    }
}
