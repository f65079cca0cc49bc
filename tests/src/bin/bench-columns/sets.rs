//! What is measured: columns that belong together.

use crate::column::Column;
use crate::{Options, made};
use nanotdb::Value;
use nanotdb_tests::nab::{self, Series};
use nanotdb_tests::workload::{self, METRICS, SAMPLES_PER_DAY, Shape, Workload};

/// Columns that are measured together.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

impl Set {
    pub(crate) fn new(name: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { name: name.into(), columns }
    }

    pub(crate) fn points(&self) -> usize {
        self.columns.iter().map(Column::len).sum()
    }

    /// Bytes before encoding.
    pub(crate) fn raw_bytes(&self) -> usize {
        self.columns.iter().map(|column| column.len() * column.width()).sum()
    }
}

/// The sets that are asked for, largest first: of those the totals are shown again at the end.
pub(crate) fn all(options: &Options) -> Vec<Set> {
    let mut sets = host();
    if let Some(series) = real(options) {
        sets.extend(of_series(&series, options.each));
    }
    sets.extend(made::values());
    sets.extend(host_times());
    sets.extend(made::times());
    sets.retain(|set| options.wants_set(&set.name));
    sets
}

/// W84's first day, and its metrics by kind.
fn host() -> Vec<Set> {
    let columns = host_columns();
    let names = workload::names();
    let mut sets = vec![Set::new("w84", columns.clone())];
    for kind in ["counter", "gauge", "noise", "mem", "consti", "constf", "state"] {
        let of_kind = names.iter().zip(&columns).filter(|(name, _)| name.contains(kind));
        let of_kind = of_kind.map(|(_, column)| column.clone()).collect();
        sets.push(Set::new(format!("w84/{kind}"), of_kind));
    }
    sets
}

fn host_columns() -> Vec<Column> {
    let mut values = vec![Vec::new(); METRICS];
    for point in Workload::new(Shape::Regular).take(SAMPLES_PER_DAY) {
        values[point.metric].push(point.value);
    }
    values.iter().map(|values| typed(values)).collect()
}

fn typed(values: &[Value]) -> Column {
    let integer = |value: &Value| match value {
        Value::I32(value) => Some(*value),
        Value::F32(_) => None,
    };
    match values.iter().map(integer).collect() {
        Some(integers) => Column::integers(integers),
        None => Column::floats(values.iter().map(|value| f32::from_bits(value.to_raw())).collect()),
    }
}

/// What one metric's times are, and where none are shared what all are.
fn host_times() -> Vec<Set> {
    let times = |shape| {
        let mut times = vec![Vec::new(); METRICS];
        for point in Workload::new(shape).take(SAMPLES_PER_DAY) {
            times[point.metric].push(point.time);
        }
        times
    };
    let one = |shape| vec![Column::Times(times(shape).swap_remove(0))];
    vec![
        Set::new("times/w84-regular", one(Shape::Regular)),
        Set::new("times/w84-jitter", one(Shape::Jitter)),
        Set::new(
            "times/w84-stagger",
            times(Shape::Stagger).into_iter().map(Column::Times).collect(),
        ),
    ]
}

fn real(options: &Options) -> Option<Vec<Series>> {
    let Some(path) = &options.real else { return nab::series() };
    Some(nab::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The real series, together and by the folder they are in.
fn of_series(series: &[Series], each: bool) -> Vec<Set> {
    let values = |series: &[Series]| series.iter().map(as_stored).collect();
    let mut sets = vec![Set::new("nab", values(series))];
    for folder in series.chunk_by(|a, b| folder(a) == folder(b)) {
        sets.push(Set::new(format!("nab/{}", self::folder(&folder[0])), values(folder)));
        if each {
            let one = |one: &Series| Set::new(format!("nab/{}", one.name), vec![as_stored(one)]);
            sets.extend(folder.iter().map(one));
        }
    }
    let times = series.iter().map(|one| Column::Times(one.times.clone())).collect();
    sets.push(Set::new("times/nab", times));
    sets
}

fn folder(series: &Series) -> &str {
    series.name.split('.').find(|part| part.starts_with("real")).unwrap_or(&series.name)
}

/// Integers where all values are, else the nearest 32-bit floats.
#[expect(clippy::cast_possible_truncation, reason = "checked, or wanted")]
fn as_stored(series: &Series) -> Column {
    let integer = |&value: &f64| {
        let integer = value as i32;
        (f64::from(integer).to_bits() == value.to_bits()).then_some(integer)
    };
    match series.values.iter().map(integer).collect() {
        Some(integers) => Column::integers(integers),
        None => Column::floats(series.values.iter().map(|&value| value as f32).collect()),
    }
}
