//! Real series: noisy values that nobody here made up, to measure size and speed with.
//!
//! They are the real part of the Numenta Anomaly Benchmark and not in the repository. Set
//! `NANOTDB_REAL_SERIES` to a `.tar.gz` of CSV files with the columns `timestamp,value`; without
//! it, tests that need them say that they were skipped.

use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The environment variable that names the archive.
pub const VARIABLE: &str = "NANOTDB_REAL_SERIES";

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The path in the archive as a metric name: `realTraffic.speed_6005`.
    pub name: String,
    /// Nanoseconds since 1970, never going back.
    pub times: Vec<i64>,
    /// A value for each time.
    pub values: Vec<f64>,
}

/// The series of the archive that [`VARIABLE`] names, or `None`, with a note on standard error,
/// when it is not set.
///
/// # Panics
///
/// When it is set, but there is no such archive.
pub fn series() -> Option<Vec<Series>> {
    let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        eprintln!("skipped: {VARIABLE} is not set");
        return None;
    };
    Some(read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The series of an archive, by name.
pub fn read(archive: &Path) -> io::Result<Vec<Series>> {
    let mut series = Vec::new();
    for entry in tar::Archive::new(GzDecoder::new(File::open(archive)?)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            series.push(parse(&path.with_extension("").to_string_lossy(), &text)?);
        }
    }
    series.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(series)
}

/// A series from CSV text.
fn parse(path: &str, text: &str) -> io::Result<Series> {
    let bad = |line: &str| io::Error::other(format!("{path}: not a time and a value: {line:?}"));
    let mut rows = Vec::new();
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        rows.push(row(line).ok_or_else(|| bad(line))?);
    }
    // One series goes back by an hour where clocks were changed.
    rows.sort_by_key(|&(time, _)| time);
    let (times, values) = rows.into_iter().unzip();
    Ok(Series { name: metric_name(path), times, values })
}

fn row(line: &str) -> Option<(i64, f64)> {
    let (time, value) = line.split_once(',')?;
    Some((parse_time(time)?, value.parse().ok()?))
}

/// `YYYY-MM-DD hh:mm:ss`, taken as UTC.
fn parse_time(text: &str) -> Option<i64> {
    let fields: Option<Vec<i64>> =
        text.split(['-', ' ', ':']).map(|field| field.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = *fields?.as_slice() else { return None };
    let days = days_before(year, month) + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000_000 + second * 1_000_000_000)
}

/// Days from 1970-01-01 to the first of a month, after Howard Hinnant's `days_from_civil`.
const fn days_before(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A name every engine takes: path separators become dots, other special characters `_`.
fn metric_name(path: &str) -> String {
    let keep = |c: char| match c {
        '/' | '\\' => '.',
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
        _ => '_',
    };
    path.trim_start_matches("./").chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv() {
        let text = "timestamp,value\n2014-02-14 14:35:00,0.134\n2014-02-14 14:30:00,-1e3\n";
        let series = parse("./realX/a b%c", text).unwrap();
        assert_eq!(series.name, "realX.a_b_c");
        assert_eq!(series.times, [1_392_388_200_000_000_000, 1_392_388_500_000_000_000]);
        assert_eq!(series.values, [-1000.0, 0.134]);
        assert!(parse("x", "timestamp,value\n2014-02-14,1\n").is_err());
    }

    #[test]
    fn the_whole_archive() {
        let Some(all) = series() else { return };
        assert_eq!(all.len(), 47);
        assert_eq!(all.iter().map(|series| series.times.len()).sum::<usize>(), 321_206);
        for series in &all {
            assert_eq!(series.times.len(), series.values.len());
            assert!(series.times.is_sorted(), "{}", series.name);
            assert!(series.name.starts_with("real"), "{}", series.name);
        }
    }
}
