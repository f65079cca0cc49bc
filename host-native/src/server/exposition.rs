//! The text format of Prometheus, and that of `OpenMetrics`.
//!
//! ```text
//! # HELP, # TYPE, # UNIT, # EOF and other comments
//! name{label="value",…} value [time] [# exemplar]
//! {"a name of any letters","a label"="value"} value
//! ```
//!
//! Times are milliseconds as whole numbers; in `OpenMetrics`, seconds as decimal numbers. A number
//! of milliseconds that would be in 1970, and is a time of today in seconds, is refused. In a
//! label's value, `\\`, `\"` and `\n` are a backslash, a quote and a line end.

use super::cursor::{Cursor, SyntaxError};
use super::intake::MAX_LABELS;
use crate::Timestamp;
use crate::labels::Labels;
use nanotdb_core::text::float::parse_f64;

/// Which of the two formats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Prometheus': times are milliseconds.
    #[default]
    Prometheus,
    /// `OpenMetrics`: times are seconds.
    OpenMetrics,
}

impl Form {
    /// The format of a body with this header `Content-Type`; nothing when it does not say. Many
    /// senders of text name no version, whichever it is.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        if essence.eq_ignore_ascii_case("application/openmetrics-text") {
            return Some(Self::OpenMetrics);
        }
        let is_prometheus = essence.eq_ignore_ascii_case("text/plain")
            && parts.any(|part| part.eq_ignore_ascii_case("version=0.0.4"));
        is_prometheus.then_some(Self::Prometheus)
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposed {
    /// Name and labels.
    pub labels: Labels,
    /// What was measured.
    pub value: f64,
    /// When it was measured, if the line says.
    pub time: Option<Timestamp>,
}

/// Reads a line; blank ones and comments say nothing.
///
/// # Errors
///
/// [`SyntaxError`] at the first character that is wrong.
pub fn parse(line: &str, form: Form) -> Result<Option<Exposed>, SyntaxError> {
    let mut cursor = Cursor::new(line);
    if cursor.rest.is_empty() || cursor.rest.starts_with('#') {
        return Ok(None);
    }
    let mut name = None;
    if !cursor.rest.starts_with('{') {
        name = Some(cursor.plain_name(true, "a name")?.to_owned());
    }
    let is_apart = cursor.has_skipped_blanks();
    let mut labels = Vec::new();
    if cursor.has_skipped('{') {
        cursor.labels(&mut name, &mut labels)?;
        cursor.has_skipped_blanks();
    } else if !is_apart {
        return Err(cursor.expected("a blank or '{'"));
    }
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err(cursor.error("the sample has no name"));
    };
    let value = cursor.sample_value()?;
    let time = cursor.sample_time(form)?;
    if !cursor.rest.is_empty() && !cursor.rest.starts_with('#') {
        return Err(cursor.expected("the end of the line"));
    }
    Ok(Some(Exposed { labels: Labels::new(name, labels), value, time }))
}

impl<'t> Cursor<'t> {
    /// A name of letters, digits and `_`, where allowed also `:`; it begins with no digit.
    fn plain_name(&mut self, with_colons: bool, what: &str) -> Result<&'t str, SyntaxError> {
        let is_in_name =
            |c: char| c.is_ascii_alphanumeric() || c == '_' || (with_colons && c == ':');
        let name = self.until(|c| !is_in_name(c));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.expected(what));
        }
        self.skip(name.len());
        Ok(name)
    }

    /// Everything behind the opening brace, the closing one included. A text in quotes without a
    /// value is the metric's name.
    fn labels(
        &mut self,
        name: &mut Option<String>,
        labels: &mut Vec<(String, String)>,
    ) -> Result<(), SyntaxError> {
        loop {
            self.has_skipped_blanks();
            if self.has_skipped('}') {
                return Ok(());
            }
            let is_quoted = self.rest.starts_with('"');
            let key = if is_quoted {
                self.quoted()?
            } else {
                self.plain_name(false, "a label or '}'")?.to_owned()
            };
            self.has_skipped_blanks();
            if self.has_skipped('=') {
                self.has_skipped_blanks();
                if labels.len() >= MAX_LABELS {
                    return Err(self.error(format!("expected at most {MAX_LABELS} labels")));
                }
                labels.push((key, self.quoted()?));
            } else if is_quoted && name.is_none() {
                *name = Some(key);
            } else {
                return Err(self.expected("'='"));
            }
            self.has_skipped_blanks();
            if !self.has_skipped(',') && !self.rest.starts_with('}') {
                return Err(self.expected("',' or '}'"));
            }
        }
    }

    /// A text in quotes.
    fn quoted(&mut self) -> Result<String, SyntaxError> {
        if !self.has_skipped('"') {
            return Err(self.expected("a text in quotes"));
        }
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.skip(at + 1);
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, protected @ ('\\' | '"'))) => text.push(protected),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => {}
                },
                other => text.push(other),
            }
        }
        Err(self.error("the text has no closing '\"'"))
    }

    fn sample_value(&mut self) -> Result<f64, SyntaxError> {
        let text = self.until(|c| matches!(c, ' ' | '\t'));
        let Some(value) = parse_f64(text) else {
            if text.is_empty() {
                return Err(self.expected("a value"));
            }
            return Err(self.found("a number as value", text));
        };
        self.skip(text.len());
        self.has_skipped_blanks();
        Ok(value)
    }

    fn sample_time(&mut self, form: Form) -> Result<Option<Timestamp>, SyntaxError> {
        if self.rest.is_empty() || self.rest.starts_with('#') {
            return Ok(None);
        }
        let text = self.until(|c| matches!(c, ' ' | '\t'));
        let (nanos, expected) = match form {
            Form::Prometheus => (milliseconds(text), "a time in whole milliseconds"),
            Form::OpenMetrics => (seconds(text), "a time in seconds"),
        };
        let time = match nanos {
            Ok(nanos) => Timestamp(nanos),
            Err(NoTime::OutOfRange) => {
                return Err(self.error("the time is outside the years 1677 to 2262"));
            }
            Err(NoTime::NoNumber) => return Err(self.found(expected, text)),
            Err(NoTime::Seconds) => {
                let what = format!("expected milliseconds, found {text}, which looks like seconds");
                return Err(self.error(what));
            }
        };
        self.skip(text.len());
        self.has_skipped_blanks();
        Ok(Some(time))
    }
}

/// Why a text is no time.
enum NoTime {
    NoNumber,
    OutOfRange,
    /// A number of seconds where milliseconds are expected.
    Seconds,
}

/// Milliseconds as nanoseconds. Ten digits are from January to April of 1970, and any time from 2001
/// to 2286 in seconds, so seconds is what is meant.
fn milliseconds(text: &str) -> Result<i64, NoTime> {
    let millis = text.parse::<i64>().map_err(|_| NoTime::NoNumber)?;
    if (1_000_000_000..10_000_000_000).contains(&millis) {
        return Err(NoTime::Seconds);
    }
    millis.checked_mul(1_000_000).ok_or(NoTime::OutOfRange)
}

/// Seconds as nanoseconds. Nine decimals count, which no floating-point number could hold.
fn seconds(text: &str) -> Result<i64, NoTime> {
    const NANOS: i64 = 1_000_000_000;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || !all_digits(digits) || !all_digits(fraction) {
        // With an exponent, say. Such a time has no more digits than it shows.
        let seconds = parse_f64(text).filter(|seconds| seconds.is_finite());
        return whole_nanos(seconds.ok_or(NoTime::NoNumber)? * 1e9);
    }
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let part = fraction.parse::<i64>().unwrap_or(0);
    let part = if whole.starts_with('-') { -part } else { part };
    let nanos = whole.parse::<i64>().ok().and_then(|whole| whole.checked_mul(NANOS));
    nanos.and_then(|nanos| nanos.checked_add(part)).ok_or(NoTime::OutOfRange)
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole_nanos(nanos: f64) -> Result<i64, NoTime> {
    if nanos.abs() < 9.2e18 { Ok(nanos.round() as i64) } else { Err(NoTime::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exposed(line: &str) -> (String, f64, Option<i64>) {
        match parse(line, Form::Prometheus) {
            Ok(Some(exposed)) => {
                (exposed.labels.metric(), exposed.value, exposed.time.map(|time| time.0))
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn samples_in_every_form() {
        for (line, metric, value, time) in [
            ("up 1", "up", 1.0, None),
            ("  a:b_c\t-1.5e3\t 1395066363000 ", "a:b_c", -1500.0, Some(1_395_066_363_000_000_000)),
            ("up{} +Inf", "up", f64::INFINITY, None),
            ("up {b=\"1\",a=\"2\",} -Inf 5", "up;a=2;b=1", f64::NEG_INFINITY, Some(5_000_000)),
            ("up{ a = \"x\" , b = \"y\" }3", "up;a=x;b=y", 3.0, None),
            ("f{p=\"C:\\\\D\",e=\"\\\"no\\n\\\"\"} 1", "f;e=\"no%0A\";p=C:\\D", 1.0, None),
            ("{\"my.name\",\"a b\"=\"c\"} 1", "my.name;a%20b=c", 1.0, None),
            ("{a=\"c\",\"n\"} 1 # {trace=\"1\"} 0.5", "n;a=c", 1.0, None),
            ("le{le=\"0.5\"} 7 1 # {} 1", "le;le=0.5", 7.0, Some(1_000_000)),
        ] {
            assert_eq!(exposed(line), (metric.to_owned(), value, time), "{line}");
        }
        assert!(exposed("x NaN").1.is_nan());
    }

    #[test]
    fn comments_say_nothing() {
        for line in ["", " \t", "# HELP up is up", "# TYPE up gauge", "# EOF", "#"] {
            assert_eq!(parse(line, Form::Prometheus), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn times_of_openmetrics_are_seconds() {
        let nanos = |text: &str| {
            let line = format!("up 1 {text}");
            parse(&line, Form::OpenMetrics).unwrap().unwrap().time.unwrap().0
        };
        assert_eq!(nanos("1520879607.789"), 1_520_879_607_789_000_000);
        assert_eq!(nanos("1.1234567891"), 1_123_456_789);
        assert_eq!(nanos("-0.5"), -500_000_000);
        assert_eq!(nanos("1.5e3"), 1_500_000_000_000);
        for (content_type, form) in [
            ("application/openmetrics-text; version=1.0.0", Some(Form::OpenMetrics)),
            ("text/plain; version=0.0.4; charset=utf-8", Some(Form::Prometheus)),
            ("text/plain", None),
            ("application/x-www-form-urlencoded", None),
            ("", None),
        ] {
            assert_eq!(Form::of_content_type(content_type), form, "{content_type}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        for (line, error) in [
            ("1up 1", "column 1: expected a name, found '1'"),
            ("a-b 1", "column 2: expected a blank or '{', found '-'"),
            ("up", "column 3: expected a blank or '{', found the end of the line"),
            ("up x", "column 4: expected a number as value, found \"x\""),
            ("up 1e400", "column 4: expected a number as value, found \"1e400\""),
            ("up -1e309", "column 4: expected a number as value, found \"-1e309\""),
            ("up{a} 1", "column 5: expected '=', found '}'"),
            ("up{a=1} 1", "column 6: expected a text in quotes, found '1'"),
            ("up{a=\"1} 1", "column 7: the text has no closing '\"'"),
            ("up{a=\"1\" b=\"2\"} 1", "column 10: expected ',' or '}', found 'b'"),
            ("up{a=\"1\"", "column 9: expected ',' or '}', found the end of the line"),
            ("{a=\"1\"} 1", "column 9: the sample has no name"),
            ("up 1 2.5", "column 6: expected a time in whole milliseconds, found \"2.5\""),
            (
                "up 1 1795824000",
                "column 6: expected milliseconds, found 1795824000, which looks like seconds",
            ),
            ("up 1 2 3", "column 8: expected the end of the line, found '3'"),
            ("up 1 9223372036854775807", "column 6: the time is outside the years 1677 to 2262"),
        ] {
            assert_eq!(parse(line, Form::Prometheus).unwrap_err().to_string(), error, "{line}");
        }
        let many = (0..200).map(|n| format!("l{n}=\"x\",")).collect::<Vec<_>>().concat();
        let error = parse(&format!("up{{{many}}} 1"), Form::Prometheus).unwrap_err().to_string();
        assert!(error.ends_with("expected at most 128 labels"), "{error}");
        let error = parse("up 1 soon", Form::OpenMetrics).unwrap_err().to_string();
        assert_eq!(error, "column 6: expected a time in seconds, found \"soon\"");
    }

    /// Found by fuzzing.
    #[test]
    fn an_empty_name_in_quotes_is_none() {
        for line in ["{\"\"} 1", "{\"\",a=\"b\"} 1"] {
            let error = parse(line, Form::Prometheus).unwrap_err().to_string();
            assert!(error.contains("the sample has no name"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            pairs in proptest::collection::btree_map("[a-z_][a-z0-9_]{0,5}", "\\PC{1,8}", 0..4),
            name in "\\PC{1,8}",
            value: f64,
            millis in -9_000_000_000_000_i64..9_000_000_000_000,
        ) {
            prop_assume!(!(1_000_000_000..10_000_000_000).contains(&millis));
            let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let mut inside = quoted(&name);
            for (key, value) in &pairs {
                inside.extend([",", key, "=", &quoted(value)]);
            }
            let line = format!("{{{inside}}} {value:?} {millis}");
            let exposed = parse(&line, Form::Prometheus).unwrap().unwrap();
            prop_assert_eq!(exposed.labels, Labels::new(name, pairs));
            prop_assert_eq!(exposed.value.to_bits(), value.to_bits());
            prop_assert_eq!(exposed.time, Some(Timestamp(millis * 1_000_000)));
        }

        #[test]
        fn arbitrary_lines_never_panic(line: String) {
            let _ = parse(&line, Form::Prometheus);
            let _ = parse(&line, Form::OpenMetrics);
        }

        #[test]
        fn nearly_lines_never_panic(line in "[a,={}\\\\\"1 #.]{0,30}") {
            let _ = parse(&line, Form::OpenMetrics);
        }
    }
}
