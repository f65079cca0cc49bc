//! Answers as JSON, byte for byte as Prometheus writes them.

use super::super::answer::{to_json, write_warnings};
use super::label_set::LabelSet;
use super::numbers::{NANOS_PER_MILLI, plain, short};
use super::query::{Answer, Series};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::io::{self, Write};

/// Writes the answer to a query that succeeded, and what it lacks.
///
/// # Errors
///
/// Those of the writer.
pub fn write_answer(answer: &Answer, warnings: &[String], to: &mut impl Write) -> io::Result<()> {
    to.write_all(b"{\"status\":\"success\",\"data\":{\"resultType\":")?;
    match answer {
        Answer::Matrix(series) => {
            to.write_all(b"\"matrix\",\"result\":")?;
            list(to, series, matrix_series)?;
        }
        Answer::Vector(series) => {
            to.write_all(b"\"vector\",\"result\":")?;
            list(to, series, vector_series)?;
        }
        Answer::Scalar(at) => {
            to.write_all(b"\"scalar\",\"result\":")?;
            point(to, at.time, &plain(at.value))?;
        }
        Answer::Text(time, text) => {
            to.write_all(b"\"string\",\"result\":[")?;
            instant(to, *time)?;
            to.write_all(b",")?;
            to_json(&mut *to, text)?;
            to.write_all(b"]")?;
        }
    }
    to.write_all(b"}")?;
    write_warnings(to, warnings)?;
    to.write_all(b"}")
}

fn list<W: Write, T>(
    to: &mut W,
    items: &[T],
    mut write: impl FnMut(&mut W, &T) -> io::Result<()>,
) -> io::Result<()> {
    let mut open: &[u8] = b"[";
    for item in items {
        to.write_all(open)?;
        write(to, item)?;
        open = b",";
    }
    to.write_all(if items.is_empty() { b"[]" } else { b"]" })
}

fn matrix_series(to: &mut impl Write, series: &Series) -> io::Result<()> {
    metric(to, &series.labels)?;
    to.write_all(b",\"values\":")?;
    list(to, &series.points, |to, at| point(to, at.time, &short(at.value)))?;
    to.write_all(b"}")
}

fn vector_series(to: &mut impl Write, series: &Series) -> io::Result<()> {
    metric(to, &series.labels)?;
    to.write_all(b",\"value\":")?;
    if let Some(at) = series.points.first() {
        point(to, at.time, &short(at.value))?;
    }
    to.write_all(b"}")
}

fn metric(to: &mut impl Write, labels: &LabelSet) -> io::Result<()> {
    to.write_all(b"{\"metric\":")?;
    to_json(to, labels)
}

fn point(to: &mut impl Write, time: i64, value: &str) -> io::Result<()> {
    to.write_all(b"[")?;
    instant(to, time)?;
    write!(to, ",\"{value}\"]")
}

/// Seconds, with milliseconds where there are any.
fn instant(to: &mut impl Write, time: i64) -> io::Result<()> {
    let millis = time.div_euclid(NANOS_PER_MILLI);
    let (seconds, fraction) = (millis / 1_000, (millis % 1_000).abs());
    let sign = if millis < 0 && seconds == 0 { "-" } else { "" };
    if fraction == 0 {
        write!(to, "{seconds}")
    } else {
        write!(to, "{sign}{seconds}.{fraction:03}")
    }
}

impl Serialize for LabelSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.iter().len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::Point;
    use super::*;

    fn series(points: &[(i64, f64)]) -> Vec<Series> {
        let labels = LabelSet::new([("__name__", "up"), ("a", "\"b\"")]);
        let points =
            points.iter().map(|&(millis, value)| Point { time: millis * NANOS_PER_MILLI, value });
        vec![Series { labels, points: points.collect() }]
    }

    #[test]
    fn answers_are_as_prometheus_writes_them() {
        for (answer, expected) in [
            (
                Answer::Vector(series(&[(1_435_781_451_781, 1.0)])),
                r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","a":"\"b\""},"value":[1435781451.781,"1"]}]}"#,
            ),
            (
                Answer::Matrix(series(&[(1_000, f64::NAN), (2_005, 1e30), (2_050, -0.5)])),
                r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","a":"\"b\""},"values":[[1,"NaN"],[2.005,"1e+30"],[2.050,"-0.5"]]}]}"#,
            ),
            (
                Answer::Scalar(Point { time: -500_000_000, value: 1e30 }),
                r#"{"resultType":"scalar","result":[-0.500,"1000000000000000000000000000000"]}"#,
            ),
            (Answer::Text(0, "a\n".into()), r#"{"resultType":"string","result":[0,"a\n"]}"#),
            (Answer::Matrix(vec![]), r#"{"resultType":"matrix","result":[]}"#),
        ] {
            let expected = format!("{{\"status\":\"success\",\"data\":{expected}}}");
            let mut written = Vec::new();
            write_answer(&answer, &[], &mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
