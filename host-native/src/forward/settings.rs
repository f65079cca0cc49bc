//! The tables `[[forward]]` of `engine.toml`: what a server sends by itself.
//!
//! | key | built in | |
//! |---|---|---|
//! | `url` | | where remote write is accepted |
//! | `name` | made of the URL | of the cursor's file |
//! | `databases` | all but `internal` | |
//! | `from` | what comes in from now on | at the first start: a date, or `all` |
//! | `labels` | none | a table of labels that every series gets |
//! | `bearer_token_file` | none | relative to the root; its first line is the token |
//! | `batch_samples` | 2000 | in a request |
//! | `interval` | `5s` | between two looks for what is new |

use super::{ForwardError, ForwardOptions};
use crate::Timestamp;
use crate::token::Token;
use core::time::Duration;
use nanotdb_core::settings::{SETTINGS_FILE, WrittenDuration};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ForwardSettings {
    /// What to send, and where to.
    pub options: ForwardOptions,
    /// How often to look for what is new.
    pub interval: Duration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    forward: Vec<Table>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table {
    url: String,
    name: Option<String>,
    databases: Vec<String>,
    from: Option<String>,
    labels: BTreeMap<String, String>,
    bearer_token_file: Option<String>,
    batch_samples: Option<usize>,
    interval: Option<String>,
}

impl ForwardSettings {
    /// What the `engine.toml` of a root says.
    ///
    /// # Errors
    ///
    /// When a value makes no sense, or a file with a token cannot be read.
    pub fn of_root(root: &Path) -> Result<Vec<Self>, ForwardError> {
        // A store that is only read may have no such file.
        let text = std::fs::read_to_string(root.join(SETTINGS_FILE)).unwrap_or_default();
        let File { forward } = toml::from_str(&text).map_err(refused)?;
        forward.into_iter().map(|table| table.checked(root)).collect()
    }
}

impl Table {
    fn checked(self, root: &Path) -> Result<ForwardSettings, ForwardError> {
        let mut options = ForwardOptions::to(self.url);
        options.name = self.name;
        options.databases = self.databases;
        options.labels = self.labels.into_iter().collect();
        options.from = match self.from.as_deref() {
            None => None,
            Some("all") => Some(Timestamp::MIN),
            Some(text) => Some(
                Timestamp::parse(text)
                    .map_err(|error| refused(format_args!("forward.from: {error}")))?,
            ),
        };
        if let Some(path) = self.bearer_token_file.filter(|path| !path.is_empty()) {
            options.bearer_token = Some(Token::read(&root.join(path)).map_err(refused)?);
        }
        options.batch_samples = self.batch_samples.unwrap_or(options.batch_samples);
        let interval = WrittenDuration::new(self.interval.as_deref().unwrap_or("5s"));
        let interval =
            interval.map_err(|error| refused(format_args!("forward.interval: {error}")))?;
        let nanos = u64::try_from(interval.as_nanos()).ok().filter(|nanos| *nanos > 0);
        let nanos = nanos.ok_or_else(|| refused("forward.interval: must be longer than 0"))?;
        Ok(ForwardSettings { options, interval: Duration::from_nanos(nanos) })
    }
}

fn refused(detail: impl core::fmt::Display) -> ForwardError {
    ForwardError::Options(format!("{SETTINGS_FILE}: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanotdb_core::settings::EngineSettings;

    fn of(text: &str) -> Result<Vec<ForwardSettings>, ForwardError> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(SETTINGS_FILE), text).unwrap();
        std::fs::write(root.path().join("token"), "secret \n").unwrap();
        ForwardSettings::of_root(root.path())
    }

    const FULL: &str = "[[forward]]\nurl = \"http://a/\"\n[[forward]]\nurl = \"http://b/\"\n\
        name = \"b\"\ndatabases = [\"home\"]\nfrom = \"2026-01-01\"\nbatch_samples = 7\n\
        interval = \"1m\"\nbearer_token_file = \"token\"\nlabels = { site = \"x\" }\n";

    #[test]
    fn every_key_counts_and_is_known_to_the_engine() {
        let found = of(FULL).unwrap();
        assert_eq!((found[0].interval, found[0].options.from), (Duration::from_secs(5), None));
        let ForwardSettings { options, interval } = &found[1];
        assert_eq!((options.url.as_str(), options.name.as_deref()), ("http://b/", Some("b")));
        assert_eq!(options.databases, ["home"]);
        assert_eq!(options.from, Some(Timestamp(1_767_225_600_000_000_000)));
        assert_eq!(options.labels, [("site".to_owned(), "x".to_owned())]);
        assert_eq!(options.bearer_token.as_ref().map(Token::as_str), Some("secret"));
        assert_eq!((options.batch_samples, *interval), (7, Duration::from_mins(1)));
        let (_, warnings) = EngineSettings::parse(FULL, SETTINGS_FILE).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, word) in [
            ("interval = \"0s\"", "longer than 0"),
            ("interval = \"soon\"", "forward.interval"),
            ("from = \"soon\"", "forward.from"),
            ("bearer_token_file = \"gone\"", "gone"),
            ("batch_samples = -1", "batch_samples"),
        ] {
            let error = of(&format!("[[forward]]\nurl = \"http://a/\"\n{text}\n")).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(of("").unwrap().is_empty());
        assert_eq!(
            of("[[forward]]\nfrom = \"all\"\n").unwrap()[0].options.from,
            Some(Timestamp::MIN)
        );
    }
}
