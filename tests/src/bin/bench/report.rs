//! Figures, and how they are shown.

use crate::measure;
use crate::reference;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Seconds,
    Millis,
    Nanos,
    Bytes,
    Mib,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Nanos => "ns",
            Self::Bytes => "bytes",
            Self::Mib => "MiB",
        }
    }

    const fn more_is_better(self) -> bool {
        matches!(self, Self::PerSecond)
    }
}

/// What was measured, several times.
#[derive(Debug)]
struct Figure {
    name: String,
    unit: Unit,
    /// From best to worst.
    values: Vec<f64>,
    reference: Option<f64>,
    notes: Vec<(&'static str, f64)>,
}

impl Figure {
    fn best(&self) -> f64 {
        self.values[0]
    }

    fn median(&self) -> f64 {
        self.values[self.values.len() / 2]
    }

    fn worst(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// How many times better than the reference a value is.
    fn ratio(&self, value: f64) -> Option<f64> {
        let reference = self.reference?;
        Some(if self.unit.more_is_better() { value / reference } else { reference / value })
    }

    fn print(&self) {
        let number = |value: f64| match self.unit {
            Unit::PerSecond | Unit::Bytes => format!("{value:.0}"),
            Unit::Nanos => format!("{value:.1}"),
            Unit::Seconds | Unit::Millis | Unit::Mib => format!("{value:.3}"),
        };
        let ratio =
            |value| self.ratio(value).map_or(String::from("-"), |ratio| format!("{ratio:.2}"));
        let notes: Vec<String> =
            self.notes.iter().map(|(what, value)| format!("{what} {}", short(*value))).collect();
        println!(
            "| {:<76} | {:>5} | {:>10} | {:>10} | {:>10} | {:>10} | {:>6} | {:>6} | {} |",
            self.name,
            self.unit.name(),
            number(self.best()),
            number(self.median()),
            number(self.worst()),
            self.reference.map_or(String::from("-"), number),
            ratio(self.best()),
            ratio(self.median()),
            notes.join(", "),
        );
    }

    fn to_json(&self) -> Value {
        let notes: serde_json::Map<String, Value> =
            self.notes.iter().map(|(what, value)| ((*what).to_string(), json!(value))).collect();
        json!({
            "name": self.name,
            "unit": self.unit.name(),
            "best": self.best(),
            "median": self.median(),
            "worst": self.worst(),
            "values": self.values,
            "reference": self.reference,
            "ratio_of_best": self.ratio(self.best()),
            "ratio_of_median": self.ratio(self.median()),
            "notes": notes,
        })
    }
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

/// What to run and where, and what came out so far.
#[derive(Debug)]
pub(crate) struct Bench {
    filters: Vec<String>,
    pub(crate) repeats: usize,
    directory: PathBuf,
    list: bool,
    json: bool,
    figures: Vec<Figure>,
}

impl Bench {
    pub(crate) fn new(
        filters: Vec<String>,
        repeats: usize,
        directory: PathBuf,
        list: bool,
        json: bool,
    ) -> Self {
        Self { filters, repeats, directory, list, json, figures: Vec::new() }
    }

    pub(crate) fn begin(&self) {
        if self.list || self.json {
            return;
        }
        println!("load {}, {} repeats", measure::load(), self.repeats);
        println!(
            "| {:<76} | {:>5} | {:>10} | {:>10} | {:>10} | {:>10} | {:>6} | {:>6} | notes |",
            "case", "unit", "best", "median", "worst", "reference", "×best", "×med"
        );
        println!("|---|---|--:|--:|--:|--:|--:|--:|---|");
    }

    pub(crate) fn end(&self) {
        if self.list {
            return;
        }
        if self.json {
            let figures: Vec<Value> = self.figures.iter().map(Figure::to_json).collect();
            println!("{:#}", json!({ "load": measure::load(), "figures": figures }));
        } else {
            println!("load {}", measure::load());
        }
    }

    /// Whether a case is to be run. A list names it instead.
    pub(crate) fn wants(&self, case: &str) -> bool {
        let chosen = self.filters.is_empty()
            || self.filters.iter().any(|filter| match filter.strip_suffix('$') {
                Some(end) => case.ends_with(end),
                None => case.contains(filter.as_str()),
            });
        if chosen && self.list {
            println!("{case}");
        }
        chosen && !self.list
    }

    /// An empty directory, gone when dropped.
    pub(crate) fn directory(&self) -> TempDir {
        let builder = tempfile::Builder::new().prefix("bench-").tempdir_in(&self.directory);
        builder.expect("a directory to work in")
    }

    /// Takes a figure; the reference has one of the same name, or none.
    pub(crate) fn figure(&mut self, name: &str, unit: Unit, values: Vec<f64>) {
        self.figure_like(name, name, unit, values, Vec::new());
    }

    /// Takes a figure whose counterpart at the reference is named `like`.
    pub(crate) fn figure_like(
        &mut self,
        name: &str,
        like: &str,
        unit: Unit,
        mut values: Vec<f64>,
        notes: Vec<(&'static str, f64)>,
    ) {
        values.sort_by(f64::total_cmp);
        if unit.more_is_better() {
            values.reverse();
        }
        let reference = reference::quiet(like);
        let figure = Figure { name: name.to_string(), unit, values, reference, notes };
        if !self.json {
            figure.print();
        }
        self.figures.push(figure);
    }
}
