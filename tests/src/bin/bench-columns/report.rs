//! What was measured, as tables and as JSON.

use crate::contenders::{BASELINE, ORACLE};
use serde_json::{Value, json};

/// Million points a second, from best to worst.
#[derive(Debug)]
pub(crate) struct Rates(Vec<f64>);

impl Rates {
    pub(crate) fn new(mut rates: Vec<f64>) -> Self {
        rates.sort_by(|a, b| b.total_cmp(a));
        Self(rates)
    }

    fn best(&self) -> f64 {
        self.0[0]
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// Between the quartiles, as a part of the median.
    fn spread(&self) -> f64 {
        let quarter = self.0.len() / 4;
        (self.0[quarter] - self.0[self.0.len() - 1 - quarter]) / self.median()
    }

    fn cells(&self) -> String {
        let (best, median) = (rate(self.best()), rate(self.median()));
        format!("{best:>6} | {median:>6} | {:>4.0}", self.spread() * 100.0)
    }

    fn to_json(&self) -> Value {
        json!({ "best": self.best(), "median": self.median(), "spread": self.spread() })
    }
}

fn rate(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

/// A contender on a set.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) contender: String,
    pub(crate) bytes: usize,
    pub(crate) encode: Rates,
    pub(crate) decode: Rates,
}

/// All contenders on a set.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) set: String,
    pub(crate) columns: usize,
    pub(crate) points: usize,
    pub(crate) raw_bytes: usize,
    pub(crate) rows: Vec<Row>,
}

impl Measured {
    /// How many times the bytes of another contender these are.
    fn ratio(&self, row: &Row, to: &str) -> Option<f64> {
        let other = self.rows.iter().find(|other| other.contender == to)?;
        Some(row.bytes as f64 / other.bytes as f64)
    }

    fn bytes_each(&self, row: &Row) -> f64 {
        row.bytes as f64 / self.points as f64
    }

    fn print(&self) {
        for row in &self.rows {
            let ratio =
                |to| self.ratio(row, to).map_or(String::from("-"), |ratio| format!("{ratio:.3}"));
            println!(
                "| {:<24} | {:<25} | {:>7} | {:>8.4} | {:>6.3} | {:>6} | {:>6} | {} | {} |",
                self.set,
                row.contender,
                self.points,
                self.bytes_each(row),
                row.bytes as f64 / self.raw_bytes as f64,
                ratio(BASELINE),
                ratio(ORACLE),
                row.encode.cells(),
                row.decode.cells(),
            );
        }
    }

    fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "contender": row.contender,
                "bytes": row.bytes,
                "bytes_per_point": self.bytes_each(row),
                "ratio_to_raw": row.bytes as f64 / self.raw_bytes as f64,
                "ratio_to_v2_zstd_fastest": self.ratio(row, BASELINE),
                "ratio_to_pco": self.ratio(row, ORACLE),
                "encode_mpoints_per_s": row.encode.to_json(),
                "decode_mpoints_per_s": row.decode.to_json(),
            })
        };
        json!({
            "set": self.set,
            "columns": self.columns,
            "points": self.points,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// Everything so far.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    sets: Vec<Measured>,
}

impl Report {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json, sets: Vec::new() }
    }

    pub(crate) fn begin(&self) {
        if !self.json {
            println!("load {}; rates in million points a second, spread in %\n", load());
            head();
        }
    }

    pub(crate) fn add(&mut self, measured: Measured) {
        if !self.json {
            measured.print();
        }
        self.sets.push(measured);
    }

    pub(crate) fn end(&self) {
        if self.json {
            let sets: Vec<Value> = self.sets.iter().map(Measured::to_json).collect();
            println!("{:#}", json!({ "load": load(), "sets": sets }));
            return;
        }
        println!("\nload {}\n\nTotals:\n", load());
        head();
        self.sets
            .iter()
            .filter(|set| ["w84", "nab"].contains(&&*set.set))
            .for_each(Measured::print);
    }
}

fn head() {
    println!(
        "| set | contender | points | bytes/pt | ×raw | ×{BASELINE} | ×{ORACLE} \
         | encode best | median | spread | decode best | median | spread |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
}

/// The machine's load over a minute, as a warning about what else it was doing.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}
