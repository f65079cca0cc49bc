//! JSON whose fields stay in the order in which they were written: people read and compare these
//! files.

use core::fmt;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// Any JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Document {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    /// A name that comes twice has the last of its values, as everywhere.
    Fields(Vec<(String, Self)>),
}

impl Document {
    /// Reads a document.
    pub(super) fn parse(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }

    /// The document as a file has it: two spaces for each level, and a line end.
    pub(super) fn text(&self) -> String {
        // Text and numbers: nothing that JSON could not write.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Gives a field of an object a text.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        if let Self::Fields(fields) = self {
            put(fields, name.to_owned(), Self::Text(text.to_owned()));
        }
    }
}

fn put(fields: &mut Vec<(String, Document)>, name: String, value: Document) {
    match fields.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => fields.push((name, value)),
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Fields(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Number::from_f64(value).map_or(Document::Null, Document::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = entries.next_entry()? {
            put(&mut fields, name, value);
        }
        Ok(Document::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_numbers_their_value() {
        let text = r#"{"z":[1,-2,0.5,18446744073709551615],"a":{},"m":null,"t":true,"z":"é\n"}"#;
        let document = Document::parse(text.as_bytes()).unwrap();
        let expected = "{\n  \"z\": \"é\\n\",\n  \"a\": {},\n  \"m\": null,\n  \"t\": true\n}\n";
        assert_eq!(document.text(), expected);
        let list = Document::parse(b"[1,-2,0.5,18446744073709551615]").unwrap();
        assert_eq!(list.text(), "[\n  1,\n  -2,\n  0.5,\n  18446744073709551615\n]\n");
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(10_000);
        assert!(Document::parse(deep.as_bytes()).unwrap_err().to_string().contains("recursion"));
    }
}
