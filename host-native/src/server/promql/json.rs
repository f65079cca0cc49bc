//! Answers as JSON, byte for byte as Prometheus writes them.

use super::error::QueryError;
use super::label_set::LabelSet;
use super::numbers::{NANOS_PER_MILLI, plain, short};
use super::query::{Answer, Point, Series};
use core::fmt::Write as _;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The answer to a query that succeeded.
pub fn write_result(answer: &Answer) -> String {
    let mut json = String::from("{\"status\":\"success\",\"data\":{\"resultType\":");
    match answer {
        Answer::Matrix(series) => {
            json.push_str("\"matrix\",\"result\":");
            list(&mut json, series, matrix_series);
        }
        Answer::Vector(series) => {
            json.push_str("\"vector\",\"result\":");
            list(&mut json, series, vector_series);
        }
        Answer::Scalar(at) => {
            json.push_str("\"scalar\",\"result\":");
            point(&mut json, at.time, &plain(at.value));
        }
        Answer::Text(time, text) => {
            json.push_str("\"string\",\"result\":[");
            instant(&mut json, *time);
            json.push(',');
            json.push_str(&encoded(text));
            json.push(']');
        }
    }
    json.push_str("}}");
    json
}

/// The answer to any other request that succeeded; `data` as serde writes it.
pub fn write_success(data: &impl Serialize) -> String {
    format!("{{\"status\":\"success\",\"data\":{}}}", encoded(data))
}

/// The answer to a request that failed.
pub fn write_error(error: &QueryError) -> String {
    let (kind, text) = (encoded(error.kind()), encoded(&error.to_string()));
    format!("{{\"status\":\"error\",\"errorType\":{kind},\"error\":{text}}}")
}

/// Texts, lists and maps of them: nothing that serde could refuse to write.
fn encoded(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

fn list<T>(json: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    json.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        write(json, item);
    }
    json.push(']');
}

fn matrix_series(json: &mut String, series: &Series) {
    metric(json, &series.labels);
    json.push_str(",\"values\":");
    list(json, &series.points, |json, at| point(json, at.time, &short(at.value)));
    json.push('}');
}

fn vector_series(json: &mut String, series: &Series) {
    metric(json, &series.labels);
    json.push_str(",\"value\":");
    let Point { time, value } =
        series.points.first().copied().unwrap_or(Point { time: 0, value: f64::NAN });
    point(json, time, &short(value));
    json.push('}');
}

fn metric(json: &mut String, labels: &LabelSet) {
    json.push_str("{\"metric\":");
    json.push_str(&encoded(labels));
}

fn point(json: &mut String, time: i64, value: &str) {
    json.push('[');
    instant(json, time);
    json.push_str(",\"");
    json.push_str(value);
    json.push_str("\"]");
}

/// Seconds, with milliseconds where there are any.
fn instant(json: &mut String, time: i64) {
    let millis = time.div_euclid(NANOS_PER_MILLI);
    let (seconds, fraction) = (millis / 1_000, (millis % 1_000).abs());
    let sign = if millis < 0 && seconds == 0 { "-" } else { "" };
    // Writing to a string cannot fail.
    let _ = if fraction == 0 {
        write!(json, "{seconds}")
    } else {
        write!(json, "{sign}{seconds}.{fraction:03}")
    };
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
    use super::super::error::bad_data;
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
            assert_eq!(write_result(&answer), expected);
        }
    }

    #[test]
    fn errors_have_their_kind() {
        let json = write_error(&bad_data("no \"query\""));
        assert_eq!(json, r#"{"status":"error","errorType":"bad_data","error":"no \"query\""}"#);
        assert_eq!(write_success(&["a", "b"]), r#"{"status":"success","data":["a","b"]}"#);
    }
}
