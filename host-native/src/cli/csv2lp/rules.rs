//! What the metadata file says about single CSV files.

use super::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Rules by file name without `.csv`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Rules {
    #[serde(default)]
    metrics: BTreeMap<String, Rule>,
    #[serde(skip)]
    default: Rule,
}

/// How one file becomes samples.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    /// Whether the file is read at all.
    pub(super) enabled: bool,
    /// The metric, whatever the rows say.
    pub(super) metric: Option<String>,
    pub(super) value_type: Kind,
    /// What values are multiplied by.
    pub(super) scale: f64,
    /// Whether the sensor becomes the end of the metric's name.
    pub(super) append_sensor: bool,
}

/// The type of a metric's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Integers if all values are, and nothing multiplies them.
    #[default]
    #[serde(alias = "")]
    Auto,
    Int,
    Float,
}

impl Default for Rule {
    fn default() -> Self {
        let (metric, value_type) = (None, Kind::Auto);
        Self { enabled: true, metric, value_type, scale: 1.0, append_sensor: true }
    }
}

impl Rule {
    /// Whether values are taken as they are.
    #[expect(clippy::float_cmp, reason = "1 and nothing near it")]
    pub(super) fn is_unscaled(&self) -> bool {
        self.scale == 1.0
    }
}

impl Rules {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: String| Failure::failed(format!("{}: {error}", path.display()));
        let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
        let rules: Self =
            serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        for (base, rule) in &rules.metrics {
            if !rule.scale.is_finite() || rule.scale == 0.0 {
                return Err(failed(format!("{base}: scale is {}, expected another", rule.scale)));
            }
        }
        Ok(rules)
    }

    /// The rule of a file.
    pub(super) fn of(&self, base: &str) -> &Rule {
        self.metrics.get(base).unwrap_or(&self.default)
    }
}
