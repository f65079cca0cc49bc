//! The labels of a series in a query, its name among them.

use core::fmt;
use std::sync::Arc;

/// The label that holds a series' name.
pub(super) const NAME: &str = "__name__";

/// Labels sorted by name; cheap to copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(Arc<Vec<(String, String)>>);

impl LabelSet {
    /// Labels in any order. Of equal names the last counts; empty values are none.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        pairs.reverse();
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.dedup_by(|(a, _), (b, _)| a == b);
        pairs.retain(|(_, value)| !value.is_empty());
        Self(Arc::new(pairs))
    }

    /// The labels in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a label; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        match self.0.binary_search_by(|(key, _)| key.as_str().cmp(name)) {
            Ok(at) => self.0.get(at).map_or("", |(_, value)| value),
            Err(_) => "",
        }
    }

    /// The labels that `keep` says yes to.
    pub(super) fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(key, _)| keep(key)) {
            return self.clone();
        }
        Self(Arc::new(self.0.iter().filter(|(key, _)| keep(key)).cloned().collect()))
    }

    /// The labels without the name.
    pub(super) fn without_name(&self) -> Self {
        self.filtered(|key| key != NAME)
    }

    /// The labels, one of them set; an empty value removes it.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let others = self.iter().filter(|(key, _)| *key != name);
        Self::new(others.chain([(name, value)]))
    }
}

impl fmt::Display for LabelSet {
    /// As a query would select them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (key, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{key}={value:?}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_set_and_removed() {
        let labels = LabelSet::new([("b", "1"), ("__name__", "up"), ("a", "2"), ("b", "3")]);
        let pairs: Vec<_> = labels.iter().collect();
        assert_eq!(pairs, [("__name__", "up"), ("a", "2"), ("b", "3")]);
        assert_eq!(labels.get("b"), "3");
        assert_eq!(labels.get("c"), "");
        assert_eq!(labels.without_name(), LabelSet::new([("a", "2"), ("b", "3")]));
        assert_eq!(labels.with("a", "").with("c", "4").iter().len(), 3);
    }
}
