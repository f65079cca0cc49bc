//! Up to where everything has been dealt with.
//!
//! ```text
//! {"version":1,"from":null,"databases":{"home":{"kitchen.temperature":[1767225600000000000,1]}}}
//! ```
//!
//! For each metric: a time, and how many samples at that time. Samples of a metric come in order
//! of time, so everything before is dealt with, and everything behind is not; metrics need not be
//! equally far. A metric that is not named begins at `from`, or where there is none, at its first
//! sample: it has come in since forwarding began.

use super::ForwardError;
use crate::storage::FsRoot;
use crate::{Database, Result, Timestamp};
use nanotdb_core::storage::{FileName, Storage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

const VERSION: u32 = 1;

/// Up to where a metric was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i64, u64)", into = "(i64, u64)")]
pub(super) struct Position {
    /// The time of the newest sample that was dealt with, in nanoseconds since the Unix epoch.
    pub(super) time: i64,
    /// How many samples at that time were.
    pub(super) count: u64,
}

impl From<(i64, u64)> for Position {
    fn from((time, count): (i64, u64)) -> Self {
        Self { time, count }
    }
}

impl From<Position> for (i64, u64) {
    fn from(position: Position) -> Self {
        (position.time, position.count)
    }
}

impl Position {
    /// Behind all that a metric has; nothing when it has no sample.
    pub(super) fn newest_of(database: &Database, metric: &str) -> Result<Option<Self>> {
        let Some(newest) = database.last(metric)? else { return Ok(None) };
        // Whatever is stored at that instant now is in the count.
        let count = database.range(metric, newest.time, newest.time)?.len();
        Ok(Some(Self { time: newest.time.0, count: u64::try_from(count).unwrap_or(u64::MAX) }))
    }

    /// Moves behind the next sample.
    pub(super) fn pass(&mut self, time: i64) {
        let count = if time == self.time { self.count + 1 } else { 1 };
        *self = Self { time, count };
    }
}

/// The positions of all metrics, and the file that keeps them.
#[derive(Debug)]
pub(super) struct Cursor {
    root: FsRoot,
    name: FileName,
    /// Nothing before the first round.
    content: Option<Content>,
    has_changed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    from: Option<i64>,
    databases: BTreeMap<String, BTreeMap<String, Position>>,
}

impl Cursor {
    /// The cursor of this name in a store's directory.
    pub(super) fn load(root: &Path, name: &str) -> core::result::Result<Self, ForwardError> {
        let root = FsRoot::open(root)?;
        let name = FileName::new(&format!("forward-{name}.json"))?;
        let content = root.storage()?.read(&name)?.map(|bytes| Content::parse(&bytes, &name));
        Ok(Self { root, content: content.transpose()?, name, has_changed: false })
    }

    /// Whether it was never stored.
    pub(super) const fn is_new(&self) -> bool {
        self.content.is_none()
    }

    /// Begins with what is stored from a time on, or where there is none, with what is new.
    pub(super) fn begin(&mut self, from: Option<Timestamp>) {
        let from = from.map(|from| from.0);
        self.content = Some(Content { version: VERSION, from, databases: BTreeMap::new() });
        self.has_changed = true;
    }

    /// The position of a metric.
    pub(super) fn get(&self, database: &str, metric: &str) -> Position {
        let content = self.content.as_ref();
        let known = content.and_then(|content| content.databases.get(database)?.get(metric));
        let from = content.and_then(|content| content.from).unwrap_or(i64::MIN);
        known.copied().unwrap_or(Position { time: from, count: 0 })
    }

    /// Moves a metric's position.
    pub(super) fn set(&mut self, database: &str, metric: &str, position: Position) {
        let Some(content) = &mut self.content else { return };
        self.has_changed = true;
        let metrics = match content.databases.get_mut(database) {
            Some(metrics) => metrics,
            None => content.databases.entry(database.to_owned()).or_default(),
        };
        match metrics.get_mut(metric) {
            Some(known) => *known = position,
            None => {
                metrics.insert(metric.to_owned(), position);
            }
        }
    }

    /// Makes it durable, if it has moved.
    pub(super) fn store(&mut self) -> Result<()> {
        let Some(content) = self.content.as_ref().filter(|_| self.has_changed) else {
            return Ok(());
        };
        // Writing this to memory cannot fail: all keys are texts.
        let bytes = serde_json::to_vec(content).unwrap_or_default();
        self.root.storage()?.replace(&self.name, &bytes)?;
        self.has_changed = false;
        Ok(())
    }
}

impl Content {
    fn parse(bytes: &[u8], name: &FileName) -> core::result::Result<Self, ForwardError> {
        let wrong = |detail: String| {
            let name = name.as_str();
            ForwardError::Cursor(format!("{name}: {detail}; remove the file to begin anew"))
        };
        let content: Self =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if content.version != VERSION {
            return Err(wrong(format!("expected version {VERSION}, found {}", content.version)));
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_found_again() {
        let root = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::load(root.path(), "x").unwrap();
        assert!(cursor.is_new());
        cursor.begin(Some(Timestamp(5)));
        cursor.set("home", "a", Position { time: i64::MIN, count: 3 });
        cursor.store().unwrap();
        let text = std::fs::read_to_string(root.path().join("forward-x.json")).unwrap();
        let expected =
            "{\"version\":1,\"from\":5,\"databases\":{\"home\":{\"a\":[-9223372036854775808,3]}}}";
        assert_eq!(text, expected);
        let cursor = Cursor::load(root.path(), "x").unwrap();
        assert!(!cursor.is_new());
        assert_eq!(cursor.get("home", "a"), Position { time: i64::MIN, count: 3 });
        assert_eq!(cursor.get("home", "b"), Position { time: 5, count: 0 });
    }

    #[test]
    fn what_is_no_cursor_is_named_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("forward-x.json");
        for text in ["", "{}", "{\"version\":2,\"from\":null,\"databases\":{}}"] {
            std::fs::write(&path, text).unwrap();
            let error = Cursor::load(root.path(), "x").unwrap_err().to_string();
            assert!(error.starts_with("forward-x.json: "), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_position_counts_samples_of_one_instant() {
        let mut position = Position { time: 1, count: 0 };
        for time in [1, 1, 2, 2, 2] {
            position.pass(time);
        }
        assert_eq!(position, Position { time: 2, count: 3 });
    }
}
