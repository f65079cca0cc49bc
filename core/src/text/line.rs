//! Lines of samples: `database/metric value [timestamp]`.
//!
//! | part | rule |
//! |---|---|
//! | fields | cut at any run of Unicode white space; no quotes, no escapes, no tags |
//! | target | the database is what precedes the first `/`, the metric what follows; neither is empty |
//! | value | decimal digits and a final `i` make an `int32`; else a number of [`super::float`], also when it looks like an integer |
//! | timestamp | the remaining fields, in a form of [`super::timestamp`]; without it, the line means now |
//!
//! Names are cut out here, not checked: [`crate::name`] knows the rules, and an engine that looks
//! a name up first checks it only when it is new.

use super::float::{format_f32, parse_f32};
use super::integer::{format_i32, parse_i64};
use super::shortened;
use super::timestamp::TimestampError;
use crate::error::{Error, Rejection};
use crate::types::{Timestamp, Value};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

/// A line's parts, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Not checked beyond being non-empty and without `/` and white space.
    pub database: &'a str,
    /// Not checked beyond being non-empty and without white space.
    pub metric: &'a str,
    /// What was measured.
    pub value: Value,
    /// When, or nothing when the line does not say.
    pub time: Option<Timestamp>,
}

/// Why a line is not a sample: one variant for each check, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError<'a> {
    /// The bytes after this many are not UTF-8 (D-04).
    NotUtf8 {
        /// Where they start.
        offset: usize,
    },
    /// Fewer than two fields.
    MissingValue {
        /// The line.
        found: &'a str,
    },
    /// The first field does not name a database and a metric.
    Target {
        /// The field.
        found: &'a str,
    },
    /// The value ends in `i`, and is not an integer.
    Integer {
        /// The field.
        found: &'a str,
    },
    /// The value is an integer beyond 32 bits.
    IntegerRange {
        /// The field.
        found: &'a str,
    },
    /// The value is not a number, or too large a one.
    Number {
        /// The field.
        found: &'a str,
    },
    /// What follows the value is not a timestamp.
    Time {
        /// Everything from the third field on.
        found: &'a str,
        /// The check it fails.
        error: TimestampError,
    },
}

impl<'a> Line<'a> {
    /// Takes the line apart.
    ///
    /// ```
    /// use nanotdb_core::text::line::Line;
    /// use nanotdb_core::{Timestamp, Value};
    /// let line = Line::parse("home/kitchen/temperature 21.5 2026-01-01").unwrap();
    /// assert_eq!((line.database, line.metric), ("home", "kitchen/temperature"));
    /// assert_eq!(line.value, Value::F32(21.5));
    /// assert_eq!(line.time, Some(Timestamp(1_767_225_600_000_000_000)));
    /// ```
    ///
    /// # Errors
    ///
    /// The first check that fails; see [`LineError`]. A blank line or a comment is no sample
    /// either: ask [`is_blank_or_comment`] first.
    pub fn parse(line: &'a str) -> Result<Self, LineError<'a>> {
        if line.is_ascii() {
            Self::parse_fields(line, next_ascii_field)
        } else {
            Self::parse_fields(line, next_field)
        }
    }

    /// As [`Line::parse`], of a line that has not been decoded.
    ///
    /// # Errors
    ///
    /// Also [`LineError::NotUtf8`].
    pub fn parse_bytes(line: &'a [u8]) -> Result<Self, LineError<'a>> {
        match core::str::from_utf8(line) {
            Ok(line) => Self::parse(line),
            Err(error) => Err(LineError::NotUtf8 { offset: error.valid_up_to() }),
        }
    }

    #[inline]
    fn parse_fields(
        line: &'a str,
        next: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
    ) -> Result<Self, LineError<'a>> {
        let missing = LineError::MissingValue { found: line };
        let (target, rest) = next(line).ok_or(missing)?;
        let (value, rest) = next(rest).ok_or(missing)?;
        let (database, metric) = split_target(target)?;
        let value = parse_value(value)?;
        let time = match next(rest) {
            Some((first, more)) => Some(parse_time(rest, first, more, next)?),
            None => None,
        };
        Ok(Self { database, metric, value, time })
    }
}

/// Whether an import skips the line: nothing but white space, or first a `#`.
pub fn is_blank_or_comment(line: &str) -> bool {
    matches!(line.trim_start().as_bytes(), [] | [b'#', ..])
}

/// Appends a line that reads back as the same sample, without a line feed.
///
/// An integer gets its `i`, unlike in the reference's exports, where its type is lost (D-11). Of
/// a NaN only that it is one is written.
///
/// ```
/// use nanotdb_core::text::line::format_line;
/// use nanotdb_core::{Timestamp, Value};
/// let mut out = Vec::new();
/// format_line(&mut out, "db", "m", Value::I32(5), Timestamp(0));
/// assert_eq!(out, b"db/m 5i 1970-01-01 00:00:00.000000000");
/// ```
pub fn format_line(out: &mut Vec<u8>, database: &str, metric: &str, value: Value, time: Timestamp) {
    write_line(out, database, metric, value, b"i", time);
}

/// As [`format_line`], but byte for byte as the reference exports: an integer without its `i`
/// reads back as a `float32`.
pub fn format_line_untyped(
    out: &mut Vec<u8>,
    database: &str,
    metric: &str,
    value: Value,
    time: Timestamp,
) {
    write_line(out, database, metric, value, b"", time);
}

fn write_line(
    out: &mut Vec<u8>,
    database: &str,
    metric: &str,
    value: Value,
    integer_suffix: &[u8],
    time: Timestamp,
) {
    out.extend_from_slice(database.as_bytes());
    out.push(b'/');
    out.extend_from_slice(metric.as_bytes());
    out.push(b' ');
    match value {
        Value::I32(number) => {
            format_i32(out, number);
            out.extend_from_slice(integer_suffix);
        }
        Value::F32(number) => format_f32(out, number),
    }
    out.push(b' ');
    time.write_to(out);
}

/// The first field and what follows it, of ASCII text.
#[inline]
fn next_ascii_field(text: &str) -> Option<(&str, &str)> {
    // Not `u8::is_ascii_whitespace`, which leaves the vertical tab out.
    let is_white_space = |&byte: &u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let bytes = text.as_bytes();
    let start = bytes.iter().position(|byte| !is_white_space(byte))?;
    let text = text.get(start..)?;
    let end = text.as_bytes().iter().position(is_white_space).unwrap_or(text.len());
    text.split_at_checked(end)
}

/// The first field and what follows it.
fn next_field(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

fn split_target(found: &str) -> Result<(&str, &str), LineError<'_>> {
    match found.split_once('/') {
        Some((database, metric)) if !database.is_empty() && !metric.is_empty() => {
            Ok((database, metric))
        }
        _ => Err(LineError::Target { found }),
    }
}

fn parse_value(found: &str) -> Result<Value, LineError<'_>> {
    if let Some(digits) = found.strip_suffix('i') {
        let number = parse_i64(digits.as_bytes()).ok_or(LineError::Integer { found })?;
        let number = i32::try_from(number).map_err(|_| LineError::IntegerRange { found })?;
        return Ok(Value::I32(number));
    }
    parse_f32(found.as_bytes()).map(Value::F32).ok_or(LineError::Number { found })
}

/// The timestamp of the fields `first` and those of `more`; `all` is the text that has them.
#[inline]
fn parse_time<'a>(
    all: &'a str,
    first: &'a str,
    more: &'a str,
    next: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> Result<Timestamp, LineError<'a>> {
    let parsed = match next(more) {
        None => Timestamp::parse_parts(first, None),
        Some((second, more)) if next(more).is_none() => Timestamp::parse_parts(first, Some(second)),
        Some(_) => Err(TimestampError::Form),
    };
    parsed.map_err(|error| LineError::Time { found: all.trim(), error })
}

impl fmt::Display for LineError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { offset } => {
                write!(f, "invalid line: expected UTF-8, which ends at byte {offset}")
            }
            Self::MissingValue { found } => write!(
                f,
                "invalid line {:?}: expected 'database/metric value [timestamp]'",
                shortened(found)
            ),
            Self::Target { found } => {
                write!(f, "invalid target {:?}: expected database/metric", shortened(found))
            }
            Self::Integer { found } => write!(
                f,
                "invalid int value {:?}: expected decimal digits before the 'i'",
                shortened(found)
            ),
            Self::IntegerRange { found } => write!(
                f,
                "int value out of int32 range {:?}: expected {} to {}",
                shortened(found),
                i32::MIN,
                i32::MAX
            ),
            Self::Number { found } => write!(
                f,
                "invalid numeric value {:?}: expected a float32, or an int32 with a final 'i'",
                shortened(found)
            ),
            Self::Time { found, error } => {
                write!(f, "invalid timestamp {:?}: {error}", shortened(found))
            }
        }
    }
}

impl core::error::Error for LineError<'_> {}

impl From<LineError<'_>> for Rejection {
    fn from(error: LineError<'_>) -> Self {
        Self::Line(error.to_string())
    }
}

impl From<LineError<'_>> for Error {
    fn from(error: LineError<'_>) -> Self {
        Self::Rejected(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    fn line(
        database: &'static str,
        metric: &'static str,
        value: Value,
        time: i64,
    ) -> Line<'static> {
        Line { database, metric, value, time: Some(Timestamp(time)) }
    }

    #[test]
    fn parts() {
        for (text, expected) in [
            ("db/m 1 1000", line("db", "m", Value::F32(1.0), 1000)),
            ("db//m -5i 0", line("db", "/m", Value::I32(-5), 0)),
            ("db/a/b/ .5 -1\r\n", line("db", "a/b/", Value::F32(0.5), -1)),
            ("\u{3000}db/ü\u{a0}1i\u{2028}7\u{85}", line("db", "ü", Value::I32(1), 7)),
            ("db/m\u{b}1 1970-01-01\t 1:00", line("db", "m", Value::F32(1.0), 3_600_000_000_000)),
            ("дб/м 1 1970-01-01\u{2003}1", line("дб", "м", Value::F32(1.0), 3_600_000_000_000)),
        ] {
            assert_eq!(Line::parse(text), Ok(expected), "{text:?}");
            assert_eq!(Line::parse_bytes(text.as_bytes()), Ok(expected), "{text:?}");
        }
        assert_eq!(Line::parse("db/m 1 ").map(|line| line.time), Ok(None));
    }

    #[test]
    fn each_check_has_its_error() {
        let time = |found, error| LineError::Time { found, error };
        for (text, error) in [
            (" \t", LineError::MissingValue { found: " \t" }),
            ("db/m", LineError::MissingValue { found: "db/m" }),
            ("/m 1", LineError::Target { found: "/m" }),
            ("db/ 1", LineError::Target { found: "db/" }),
            ("ü 1", LineError::Target { found: "ü" }),
            ("db/m i", LineError::Integer { found: "i" }),
            ("db/m 2147483648i", LineError::IntegerRange { found: "2147483648i" }),
            ("db/m true 5", LineError::Number { found: "true" }),
            ("db/m 1 now ", time("now", TimestampError::Form)),
            ("db/m 1 2  3", time("2  3", TimestampError::Form)),
            ("db/m 1 2026-01-01 1 1", time("2026-01-01 1 1", TimestampError::Form)),
            ("db/m 1 2026-01-32", time("2026-01-32", TimestampError::NoSuchDate)),
        ] {
            assert_eq!(Line::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(Line::parse_bytes(b"db/\xff 1"), Err(LineError::NotUtf8 { offset: 3 }));
    }

    #[test]
    fn errors_say_what_was_found_and_what_was_expected() {
        for (text, message) in [
            ("db", "invalid line \"db\": expected 'database/metric value [timestamp]'"),
            ("db 1", "invalid target \"db\": expected database/metric"),
            ("db/m 1.5i", "invalid int value \"1.5i\": expected decimal digits before the 'i'"),
            (
                "db/m 2147483648i",
                "int value out of int32 range \"2147483648i\": expected -2147483648 to 2147483647",
            ),
            (
                "db/m 1u",
                "invalid numeric value \"1u\": expected a float32, or an int32 with a final 'i'",
            ),
            (
                "db/m 1 now",
                "invalid timestamp \"now\": expected nanoseconds or YYYY-MM-DD [HH[:MM[:SS]]][.nnnnnnnnn] in UTC",
            ),
        ] {
            assert_eq!(Line::parse(text).unwrap_err().to_string(), message);
        }
        let long = Line::parse(&"x".repeat(1 << 20)).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn blanks_and_comments() {
        for text in ["", " \t\r\n", "#", "  # db/m 1", "\u{3000}#", "\u{85}"] {
            assert!(is_blank_or_comment(text), "{text:?}");
        }
        for text in ["db/m 1", " x #", "\u{feff}#"] {
            assert!(!is_blank_or_comment(text), "{text:?}");
        }
    }

    #[test]
    fn golden_lines() {
        let mut out = Vec::new();
        let time = Timestamp(1_767_225_600_123_456_789);
        format_line(&mut out, "db", "a/b", Value::I32(-12), time);
        out.push(b'\n');
        format_line_untyped(&mut out, "db", "a/b", Value::I32(-12), time);
        out.push(b'\n');
        format_line(&mut out, "дб", "ü", Value::F32(25.13), Timestamp(-1));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "db/a/b -12i 2026-01-01 00:00:00.123456789\n\
             db/a/b -12 2026-01-01 00:00:00.123456789\n\
             дб/ü 25.13 1969-12-31 23:59:59.999999999"
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let number = any::<u32>().prop_map(f32::from_bits);
        prop_oneof![
            any::<i32>().prop_map(Value::I32),
            number.prop_filter("equality", |v| !v.is_nan()).prop_map(Value::F32)
        ]
    }

    proptest! {
        #[test]
        fn written_lines_read_back(
            database in "[A-Za-z0-9_.-]{1,8}",
            metric in "[^\\s\\p{Cc}]{1,20}",
            value in any_value(),
            nanos: i64,
        ) {
            let mut out = Vec::new();
            format_line(&mut out, &database, &metric, value, Timestamp(nanos));
            let read = Line::parse_bytes(&out).unwrap();
            prop_assert_eq!((read.database, read.metric), (&*database, &*metric));
            prop_assert_eq!(read.value.to_raw(), value.to_raw());
            prop_assert_eq!(read.value.value_type(), value.value_type());
            prop_assert_eq!(read.time, Some(Timestamp(nanos)));
        }

        /// The rules as the format states them: fields joined by one space.
        #[test]
        fn both_paths_follow_the_rules(
            text in "[ \t\u{b}]{0,2}([a/ü]{1,4}[ \r\u{85}\u{a0}]{1,2})?[a/]{1,4}[ \t]{1,3}[0-9i.]{1,4}( {1,2}[0-9:-]{1,11}){0,3}",
        ) {
            let fields: Vec<&str> = text.split_whitespace().collect();
            let parsed = Line::parse(&text);
            let Ok(line) = parsed else {
                let (Some(target), Some(value)) = (fields.first(), fields.get(1)) else {
                    return Ok(());
                };
                let time = fields[2..].join(" ");
                prop_assert!(
                    split_target(target).is_err()
                        || parse_value(value).is_err()
                        || Timestamp::parse(&time).is_err(),
                    "{:?}", parsed
                );
                return Ok(());
            };
            prop_assert_eq!(Ok((line.database, line.metric)), split_target(fields[0]));
            prop_assert_eq!(Ok(line.value), parse_value(fields[1]));
            let time = (fields.len() > 2).then(|| Timestamp::parse(&fields[2..].join(" ")));
            prop_assert_eq!(line.time, time.transpose().unwrap());
        }

        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            if let Err(error) = Line::parse_bytes(&bytes) {
                let _ = error.to_string();
            }
        }

        #[test]
        fn any_text_after_a_target_is_safe(rest: String) {
            let text = alloc::format!("db/m {rest}");
            let _ = Line::parse(&text);
            is_blank_or_comment(&text);
        }
    }
}
