//! The rows of all files, put in order.

use super::Failure;
use super::records::Records;
use super::rules::{Kind, Rule};
use crate::cli::output::exact_text;
use indicatif::ProgressBar;
use nanotdb::name::check_metric_name;
use nanotdb::text::float::parse_f64;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// One row. Names are long and few, so a row has its metric's number.
#[derive(Debug, Clone, Copy)]
struct Row {
    time: i64,
    metric: usize,
    value: f64,
}

/// What is known of a metric.
#[derive(Debug)]
struct Metric {
    /// What a rule says it is.
    kind: Kind,
    /// Whether every value so far is an integer that fits.
    all_integers: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Rows {
    all: Vec<Row>,
    numbers: BTreeMap<String, usize>,
    metrics: Vec<Metric>,
}

impl Rows {
    /// Takes the rows of a file in.
    pub(super) fn read(
        &mut self,
        path: &Path,
        base: &str,
        rule: &Rule,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let failed = |place: &str, error: &str| {
            Failure::failed(format!("{}{place}: {error}", path.display()))
        };
        let mut records = Records::open(path).map_err(|error| failed("", &error.to_string()))?;
        let before = bar.position();
        let mut is_first = true;
        loop {
            let record = records.read();
            let record = match record {
                Ok(Some(record)) => record.to_vec(),
                Ok(None) => break,
                Err(error) => return Err(failed(&format!(", line {}", records.line()), &error)),
            };
            if !(core::mem::take(&mut is_first) && is_header(&record)) {
                let taken = self.take(&record, base, rule);
                taken.map_err(|error| failed(&format!(", line {}", records.line()), &error))?;
            }
            if self.all.len().is_multiple_of(4096) {
                bar.set_position(before + records.bytes_read());
            }
        }
        bar.set_position(before + records.bytes_read());
        Ok(())
    }

    fn take(&mut self, record: &[String], base: &str, rule: &Rule) -> Result<(), String> {
        let [metric, sensor, value, time, ..] = record else {
            return Err(format!("found {} columns, expected 4", record.len()));
        };
        let time = time_of(time.trim())?;
        let value = value.trim();
        let value = parse_f64(value).ok_or_else(|| format!("{value:?} is no number"))?;
        let name = name(rule, metric, base, sensor)?;
        let metric = self.number(&name, rule)?;
        let is_integer = rule.is_unscaled() && value.fract() == 0.0 && as_integer(value).is_some();
        if let Some(known) = self.metrics.get_mut(metric) {
            known.all_integers &= is_integer;
        }
        let value = value * rule.scale;
        if rule.value_type == Kind::Int && as_integer(value).is_none() {
            return Err(format!("{value} does not fit an int32"));
        }
        if !fits_single(value) {
            return Err(format!("{value} does not fit a float32"));
        }
        self.all.push(Row { time, metric, value });
        Ok(())
    }

    /// The number of a metric. What one rule says of it must suit what another one said.
    fn number(&mut self, name: &str, rule: &Rule) -> Result<usize, String> {
        let Some(&number) = self.numbers.get(name) else {
            self.metrics.push(Metric { kind: rule.value_type, all_integers: true });
            self.numbers.insert(name.to_string(), self.metrics.len() - 1);
            return Ok(self.metrics.len() - 1);
        };
        match self.metrics.get(number) {
            Some(known) if known.kind != rule.value_type => {
                Err(format!("metric {name} has another value_type in another file"))
            }
            _ => Ok(number),
        }
    }

    /// Writes a line for each row behind the time `newest`: by time, then by name, then as they
    /// came. Says how many.
    pub(super) fn write(
        mut self,
        database: &str,
        newest: Option<i64>,
        to: &mut impl Write,
    ) -> io::Result<u64> {
        // Numbers become places in the order of names.
        let mut places = vec![0; self.metrics.len()];
        for (place, &number) in self.numbers.values().enumerate() {
            if let Some(slot) = places.get_mut(number) {
                *slot = place;
            }
        }
        let place = |row: &Row| places.get(row.metric).copied().unwrap_or(0);
        self.all.sort_by_key(|row| (row.time, place(row)));
        let names: Vec<&str> = self.numbers.keys().map(String::as_str).collect();
        let mut count = 0;
        for row in self.all.iter().filter(|row| newest.is_none_or(|newest| row.time > newest)) {
            let name = names.get(place(row)).copied().unwrap_or_default();
            let is_integer = self.metrics.get(row.metric).is_some_and(|metric| match metric.kind {
                Kind::Auto => metric.all_integers,
                kind => kind == Kind::Int,
            });
            match as_integer(row.value).filter(|_| is_integer) {
                Some(value) => writeln!(to, "{database}/{name} {value}i {}", row.time)?,
                None => writeln!(to, "{database}/{name} {} {}", exact_text(row.value), row.time)?,
            }
            count += 1;
        }
        Ok(count)
    }
}

/// Whether a file's first record names its columns: exports have such a line or not.
fn is_header(record: &[String]) -> bool {
    let is_number = |text: &String| parse_f64(text.trim()).is_some();
    let is_time = |text: &String| time_of(text.trim()).is_ok();
    !(record.get(2).is_some_and(is_number) || record.get(3).is_some_and(is_time))
}

/// A time in any of the forms that `VictoriaMetrics` can be asked for. It writes milliseconds
/// unless told otherwise; numbers of 10, 16 and 19 digits are times of today in seconds,
/// microseconds and nanoseconds.
fn time_of(text: &str) -> Result<i64, String> {
    let Ok(number) = text.parse::<i64>() else {
        let time = text.parse::<jiff::Timestamp>();
        let time =
            time.map_err(|_| format!("{text:?} is no number of milliseconds, and no time"))?;
        return i64::try_from(time.as_nanosecond())
            .map_err(|_| format!("{text} is beyond what nanoseconds can say"));
    };
    let unit = match number.unsigned_abs().checked_ilog10() {
        Some(9) => 1_000_000_000,
        Some(15) => 1_000,
        Some(18..) => 1,
        _ => NANOS_PER_MILLI,
    };
    let time = number.checked_mul(unit);
    time.ok_or_else(|| format!("{number} ms are beyond what nanoseconds can say"))
}

/// Whether a number that is finite stays so in single precision.
fn fits_single(value: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
    let rounded = value as f32;
    rounded.is_finite() || !value.is_finite()
}

/// The nearest integer, if it fits.
fn as_integer(value: f64) -> Option<i32> {
    let rounded = value.round();
    let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded);
    #[expect(clippy::cast_possible_truncation, reason = "whole, and inside the range")]
    fits.then_some(rounded as i32)
}

/// The metric of a row: what the rule says, else the row, else the file.
fn name(rule: &Rule, metric: &str, base: &str, sensor: &str) -> Result<String, String> {
    let candidates = [rule.metric.as_deref().unwrap_or_default(), metric, base];
    let mut name = candidates
        .into_iter()
        .map(sanitized)
        .find(|name| !name.is_empty())
        .ok_or_else(|| "neither rule, row nor file names a metric".to_string())?;
    let sensor = sanitized(sensor);
    if rule.append_sensor && !sensor.is_empty() {
        name.push('.');
        name.push_str(&sensor);
    }
    check_metric_name(&name).map_err(|rejection| rejection.to_string())?;
    Ok(name)
}

/// The text with everything but letters, digits and `. - _ /` made one `_`, and no such sign
/// around it.
fn sanitized(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut replaced = false;
    for c in text.chars() {
        let kept = c.is_alphanumeric() || ".-_/".contains(c);
        if kept || !replaced {
            name.push(if kept { c } else { '_' });
        }
        replaced = !kept;
    }
    name.trim_matches(|c| "_.-/".contains(c)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_lines_can_hold() {
        for (text, expected) in [
            ("cpu usage (%)", "cpu_usage"),
            ("/a.b-c/d_", "a.b-c/d"),
            ("Außen°C  Temp", "Außen_C_Temp"),
            ("a__b", "a__b"),
            ("***", ""),
        ] {
            assert_eq!(sanitized(text), expected);
        }
        let rule = Rule::default();
        assert_eq!(name(&rule, "temp", "file", "north side").unwrap(), "temp.north_side");
        assert_eq!(name(&rule, " ", "file", "").unwrap(), "file");
        let rule = Rule { metric: Some("t".into()), append_sensor: false, ..rule };
        assert_eq!(name(&rule, "temp", "file", "north").unwrap(), "t");
        assert!(name(&rule, &"x".repeat(300), "file", "north").is_ok());
        assert!(name(&Rule::default(), &"x".repeat(300), "file", "").is_err());
        assert!(name(&Rule::default(), "", "-", "x").is_err());
    }

    #[test]
    fn times_come_in_every_form_of_an_export() {
        let second = 1_795_824_000_i64;
        for text in [
            "1795824000",
            "1795824000000",
            "1795824000000000",
            "1795824000000000000",
            "2026-11-28T00:00:00Z",
            "2026-11-28T01:00:00+01:00",
        ] {
            assert_eq!(time_of(text), Ok(second * 1_000_000_000), "{text}");
        }
        assert_eq!(time_of("-1500"), Ok(-1_500_000_000));
        assert!(time_of("2026-11-28").unwrap_err().contains("no time"));
        assert!(time_of("9223372036855").unwrap_err().contains("beyond"));
    }

    #[test]
    fn a_header_is_told_from_data() {
        let of = |text: &str| is_header(&text.split(',').map(str::to_owned).collect::<Vec<_>>());
        assert!(of("metric,sensor,value,ts") && of("__name__,job,__value__,__timestamp__"));
        assert!(!of("temp,,21.5,1000") && !of("temp,,x,1000") && !of("temp,,1") && !of("a,b,1,c"));
    }

    #[test]
    fn numbers_that_nothing_can_hold_are_refused() {
        let row = |value: &str| {
            let record = ["m", "", value, "1000"].map(str::to_owned);
            Rows::default().take(&record, "file", &Rule::default())
        };
        assert!(row("1e400").unwrap_err().contains("no number"));
        assert!(row("-1e39").unwrap_err().contains("does not fit a float32"));
        assert!(row("+Inf").is_ok() && row("NaN").is_ok() && row("3.4e38").is_ok());
    }

    #[test]
    fn integers_are_rounded_and_fit() {
        let found = [0.5, -0.5, 2_147_483_647.4, 2_147_483_647.5, f64::NAN].map(as_integer);
        assert_eq!(found, [Some(1), Some(-1), Some(i32::MAX), None, None]);
    }
}
