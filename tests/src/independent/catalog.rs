//! `catalog.json`: the metrics of a database.

use super::{Problem, value_type};
use serde_json::Value;
use std::collections::BTreeSet;

const FILE: &str = "catalog.json";

/// The metrics a database knows.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// In file order.
    pub metrics: Vec<Metric>,
}

/// One metric of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: u16,
    /// 1 for int32, 2 for float32.
    pub value_type: u8,
}

impl Catalog {
    /// Decodes the whole file; an empty one has no metrics.
    pub fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let damage = |what: String| Problem::damage(FILE, 0, what);
        let document: Value = serde_json::from_slice(bytes).map_err(|e| damage(e.to_string()))?;
        let metrics = document.get("metrics").and_then(Value::as_array);
        let metrics = metrics.ok_or_else(|| damage("no array `metrics`".into()))?;
        let metrics: Option<Vec<Metric>> = metrics.iter().map(metric).collect();
        metrics
            .map(|metrics| Self { metrics })
            .ok_or_else(|| damage("a metric without name, id or type".into()))
    }

    /// The metric with this id.
    pub fn by_id(&self, id: u16) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.id == id)
    }

    /// The metric with this name.
    pub fn by_name(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let mut ids = BTreeSet::new();
        let mut names = BTreeSet::new();
        for Metric { name, id, value_type } in &self.metrics {
            let mut rule = |broken: bool, what: &str| {
                if broken {
                    problems.push(Problem::rule(FILE, 0, format!("{name:?} ({id}): {what}")));
                }
            };
            rule(*id == 0, "id 0");
            rule(!ids.insert(*id), "id twice");
            rule(!names.insert(name), "name twice");
            rule(!(1..=255).contains(&name.len()), "name is not 1 to 255 bytes");
            let known = [value_type::INT32, value_type::FLOAT32];
            rule(!known.contains(value_type), "unknown type");
        }
    }
}

fn metric(entry: &Value) -> Option<Metric> {
    Some(Metric {
        name: entry.get("name")?.as_str()?.into(),
        id: u16::try_from(entry.get("id")?.as_u64()?).ok()?,
        value_type: u8::try_from(entry.get("type")?.as_u64()?).ok()?,
    })
}
