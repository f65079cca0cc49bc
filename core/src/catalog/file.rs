//! `catalog.json`: the metrics of one database.
//!
//! ```json
//! {
//!   "metrics": [
//!     {
//!       "name": "room.temp",
//!       "id": 1,
//!       "type": 2
//!     }
//!   ]
//! }
//! ```
//!
//! | key | JSON type | rule |
//! |---|---|---|
//! | `metrics` | array or null | at most 65,535 entries |
//! | `name` | string | not empty, not twice |
//! | `id` | integer | 1 to 65,535, not twice |
//! | `type` | integer | 1 is int32, 2 is float32 |
//! | `deleted` | `true` or missing | ours, which the reference skips: all samples were deleted, and the type may change |
//!
//! We write entries by ascending id, two spaces per level, one newline at the end; `<`, `>`, `&`,
//! U+2028 and U+2029 as `\u003c` and so on. Readers take any JSON: the reference writes the
//! entries in random order. Upper and lower case of keys does not matter, and unknown keys are
//! skipped. A file without content is the catalog of a database that has just been created.
//!
//! The reference reads only the first JSON value and checks nothing. Here whatever would give two
//! metrics one id, or a metric none, is an error, and so is text after the value: each is a sign
//! of a damaged file, and samples would be filed under the wrong metric.

use crate::error::Error;
use crate::sorted::{order, sort_by};
use crate::types::{MetricId, ValueType};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One metric of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The metric's name.
    pub name: String,
    /// Its number in data files and the write-ahead log.
    pub id: MetricId,
    /// The type of its values.
    pub value_type: ValueType,
    /// Whether it was deleted: the id stays taken, and has no samples.
    pub deleted: bool,
}

/// Why a file is not a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogFileError {
    /// Not JSON, or a value of the wrong type, or a key missing or given twice.
    Json {
        /// About where, in bytes from the start of the file.
        offset: u64,
        /// What was found and expected, with line and column.
        detail: String,
    },
    /// An entry has an empty name.
    EmptyName {
        /// The entry's position in the array, from 0.
        index: usize,
    },
    /// An id is not 1 to 65,535.
    IdOutOfRange {
        /// The metric that has it.
        name: String,
        /// The id.
        id: i64,
    },
    /// A type is neither 1 nor 2.
    UnknownType {
        /// The metric that has it.
        name: String,
        /// The type.
        value_type: i64,
    },
    /// Two entries have the same id.
    DuplicateId {
        /// The id.
        id: MetricId,
        /// The metrics that have it.
        names: [String; 2],
    },
    /// Two entries have the same name.
    DuplicateName {
        /// The name.
        name: String,
        /// The ids it has.
        ids: [MetricId; 2],
    },
}

/// Reads a catalog; the records come back by ascending id.
///
/// Costs at most a small multiple of the file's size in memory.
///
/// # Errors
///
/// [`CatalogFileError`] for the first rule of this module that the file breaks.
pub fn decode(bytes: &[u8]) -> Result<Vec<Record>, CatalogFileError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|error| json(bytes, &error))?;
    let entries = document.metrics.into_iter().enumerate();
    let mut records =
        entries.map(|(index, entry)| entry.check(index)).collect::<Result<Vec<_>, _>>()?;
    sort_by(&mut records, |a, b| a.id < b.id);
    check_unique(&records)?;
    Ok(records)
}

/// Writes a catalog. `records` are by ascending id and unlike in id and name.
pub fn encode<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<u8> {
    let mut out = String::from("{\n  \"metrics\": [");
    let mut separator = "\n";
    for record in records {
        out.push_str(separator);
        out.push_str("    {\n      \"name\": ");
        push_json_string(&mut out, &record.name);
        out.push_str(",\n      \"id\": ");
        out.push_str(&record.id.to_string());
        out.push_str(",\n      \"type\": ");
        out.push_str(&record.value_type.byte().to_string());
        if record.deleted {
            out.push_str(",\n      \"deleted\": true");
        }
        out.push_str("\n    }");
        separator = ",\n";
    }
    // An empty array stays on one line.
    out.push_str(if separator == "\n" { "]\n}\n" } else { "\n  ]\n}\n" });
    out.into_bytes()
}

fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn check_unique(by_id: &[Record]) -> Result<(), CatalogFileError> {
    for pair in by_id.windows(2) {
        if let [a, b] = pair
            && a.id == b.id
        {
            let names = [a.name.clone(), b.name.clone()];
            return Err(CatalogFileError::DuplicateId { id: a.id, names });
        }
    }
    let name = |at: usize| by_id.get(at).map(|record| record.name.as_str());
    let by_name = order(by_id.len(), &mut |a, b| name(a) < name(b));
    let pairs = by_name.windows(2).filter_map(|pair| <[usize; 2]>::try_from(pair).ok());
    // The one that is met first in the file's order.
    let twice = pairs.filter(|[a, b]| name(*a) == name(*b)).min_by_key(|[_, second]| *second);
    match twice.map(|pair| pair.map(|at| by_id.get(at))) {
        Some([Some(first), Some(second)]) => {
            let (name, ids) = (second.name.clone(), [first.id, second.id]);
            Err(CatalogFileError::DuplicateName { name, ids })
        }
        _ => Ok(()),
    }
}

/// The file as JSON has it, before any rule but the types is checked.
struct Document {
    metrics: Vec<Entry>,
}

struct Entry {
    name: String,
    // Wider than an id, so that an id out of range is reported by the metric's name.
    id: i64,
    value_type: i64,
    deleted: bool,
}

impl Entry {
    fn check(self, index: usize) -> Result<Record, CatalogFileError> {
        let Self { name, id, value_type, deleted } = self;
        if name.is_empty() {
            return Err(CatalogFileError::EmptyName { index });
        }
        let Some(checked_id) = u16::try_from(id).ok().and_then(MetricId::new) else {
            return Err(CatalogFileError::IdOutOfRange { name, id });
        };
        match u8::try_from(value_type).ok().and_then(ValueType::from_byte) {
            Some(value_type) => Ok(Record { name, id: checked_id, value_type, deleted }),
            None => Err(CatalogFileError::UnknownType { name, value_type }),
        }
    }
}

/// The keys of both kinds of object, told apart without regard to case.
enum Key {
    Metrics,
    Name,
    Id,
    Type,
    Deleted,
    Other,
}

struct KeyVisitor;
struct DocumentVisitor;
struct EntriesVisitor;
struct EntryVisitor;

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
        let known = [
            ("metrics", Key::Metrics),
            ("name", Key::Name),
            ("id", Key::Id),
            ("type", Key::Type),
            ("deleted", Key::Deleted),
        ];
        let found = known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        Ok(found.map_or(Key::Other, |(_, key)| key))
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the key `metrics`")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Document, E> {
        Ok(Document { metrics: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut metrics = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Metrics => set(&mut metrics, map.next_value::<Entries>()?.0, "metrics")?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Document { metrics: metrics.unwrap_or_default() })
    }
}

struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of metrics")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Entries, E> {
        Ok(Entries(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        loop {
            let index = entries.len();
            // The JSON reader takes the line and column from the end of the inner message.
            let entry = seq
                .next_element()
                .map_err(|error| de::Error::custom(format_args!("metrics[{index}]: {error}")))?;
            let Some(entry) = entry else { return Ok(Entries(entries)) };
            if index == usize::from(u16::MAX) {
                return Err(de::Error::custom("more than 65535 metrics"));
            }
            entries.push(entry);
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Any, not a map: only so does an array get the message below.
        deserializer.deserialize_any(EntryVisitor)
    }
}

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the keys `name`, `id` and `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let (mut name, mut id, mut value_type, mut deleted) = (None, None, None, None);
        while let Some(key) = map.next_key()? {
            match key {
                Key::Name => set(&mut name, map.next_value()?, "name")?,
                Key::Id => set(&mut id, map.next_value()?, "id")?,
                Key::Type => set(&mut value_type, map.next_value()?, "type")?,
                Key::Deleted => set(&mut deleted, map.next_value()?, "deleted")?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let missing = de::Error::missing_field;
        Ok(Entry {
            name: name.ok_or_else(|| missing("name"))?,
            id: id.ok_or_else(|| missing("id"))?,
            value_type: value_type.ok_or_else(|| missing("type"))?,
            deleted: deleted.unwrap_or(false),
        })
    }
}

/// Fills `slot`, once.
fn set<T, E: de::Error>(slot: &mut Option<T>, value: T, key: &'static str) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(key)),
    }
}

fn json(bytes: &[u8], error: &serde_json::Error) -> CatalogFileError {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    let offset = before.saturating_add(error.column().saturating_sub(1)).min(bytes.len());
    let offset = u64::try_from(offset).unwrap_or(u64::MAX);
    CatalogFileError::Json { offset, detail: error.to_string() }
}

impl CatalogFileError {
    /// The error of the engine: `file` is damaged.
    pub fn into_error(self, file: impl Into<String>) -> Error {
        let offset = if let Self::Json { offset, .. } = self { offset } else { 0 };
        Error::corrupt(file, offset, self.to_string())
    }
}

impl fmt::Display for CatalogFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { detail, .. } => f.write_str(detail),
            Self::EmptyName { index } => write!(f, "metrics[{index}] has an empty name"),
            Self::IdOutOfRange { name, id } => {
                write!(f, "metric {name:?} has id {id}, expected 1 to 65535")
            }
            Self::UnknownType { name, value_type } => {
                write!(f, "metric {name:?} has type {value_type}, expected 1 or 2")
            }
            Self::DuplicateId { id, names: [a, b] } => {
                write!(f, "metrics {a:?} and {b:?} both have id {id}")
            }
            Self::DuplicateName { name, ids: [a, b] } => {
                write!(f, "metric {name:?} is there twice, with ids {a} and {b}")
            }
        }
    }
}

impl core::error::Error for CatalogFileError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn record(name: &str, id: u16, value_type: ValueType) -> Record {
        Record { name: name.into(), id: MetricId::new(id).unwrap(), value_type, deleted: false }
    }

    // Written by hand from the example above.
    const GOLDEN: &str = "{
  \"metrics\": [
    {
      \"name\": \"room.temp\",
      \"id\": 1,
      \"type\": 2
    },
    {
      \"name\": \"a\\u003cb\\u003e\\u0026\\\"\\\\\\u2028\\u0001\\t\u{7f}ü\",
      \"id\": 65535,
      \"type\": 1
    }
  ]
}
";

    fn golden_records() -> Vec<Record> {
        let odd = "a<b>&\"\\\u{2028}\u{1}\t\u{7f}ü";
        [record("room.temp", 1, ValueType::F32), record(odd, 65535, ValueType::I32)].into()
    }

    #[test]
    fn golden_bytes() {
        let records = golden_records();
        assert_eq!(String::from_utf8(encode(&records)).unwrap(), GOLDEN);
        assert_eq!(decode(GOLDEN.as_bytes()), Ok(records));
        assert_eq!(encode(&[]), b"{\n  \"metrics\": []\n}\n");
    }

    #[test]
    fn what_was_deleted_stays_known_and_is_marked() {
        let deleted = Record { deleted: true, ..record("a", 1, ValueType::I32) };
        let bytes = encode([&deleted, &record("b", 2, ValueType::F32)]);
        let text = core::str::from_utf8(&bytes).unwrap();
        assert!(text.contains("\"type\": 1,\n      \"deleted\": true\n    }"), "{text}");
        assert_eq!(text.matches("deleted").count(), 1);
        assert_eq!(decode(&bytes).unwrap(), [deleted, record("b", 2, ValueType::F32)]);
    }

    #[test]
    fn every_prefix_is_an_error() {
        // Without the last newline the document is complete.
        for len in 1..GOLDEN.len() - 1 {
            assert!(decode(&GOLDEN.as_bytes()[..len]).is_err(), "the first {len} bytes");
        }
        assert_eq!(decode(&GOLDEN.as_bytes()[..GOLDEN.len() - 1]), Ok(golden_records()));
    }

    #[test]
    fn no_content_is_no_metrics() {
        for text in ["", " ", "\r\n\t ", "{}", " null ", "{\"metrics\":null}", "{\"metrics\":[]}"] {
            assert_eq!(decode(text.as_bytes()), Ok(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn order_case_and_unknown_keys_do_not_matter() {
        let text = r#"{"x":[{"id":1}],"METRICS":[{"tYpe":1,"ID":9,"Name":"b","y":{"id":2}},
            {"type":2,"id":3,"name":"a"}]}"#;
        let expected = [record("a", 3, ValueType::F32), record("b", 9, ValueType::I32)];
        assert_eq!(decode(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn errors_name_the_entry() {
        for (metrics, message) in [
            (r#"{"name":"a","id":0,"type":1}"#, r#"metric "a" has id 0, expected 1 to 65535"#),
            (r#"{"name":"a","id":-1,"type":1}"#, r#"metric "a" has id -1, expected 1 to 65535"#),
            (
                r#"{"id":65536,"type":1,"name":"a"}"#,
                r#"metric "a" has id 65536, expected 1 to 65535"#,
            ),
            (r#"{"name":"a","id":1,"type":9}"#, r#"metric "a" has type 9, expected 1 or 2"#),
            (r#"{"name":"","id":1,"type":1}"#, "metrics[0] has an empty name"),
            (
                r#"{"name":"a","id":1,"type":1},{"name":"b","id":1,"type":1}"#,
                r#"metrics "a" and "b" both have id 1"#,
            ),
            (
                r#"{"name":"a","id":2,"type":1},{"name":"a","id":1,"type":1}"#,
                r#"metric "a" is there twice, with ids 1 and 2"#,
            ),
            (
                r#"{"name":"a","id":1,"type":1},{"name":"b","type":1}"#,
                "metrics[1]: missing field `id`",
            ),
            (
                r#"{"name":"a","id":1.0,"type":1}"#,
                "metrics[0]: invalid type: floating point `1.0`, expected i64",
            ),
            (r#"{"name":"a","id":1,"Id":1,"type":1}"#, "metrics[0]: duplicate field `id`"),
            (
                "[]",
                "metrics[0]: invalid type: sequence, expected an object with the keys `name`, `id` and `type`",
            ),
        ] {
            let text = format!("{{\"metrics\":[{metrics}]}}");
            let shown = decode(text.as_bytes()).unwrap_err().to_string();
            // What the JSON reader finds has a line and column at the end.
            let told = shown.split(" at line 1 column ").next();
            assert_eq!(told, Some(message));
        }
    }

    #[test]
    fn json_errors_give_a_place() {
        let error = decode(b"{\n  \"metrics\": [x]\n}").unwrap_err();
        let CatalogFileError::Json { offset, .. } = error else { panic!("{error}") };
        assert_eq!(offset, 16, "the x");
        let shown = decode(b"{}\ntrailing").unwrap_err().into_error("prod/catalog.json");
        assert_eq!(
            shown.to_string(),
            "prod/catalog.json: damaged at byte 3: trailing characters at line 2 column 1"
        );
    }

    #[test]
    fn holds_every_id_and_no_more() {
        let all: Vec<Record> =
            (1..=u16::MAX).map(|id| record(&format!("m{id}"), id, ValueType::I32)).collect();
        let bytes = encode(&all);
        assert_eq!(decode(&bytes), Ok(all));
        let mut text = String::from_utf8(bytes).unwrap();
        text.truncate(text.len() - "\n  ]\n}\n".len());
        text.push_str(",{\"name\":\"x\",\"id\":1,\"type\":1}]}");
        let error = decode(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("more than 65535 metrics"), "{error}");
    }

    #[test]
    fn deep_nesting_is_an_error() {
        assert!(decode("[".repeat(100_000).as_bytes()).is_err());
        assert!(decode(("{\"x\":".to_string() + &"[".repeat(100_000)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn round_trips(names in proptest::collection::btree_set(".+", 0..9), first in 1_u16..65_000) {
            let records: Vec<Record> = names.iter().zip(first..).map(|(name, id)| {
                record(name, id, if id % 2 == 0 { ValueType::I32 } else { ValueType::F32 })
            }).collect();
            let bytes = encode(&records);
            prop_assert_eq!(decode(&bytes), Ok(records));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            bytes: Vec<u8>,
            text in "[\\[\\]{}:,]?(\"(metrics|name|id|type)\"[:,]|[0-9.e-]{0,3}|null|[\\[\\]{}:,\n]){0,16}",
        ) {
            let _ = decode(&bytes);
            let _ = decode(text.as_bytes());
        }

        #[test]
        fn a_changed_byte_never_panics(at in 0..GOLDEN.len(), byte: u8) {
            let mut bytes = GOLDEN.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(records) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&records)), Ok(records));
            }
        }
    }
}
