//! What the reference (version 1.4) makes of texts, row by row, against what we make of them.
//!
//! Every row where we differ on purpose is listed with its deviation; a row that differs without
//! being listed fails, and so does a listed row that does not differ.

use nanotdb_core::name::{DatabaseName, check_metric_name};
use nanotdb_core::text::float::{format_f32, parse_f32};
use nanotdb_core::text::line::{Line, format_line, format_line_untyped};
use nanotdb_core::{Timestamp, Value, ValueType};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};

const LINES: &str = include_str!("../fixtures/tables/lines.json");
const TIMESTAMPS: &str = include_str!("../fixtures/tables/timestamps.json");
const FORMAT_TIMESTAMPS: &str = include_str!("../fixtures/tables/format_timestamps.json");
const FLOAT_TEXT: &str = include_str!("../fixtures/tables/float_text.json");

/// What a row of `lines.json` comes to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Refused,
    Sample { database: Vec<u8>, metric: Vec<u8>, value: (ValueType, u32), time: Option<i64> },
}

#[test]
fn lines() {
    // D-03: database names that the reference turns into directories; "engine.toml" below is the
    // other way round, a name that only the host finds taken.
    const D_03: [&[u8]; 13] = [
        b"#db/m 1 1000",
        "дб/м 1 1000".as_bytes(),
        "\u{feff}db/m 1 1000".as_bytes(),
        b"../m 1 1000",
        b"./m 1 1000",
        b".hidden/m 1 1000",
        b"..x/m 1 1000",
        b"a*b/m 1 1000",
        b"a?b/m 1 1000",
        b"[x]/m 1 1000",
        b"~/m 1 1000",
        b"-/m 1 1000",
        b"db\\x/m 1 1000",
    ];
    const HOST_REFUSES: [&[u8]; 1] = [b"engine.toml/m 1 1000"];
    // D-04: not UTF-8 (in the metric, in the database), control characters, too long.
    let d_04: [Vec<u8>; 7] = [
        b"db/\xff\xfe 1 1000".to_vec(),
        b"d\xffb/m 1 1000".to_vec(),
        b"db/\x01 1 1000".to_vec(),
        b"db/a\0b 1 1000".to_vec(),
        format!("db/{} 1 1000", "n".repeat(256)).into_bytes(),
        format!("db/{} 1 1000", "n".repeat(5_000)).into_bytes(),
        format!("db/{} 1 1000", "n".repeat(70_000)).into_bytes(),
    ];

    let mut listed: HashSet<&[u8]> = HashSet::new();
    listed.extend(D_03);
    listed.extend(HOST_REFUSES);
    listed.extend(d_04.iter().map(Vec::as_slice));
    for row in rows(LINES) {
        let line = line_of(&row);
        let (theirs, ours) = (outcome_of(&row), admit(&line));
        let shown = String::from_utf8_lossy(&line);
        if !listed.remove(line.as_slice()) {
            assert_eq!(ours, theirs, "{shown}");
        } else if HOST_REFUSES.contains(&line.as_slice()) {
            assert_eq!(theirs, Outcome::Refused, "{shown}");
            assert_ne!(ours, Outcome::Refused, "{shown}");
        } else {
            assert_ne!(theirs, Outcome::Refused, "{shown}");
            assert_eq!(ours, Outcome::Refused, "{shown}");
        }
    }
    assert!(listed.is_empty(), "listed, but not in the table: {listed:?}");
}

#[test]
fn lines_read_back() {
    for row in rows(LINES) {
        let line = line_of(&row);
        let Ok(Line { database, metric, value, time: Some(time) }) = Line::parse_bytes(&line)
        else {
            continue;
        };
        let mut typed = Vec::new();
        format_line(&mut typed, database, metric, value, time);
        let read = Line::parse_bytes(&typed).unwrap();
        assert_eq!((read.database, read.metric, read.time), (database, metric, Some(time)));
        assert_eq!(read.value.value_type(), value.value_type());
        assert_eq!(read.value.to_raw(), value.to_raw());

        // D-11: without the suffix, which the reference leaves out, the type is lost.
        let mut untyped = Vec::new();
        format_line_untyped(&mut untyped, database, metric, value, time);
        let read = Line::parse_bytes(&untyped).unwrap();
        assert_eq!(read.value.value_type(), ValueType::F32);
        assert_eq!(typed == untyped, value.value_type() == ValueType::F32);
    }
}

#[test]
fn timestamps() {
    // D-13: the reference stores another instant than the text says.
    const D_13: [&str; 11] = [
        "2026-05-14 12:34:56.-5",
        "2026-05-14 12:34:56.+5",
        "2026-05-14 12:34:56.-12345678",
        "2026-05-14 12:34:56,5",
        "2026-05-14 12:34:56.1.2",
        "1677-09-20",
        "0001-01-01",
        "0000-01-01",
        "9999-12-31",
        "2262-04-11 23:47:16.854775808",
        "2262-04-12",
    ];

    let mut listed = HashSet::from(D_13);
    for row in rows(TIMESTAMPS) {
        let input = row["input"].as_str().unwrap();
        let theirs = row.get("ns").map(|ns| ns.as_i64().unwrap());
        let ours = Timestamp::parse(input).ok().map(Timestamp::as_nanos);
        if listed.remove(input) {
            assert!(theirs.is_some() && ours.is_none(), "{input:?}");
        } else {
            assert_eq!(ours, theirs, "{input:?}");
        }
    }
    assert!(listed.is_empty(), "listed, but not in the table: {listed:?}");
}

#[test]
fn written_timestamps() {
    // D-13: the reference writes a negative fraction, which reads back as another instant.
    const D_13: [(i64, &str); 5] = [
        (-1, "1969-12-31 23:59:59.999999999"),
        (-999_999_999, "1969-12-31 23:59:59.000000001"),
        (-1_000_000_001, "1969-12-31 23:59:58.999999999"),
        (i64::MIN, "1677-09-21 00:12:43.145224192"),
        (-62_135_596_800_000_000, "1968-01-12 20:06:43.200000000"),
    ];

    let mut listed = HashMap::from(D_13);
    for row in rows(FORMAT_TIMESTAMPS) {
        let nanos = row["ns"].as_i64().unwrap();
        let ours = Timestamp(nanos).to_string();
        let theirs = row["formatted"].as_str().unwrap();
        if ours != theirs {
            assert_eq!(listed.remove(&nanos), Some(&*ours), "{nanos}: theirs {theirs}");
            assert_ne!(row["reparsed"].as_i64(), Some(nanos));
        }
        assert_eq!(Timestamp::parse(&ours), Ok(Timestamp(nanos)));
    }
    assert!(listed.is_empty(), "listed, but not in the table: {listed:?}");
}

#[test]
fn timestamps_are_written_alike_in_every_table() {
    for row in rows(TIMESTAMPS) {
        // D-13: negative fractions, seen above.
        if let Some(theirs) = row["formatted"].as_str().filter(|text| !text.contains(".-")) {
            let nanos = row["ns"].as_i64().unwrap();
            assert_eq!(Timestamp(nanos).to_string(), theirs);
        }
    }
}

#[test]
fn written_floats() {
    for row in rows(FLOAT_TEXT) {
        let bits = u32::from_str_radix(row["bits"].as_str().unwrap(), 16).unwrap();
        let mut ours = Vec::new();
        format_f32(&mut ours, f32::from_bits(bits));
        assert_eq!(ours, row["text"].as_str().unwrap().as_bytes());
        assert_eq!(parse_f32(&ours).map(f32::to_bits), Some(bits));
    }
}

/// What an import makes of a line: cut into parts, and then the names checked.
fn admit(line: &[u8]) -> Outcome {
    let Ok(Line { database, metric, value, time }) = Line::parse_bytes(line) else {
        return Outcome::Refused;
    };
    if DatabaseName::new(database).is_err() || check_metric_name(metric).is_err() {
        return Outcome::Refused;
    }
    Outcome::Sample {
        database: database.into(),
        metric: metric.into(),
        value: (value.value_type(), value.to_raw()),
        time: time.map(Timestamp::as_nanos),
    }
}

fn outcome_of(row: &Json) -> Outcome {
    if row.get("error").is_some() {
        return Outcome::Refused;
    }
    let value = match row["type"].as_str().unwrap() {
        "int32" => Value::I32(row["value"].as_i64().unwrap().try_into().unwrap()),
        "float32" => {
            let bits = u32::from_str_radix(row["bits"].as_str().unwrap(), 16).unwrap();
            Value::F32(f32::from_bits(bits))
        }
        other => panic!("{other}"),
    };
    Outcome::Sample {
        database: bytes_of(&row["db"]),
        // The table leaves it out where it abbreviates the line; those rows are listed as D-04.
        metric: row.get("metric").map(bytes_of).unwrap_or_default(),
        value: (value.value_type(), value.to_raw()),
        time: (row["ts"] != "now").then(|| row["ts"].as_i64().unwrap()),
    }
}

/// The line, which the table abbreviates as `"db/" + 5000 x "n" + " 1 1000"` when it is very long.
fn line_of(row: &Json) -> Vec<u8> {
    let Some(spec) = row.get("line_spec") else {
        return bytes_of(&row["line"]);
    };
    let mut line = String::new();
    for part in spec.as_str().unwrap().split(" + ") {
        let (count, quoted) = part.split_once(" x ").unwrap_or(("1", part));
        line += &quoted.trim_matches('"').repeat(count.parse().unwrap());
    }
    line.into_bytes()
}

/// A string, or `{"base64": …}` for what is not UTF-8.
fn bytes_of(json: &Json) -> Vec<u8> {
    match json.get("base64") {
        Some(encoded) => decode_base64(encoded.as_str().unwrap()),
        None => json.as_str().unwrap().into(),
    }
}

fn decode_base64(encoded: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for symbol in encoded.trim_end_matches('=').chars() {
        bits = bits << 6 | u32::try_from(ALPHABET.find(symbol).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff).try_into().unwrap());
        }
    }
    bytes
}

fn rows(table: &str) -> Vec<Json> {
    let mut table: Json = serde_json::from_str(table).unwrap();
    let rows = table["rows"].take();
    serde_json::from_value(rows).unwrap()
}
