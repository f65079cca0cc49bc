//! Names of databases and metrics, and the rules they follow.

use crate::error::Rejection;
use crate::text::shortened;
use alloc::boxed::Box;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

/// Longest name a new database may get, in bytes.
pub const MAX_DATABASE_NAME: usize = 64;

/// Longest metric name in bytes: the write-ahead log stores its length in one byte.
pub const MAX_METRIC_NAME: usize = 255;

/// A database's name, which is also its directory's: one path component that leads nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseName(Box<str>);

impl DatabaseName {
    /// The name of a database that may be created: 1 to 64 of `A-Z a-z 0-9 _ . -`, the first
    /// neither `.` nor `-` (D-03).
    ///
    /// ```
    /// use nanotdb_core::name::DatabaseName;
    /// assert_eq!(DatabaseName::new("bench")?.as_str(), "bench");
    /// assert!(DatabaseName::new("../bench").is_err());
    /// # Ok::<(), nanotdb_core::error::Rejection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejection::InvalidName`] with the rule that `name` breaks.
    pub fn new(name: &str) -> Result<Self, Rejection> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let broken = if name.is_empty() || name.len() > MAX_DATABASE_NAME {
            "expected 1 to 64 bytes"
        } else if !name.bytes().all(allowed) {
            "expected only A-Z, a-z, 0-9, '_', '.' and '-'"
        } else if name.starts_with(['.', '-']) {
            "expected a letter, digit or '_' at the start"
        } else {
            return Ok(Self(name.into()));
        };
        Err(refused("database", name, broken))
    }

    /// The name of a database that is already there: the reference creates a directory for nearly
    /// any name, and those stay readable. Ask the host whether a directory of exactly this name
    /// exists; do not create one.
    ///
    /// ```
    /// use nanotdb_core::name::DatabaseName;
    /// assert!(DatabaseName::existing("старый дом").is_ok());
    /// assert!(DatabaseName::existing("..").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejection::InvalidName`] when the name could lead out of the store's directory.
    pub fn existing(name: &str) -> Result<Self, Rejection> {
        let forbidden = |c: char| matches!(c, '/' | '\\') || c.is_control();
        let broken = if matches!(name, "" | "." | "..") {
            "expected the name of a directory"
        } else if name.contains(forbidden) {
            "expected no '/', '\\' or control character"
        } else {
            return Ok(Self(name.into()));
        };
        Err(refused("database", name, broken))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for DatabaseName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for DatabaseName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for DatabaseName {
    type Err = Rejection;

    fn from_str(name: &str) -> Result<Self, Rejection> {
        Self::new(name)
    }
}

/// Checks the name of a metric: 1 to 255 bytes, no white space, no control character (D-04).
///
/// ```
/// use nanotdb_core::name::check_metric_name;
/// assert!(check_metric_name("host01/cpu.load,core=3").is_ok());
/// assert!(check_metric_name("cpu load").is_err());
/// ```
///
/// # Errors
///
/// [`Rejection::InvalidName`] with the rule that `name` breaks.
pub fn check_metric_name(name: &str) -> Result<(), Rejection> {
    let broken = if name.is_empty() || name.len() > MAX_METRIC_NAME {
        "expected 1 to 255 bytes"
    } else if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    } else if name.contains(char::is_whitespace) {
        "expected no white space"
    } else if name.contains(char::is_control) {
        "expected no control character"
    } else {
        return Ok(());
    };
    Err(refused("metric", name, broken))
}

fn refused(what: &'static str, name: &str, rule: &'static str) -> Rejection {
    Rejection::InvalidName { what, name: shortened(name).into_owned(), rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn rule_of<T: fmt::Debug>(result: Result<T, Rejection>) -> &'static str {
        match result.unwrap_err() {
            Rejection::InvalidName { rule, .. } => rule,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_for_new_databases() {
        let longest = "n".repeat(64);
        for name in ["a", "DB", "_x", "0", "a.b", "a-b_c.", "internal", &longest] {
            assert_eq!(DatabaseName::new(name).unwrap().to_string(), name);
            assert_eq!(DatabaseName::new(name), DatabaseName::existing(name));
        }
        let too_long = "n".repeat(65);
        for (name, rule) in [
            ("", "expected 1 to 64 bytes"),
            (too_long.as_str(), "expected 1 to 64 bytes"),
            (".", "expected a letter, digit or '_' at the start"),
            ("..", "expected a letter, digit or '_' at the start"),
            (".hidden", "expected a letter, digit or '_' at the start"),
            ("-", "expected a letter, digit or '_' at the start"),
            ("a/b", "expected only A-Z, a-z, 0-9, '_', '.' and '-'"),
            ("a\\b", "expected only A-Z, a-z, 0-9, '_', '.' and '-'"),
            ("a b", "expected only A-Z, a-z, 0-9, '_', '.' and '-'"),
            ("a\0", "expected only A-Z, a-z, 0-9, '_', '.' and '-'"),
            ("дб", "expected only A-Z, a-z, 0-9, '_', '.' and '-'"),
        ] {
            assert_eq!(rule_of(DatabaseName::new(name)), rule, "{name:?}");
        }
    }

    #[test]
    fn names_of_databases_that_are_there() {
        for name in ["#db", ".hidden", "..x", "-", "a b", "a*b", "[x]", "дб", "\u{feff}db"] {
            assert!(DatabaseName::existing(name).is_ok(), "{name:?}");
        }
        for name in ["", ".", "..", "/", "a/b", "../a", "a\\b", "a\0b", "a\nb", "a\u{85}b"] {
            assert!(DatabaseName::existing(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn metric_names() {
        for name in ["m", "/m", "a/b/", "m=1", "m,tag=x", "ü", "🚀", &"n".repeat(255)] {
            assert_eq!(check_metric_name(name), Ok(()), "{name:?}");
        }
        let too_long = "n".repeat(256);
        for (name, rule) in [
            ("", "expected 1 to 255 bytes"),
            (too_long.as_str(), "expected 1 to 255 bytes"),
            ("a b", "expected no white space"),
            ("a\u{a0}b", "expected no white space"),
            ("a\u{3000}", "expected no white space"),
            ("a\tb", "expected no white space"),
            ("a\0b", "expected no control character"),
            ("\u{1}", "expected no control character"),
            ("a\u{7f}", "expected no control character"),
            ("a\u{9f}", "expected no control character"),
        ] {
            assert_eq!(rule_of(check_metric_name(name)), rule, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_shortened_in_the_refusal() {
        let message = check_metric_name(&"ü".repeat(200)).unwrap_err().to_string();
        assert!(message.len() < 200 && message.contains('…'), "{message}");
    }

    proptest! {
        #[test]
        fn a_new_name_is_one_plain_component(name: String) {
            if let Ok(checked) = DatabaseName::new(&name) {
                prop_assert!(std::path::Path::new(&name).components().count() == 1);
                prop_assert_eq!(Ok(checked), DatabaseName::existing(&name));
            }
        }

        #[test]
        fn metric_rules_as_the_specification_states_them(name in "\\PC{0,8}[ \t\u{85}\u{1}]?\\PC{0,120}") {
            let allowed = (1..=255).contains(&name.len())
                && !name.chars().any(|c| c.is_whitespace() || c.is_control());
            prop_assert_eq!(check_metric_name(&name).is_ok(), allowed);
        }
    }
}
