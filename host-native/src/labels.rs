//! Names with labels, in the one name that a metric has.
//!
//! Other systems tell series apart by labels; a metric here has a name and nothing else. So labels
//! are part of the name, written as Graphite writes tags:
//!
//! ```text
//! name;key=value;key=value
//! ```
//!
//! Keys are in order of their bytes, labels without a value are left out, and what a metric's name
//! cannot hold is written as `%` and two hexadecimal digits for each byte: `%`, `;`, white space
//! and control characters, in keys also `=`.
//!
//! ```
//! use nanotdb::labels::Labels;
//!
//! let labels = Labels::new("http_requests_total", [("path", "/a b"), ("code", "200")]);
//! assert_eq!(labels.metric(), "http_requests_total;code=200;path=/a%20b");
//! assert_eq!(Labels::of_metric("http_requests_total;code=200;path=/a%20b"), labels);
//! ```

use core::fmt::Write as _;
use std::borrow::Cow;

/// A name and its labels, sorted by key, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    name: String,
    pairs: Vec<(String, String)>,
}

impl Labels {
    /// A name with labels in any order. Of equal keys the last counts; empty values are none.
    pub fn new<K: Into<String>, V: Into<String>>(
        name: impl Into<String>,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut sorted: Vec<(String, String)> = Vec::new();
        for (key, value) in pairs {
            let (key, value) = (key.into(), value.into());
            match sorted.binary_search_by(|(other, _)| other.cmp(&key)) {
                Ok(at) => {
                    if let Some(pair) = sorted.get_mut(at) {
                        pair.1 = value;
                    }
                }
                Err(at) => sorted.insert(at, (key, value)),
            }
        }
        sorted.retain(|(key, value)| !key.is_empty() && !value.is_empty());
        Self { name: name.into(), pairs: sorted }
    }

    /// What a metric's name says. One that is not of this form is a name without labels.
    pub fn of_metric(metric: &str) -> Self {
        let mut parts = metric.split(';');
        let name = parts.next().and_then(unescaped).filter(|name| !name.is_empty());
        let pairs: Option<Vec<(String, String)>> = parts.map(pair).collect();
        match (name, pairs) {
            (Some(name), Some(pairs)) => Self::new(name, pairs),
            _ => Self { name: metric.into(), pairs: Vec::new() },
        }
    }

    /// The name of the metric with these labels.
    pub fn metric(&self) -> String {
        let mut metric = String::with_capacity(self.name.len() + self.pairs.len() * 16);
        escape(&self.name, false, &mut metric);
        for (key, value) in &self.pairs {
            metric.push(';');
            escape(key, true, &mut metric);
            metric.push('=');
            escape(value, false, &mut metric);
        }
        metric
    }

    /// The name without labels.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels by key, without the name.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.pairs.binary_search_by(|(other, _)| other.as_str().cmp(key)).ok()?;
        self.pairs.get(at).map(|(_, value)| value.as_str())
    }
}

/// Key and value of one label; both must be there.
fn pair(part: &str) -> Option<(String, String)> {
    let (key, value) = part.split_once('=')?;
    if key.is_empty() || value.is_empty() {
        return None;
    }
    Some((unescaped(key)?.into_owned(), unescaped(value)?.into_owned()))
}

fn escape(text: &str, is_key: bool, into: &mut String) {
    for c in text.chars() {
        if c == '%' || c == ';' || c.is_whitespace() || c.is_control() || (is_key && c == '=') {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(into, "%{byte:02X}");
            }
        } else {
            into.push(c);
        }
    }
}

/// `text` without escapes; nothing when it has one that is none.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_sorted_and_the_last_of_a_key_counts() {
        let labels = Labels::new("up", [("job", "a"), ("az", "1"), ("job", "b"), ("none", "")]);
        assert_eq!(labels.metric(), "up;az=1;job=b");
        assert_eq!(labels.get("job"), Some("b"));
        assert_eq!(labels.get("none"), None);
    }

    /// Found by fuzzing: a name that needs escapes and has no labels was not read again.
    #[test]
    fn a_name_alone_is_escaped_and_read_again() {
        let name = Labels::new("my temperature; 50%", [("", "")]);
        assert_eq!(name.metric(), "my%20temperature%3B%2050%25");
        assert_eq!(Labels::of_metric(&name.metric()), name);
    }

    #[test]
    fn names_of_another_form_have_no_labels() {
        for name in [
            "a;b", "a%zz;b=c", "a;=b", "a;b=", ";a=b", "a;b=c;", "a;b=%4", "a;b=%zz", "50%",
            "a;b=%ff",
        ] {
            let labels = Labels::of_metric(name);
            assert_eq!((labels.name(), labels.pairs().len()), (name, 0), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            name in "[^\u{0}]{1,12}",
            pairs in proptest::collection::vec((".{1,6}", ".{1,6}"), 0..5),
        ) {
            let labels = Labels::new(name, pairs);
            let metric = labels.metric();
            prop_assert!(!metric.contains(|c: char| c.is_whitespace() || c.is_control()));
            prop_assert_eq!(Labels::of_metric(&metric), labels);
        }
    }
}
