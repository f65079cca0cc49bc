//! What to send and where to, and why that may be impossible.

use crate::Timestamp;
use crate::token::Token;
use core::fmt;
use core::time::Duration;

/// What to send, and where to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ForwardOptions {
    /// Where remote write is accepted.
    pub url: String,
    /// Name of the cursor's file, `forward-NAME.json`; by itself it is made of the URL.
    pub name: Option<String>,
    /// The databases to send; when empty, all but `internal`.
    pub databases: Vec<String>,
    /// Where to begin when there is no cursor yet: with what is stored from this time on; when
    /// there is none, with what comes in from now on.
    pub from: Option<Timestamp>,
    /// Labels that every series gets, unless it has them.
    pub labels: Vec<(String, String)>,
    /// Sent as `Authorization: Bearer`.
    pub bearer_token: Option<Token>,
    /// Samples in a request, more than 0.
    pub batch_samples: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// The first pause after a failure; each that follows is twice as long.
    pub min_pause: Duration,
    /// The longest pause.
    pub max_pause: Duration,
    /// Failures in a row after which a round gives up; without a number it never does.
    pub max_failures: Option<u32>,
}

impl ForwardOptions {
    /// Sends to this URL what comes in from now on.
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: None,
            databases: Vec::new(),
            from: None,
            labels: Vec::new(),
            bearer_token: None,
            batch_samples: 2000,
            timeout: Duration::from_secs(30),
            min_pause: Duration::from_secs(1),
            max_pause: Duration::from_mins(1),
            max_failures: None,
        }
    }

    pub(super) fn checked_name(&self) -> Result<String, ForwardError> {
        let Some(name) = &self.name else { return Ok(name_of(&self.url)) };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_plain) {
            return Err(ForwardError::Options(format!(
                "name {name:?}: expected 1 to {MAX_NAME} of A-Z, a-z, 0-9, '.', '_' and '-'"
            )));
        }
        Ok(name.clone())
    }
}

/// Longest name of a cursor.
const MAX_NAME: usize = 100;

/// A name for a cursor: the URL without scheme, user and query.
fn name_of(url: &str) -> String {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = url.split_once('/').unwrap_or((url, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("{host}/{path}").chars().map(plain).take(MAX_NAME).collect()
}

/// Why forwarding cannot go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ForwardError {
    /// The options make no sense.
    Options(String),
    /// The store cannot be read, or the cursor's file not written.
    Store(crate::Error),
    /// The cursor's file is none.
    Cursor(String),
    /// Another process uses the cursor.
    Locked(String),
    /// The receiver could not be reached too many times in a row.
    GaveUp(String),
}

impl fmt::Display for ForwardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(text) | Self::Cursor(text) | Self::Locked(text) => f.write_str(text),
            Self::Store(error) => error.fmt(f),
            Self::GaveUp(text) => write!(f, "gave up: {text}"),
        }
    }
}

impl core::error::Error for ForwardError {}

impl From<crate::Error> for ForwardError {
    fn from(error: crate::Error) -> Self {
        Self::Store(error)
    }
}

impl From<crate::storage::StorageError> for ForwardError {
    fn from(error: crate::storage::StorageError) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_named_after_the_url() {
        let name = |url: &str| ForwardOptions::to(url).checked_name().unwrap();
        let expected = "example.org-9090-api-v1-write";
        assert_eq!(name("https://user:secret@example.org:9090/api/v1/write?x=1"), expected);
        assert_eq!(name("http://[::1]:8428/w"), "---1--8428-w");
        let mut options = ForwardOptions::to("http://a/");
        for (typed, is_allowed) in
            [("home-1.x", true), ("", false), ("../x", false), ("a b", false)]
        {
            options.name = Some(typed.into());
            assert_eq!(options.checked_name().is_ok(), is_allowed, "{typed:?}");
        }
    }
}
