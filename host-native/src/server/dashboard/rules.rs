//! What a dashboard's fields have to say, once their types are right.

use nanotdb_core::aggregate::Aggregate;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const TYPES: [&str; 4] = ["number", "numbers", "line_chart", "aggregate_band"];
const BAND: &str = "aggregate_band";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Dashboard {
    title: String,
    groups: Vec<Group>,
    widgets: BTreeMap<String, Widget>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    id: String,
    widgets: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Widget {
    #[serde(rename = "type")]
    kind: String,
    refresh_sec: f64,
    lookback: String,
    interval: String,
    presentation: String,
    series: Vec<Series>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Series {
    label: String,
    role: String,
    db: String,
    database: String,
    query: String,
    metric: String,
    measurement: String,
    field: String,
    aggregate: String,
    window: String,
    thresholds: Thresholds,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Thresholds {
    direction: Option<String>,
    warning: Option<f64>,
    critical: Option<f64>,
}

/// What is wrong with a document of the right shape, each with its place.
pub(super) fn check(document: &Value) -> Vec<String> {
    let dashboard = match Dashboard::deserialize(document) {
        Ok(dashboard) => dashboard,
        Err(error) => return vec![error.to_string()],
    };
    let mut errors = Vec::new();
    if !filled(&dashboard.title) {
        errors.push("title is required".to_owned());
    }
    if dashboard.groups.is_empty() {
        errors.push("groups: at least one is required".to_owned());
    }
    let mut ids = BTreeSet::new();
    for (at, group) in dashboard.groups.iter().enumerate() {
        if !filled(&group.id) {
            errors.push(format!("groups[{at}].id is required"));
        } else if !ids.insert(&group.id) {
            errors.push(format!("groups[{at}].id: there are two groups {:?}", group.id));
        }
        for (place, id) in group.widgets.iter().enumerate() {
            if !dashboard.widgets.contains_key(id) {
                errors.push(format!("groups[{at}].widgets[{place}]: there is no widget {id:?}"));
            }
        }
    }
    for (id, widget) in &dashboard.widgets {
        widget.check(&format!("widgets.{id}"), &mut errors);
    }
    errors
}

impl Widget {
    fn check(&self, place: &str, errors: &mut Vec<String>) {
        let kind = self.kind.as_str();
        if !TYPES.contains(&kind) {
            let known = TYPES.join(", ");
            errors.push(format!("{place}.type: {kind:?} is none of {known}"));
            return;
        }
        if self.refresh_sec < 0.0 {
            errors.push(format!("{place}.refresh_sec must not be negative"));
        }
        let presentation = self.presentation.as_str();
        if !(presentation.is_empty() || presentation == BAND && kind == "line_chart") {
            errors.push(format!("{place}.presentation: {presentation:?} is none of {kind}"));
        }
        for (name, text) in [("lookback", &self.lookback), ("interval", &self.interval)] {
            if filled(text) {
                check_duration(text, &format!("{place}.{name}"), errors);
            } else if self.is_chart() {
                errors.push(format!("{place}.{name} is required for a chart"));
            }
        }
        if self.series.is_empty() {
            errors.push(format!("{place}.series: at least one is required"));
        }
        for (at, series) in self.series.iter().enumerate() {
            let place = format!("{place}.series[{at}]");
            series.check(&place, self.is_chart(), errors);
            if !(filled(&series.aggregate) || self.is_band() && self.series.len() == 1) {
                series.check_no_window(&place, errors);
            }
        }
        if self.is_chart() {
            self.check_labels(place, errors);
        }
        if self.is_band() {
            self.check_band(place, errors);
        }
    }

    fn is_chart(&self) -> bool {
        matches!(self.kind.as_str(), "line_chart" | BAND)
    }

    /// Whether it shows one source by its extremes and means.
    fn is_band(&self) -> bool {
        self.kind == BAND || self.presentation == BAND
    }

    /// A chart's legend and readout tell its lines apart by their labels.
    fn check_labels(&self, place: &str, errors: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        for (at, series) in self.series.iter().enumerate() {
            let label = series.label(at);
            if seen.contains(&label) {
                errors.push(format!("{place}.series[{at}]: another is called {label:?} already"));
            }
            seen.insert(label);
        }
    }

    /// A band is one series, or three with the roles min, max and avg of the same source.
    fn check_band(&self, place: &str, errors: &mut Vec<String>) {
        match self.series.as_slice() {
            [] => {}
            [only] => {
                if filled(&only.aggregate) || filled(&only.role) {
                    let rule = "the only series of a band takes neither aggregate nor role";
                    errors.push(format!("{place}.series[0]: {rule}"));
                }
            }
            all => {
                let mut roles: Vec<&str> = all.iter().map(|series| series.role.as_str()).collect();
                roles.sort_unstable();
                let sources: BTreeSet<_> = all.iter().map(Series::source).collect();
                if roles != ["avg", "max", "min"] {
                    let rule = "a band has one series, or three with the roles min, max and avg";
                    errors.push(format!("{place}.series: {rule}"));
                } else if sources.len() > 1 {
                    let rule = "the three of a band must have the same source";
                    errors.push(format!("{place}.series: {rule}"));
                }
            }
        }
    }
}

impl Series {
    fn check(&self, place: &str, in_chart: bool, errors: &mut Vec<String>) {
        let pair = filled(&self.measurement) && filled(&self.field);
        let sources = [filled(&self.query), filled(&self.metric), pair];
        if sources.iter().filter(|is_there| **is_there).count() != 1 {
            let rule = "one of query, metric, or measurement and field is required";
            errors.push(format!("{place}: {rule}"));
        }
        if filled(&self.aggregate) {
            if self.aggregate.parse::<Aggregate>().is_err() {
                errors.push(format!("{place}.aggregate: there is no {:?}", self.aggregate));
            }
            if !in_chart && !filled(&self.window) {
                errors.push(format!("{place}.window is required beside aggregate"));
            }
        }
        if filled(&self.window) {
            check_duration(&self.window, &format!("{place}.window"), errors);
        }
        let Thresholds { direction, warning, critical } = &self.thresholds;
        let is_set = warning.is_some() || critical.is_some() || direction.is_some();
        if is_set && !matches!(direction.as_deref(), Some("above" | "below")) {
            errors.push(format!("{place}.thresholds.direction must be above or below"));
        }
    }

    /// Without an aggregate, a window says nothing. Only the one series of a band may have it, as in
    /// the reference's own dashboard: it stands for three aggregates.
    fn check_no_window(&self, place: &str, errors: &mut Vec<String>) {
        if filled(&self.window) {
            errors.push(format!("{place}.aggregate is required beside window"));
        }
    }

    /// What it reads, with its database.
    fn source(&self) -> (String, String) {
        let database = if self.db.is_empty() { &self.database } else { &self.db };
        (database.clone(), self.name())
    }

    fn name(&self) -> String {
        let own = [&self.query, &self.metric].into_iter().find(|name| filled(name));
        own.cloned().unwrap_or_else(|| format!("{}.{}", self.measurement, self.field))
    }

    /// Its label, else the first of what it has.
    fn label(&self, at: usize) -> String {
        let names = [&self.label, &self.role, &self.query, &self.metric];
        if let Some(name) = names.into_iter().find(|name| filled(name)) {
            return name.clone();
        }
        let pair = filled(&self.measurement) && filled(&self.field);
        if pair { self.name() } else { format!("Series {}", at + 1) }
    }
}

fn filled(text: &str) -> bool {
    !text.trim().is_empty()
}

/// Digits and one of `s m h d w`.
fn check_duration(text: &str, place: &str, errors: &mut Vec<String>) {
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|c: char| "smhdwSMHDW".contains(c));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || trimmed.len() != digits.len() + 1 {
        errors.push(format!("{place}: {text:?} is no duration such as 30s, 5m, 1h, 7d or 1w"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is wrong with one widget.
    fn of(widget: &Value) -> Vec<String> {
        let groups = json!([{ "id": "g", "widgets": ["w"] }]);
        let errors = check(&json!({ "title": "T", "groups": groups, "widgets": { "w": widget } }));
        errors.iter().map(|error| error.replace("widgets.w", "w")).collect()
    }

    fn chart(series: &Value) -> Vec<String> {
        of(&json!({ "type": "line_chart", "lookback": "1D", "interval": "5m", "series": series }))
    }

    fn band(series: &Value) -> Vec<String> {
        of(&json!({
            "type": "line_chart", "presentation": BAND,
            "lookback": "1h", "interval": "5m", "series": series
        }))
    }

    #[test]
    fn title_and_groups() {
        let group = json!({ "id": "a", "widgets": ["none"] });
        let unnamed = json!({ "id": " ", "widgets": [] });
        let errors =
            check(&json!({ "title": " ", "groups": [group, group, unnamed], "widgets": {} }));
        let expected = [
            "title is required",
            "groups[0].widgets[0]: there is no widget \"none\"",
            "groups[1].id: there are two groups \"a\"",
            "groups[1].widgets[0]: there is no widget \"none\"",
            "groups[2].id is required",
        ];
        assert_eq!(errors, expected);
        let none = check(&json!({ "title": "T", "groups": [], "widgets": {} }));
        assert_eq!(none, ["groups: at least one is required"]);
    }

    #[test]
    fn widgets() {
        assert_eq!(of(&json!({ "type": "pie", "series": [] })).len(), 1);
        let errors = of(&json!({
            "type": "numbers", "refresh_sec": -1, "presentation": BAND,
            "lookback": "soon", "series": []
        }));
        let expected = [
            "w.refresh_sec must not be negative",
            "w.presentation: \"aggregate_band\" is none of numbers",
            "w.lookback: \"soon\" is no duration such as 30s, 5m, 1h, 7d or 1w",
            "w.series: at least one is required",
        ];
        assert_eq!(errors, expected);
        let errors = of(&json!({ "type": "line_chart", "series": [{ "metric": "m" }] }));
        let expected = ["w.lookback is required for a chart", "w.interval is required for a chart"];
        assert_eq!(errors, expected);
        for wrong in ["5", "m", "5mm", "5 m", "1h30m", "-1h", "1.5h"] {
            let errors =
                of(&json!({ "type": "number", "lookback": wrong, "series": [{ "metric": "m" }] }));
            assert_eq!(errors.len(), 1, "{wrong}");
        }
    }

    #[test]
    fn series() {
        let number =
            |series: &Value| of(&json!({ "type": "number", "series": [series] })).join("; ");
        assert_eq!(number(&json!({ "measurement": "m", "field": "f" })), "");
        assert!(number(&json!({})).contains("one of query"));
        assert!(number(&json!({ "query": "q", "metric": "m" })).contains("one of query"));
        let known = json!({ "metric": "m", "aggregate": "trimmed_average", "window": "1W" });
        assert_eq!(number(&known), "");
        assert!(
            number(&json!({ "metric": "m", "aggregate": "avg" })).contains("window is required")
        );
        assert!(
            number(&json!({ "metric": "m", "window": "1m" })).contains("aggregate is required")
        );
        let odd = json!({ "metric": "m", "aggregate": "mode", "window": "1" });
        assert!(number(&odd).contains("there is no \"mode\""));
        assert!(number(&odd).contains("window: \"1\" is no duration"));
        let set = json!({ "metric": "m", "thresholds": { "warning": 1 } });
        assert_eq!(number(&set), "w.series[0].thresholds.direction must be above or below");
        let above = json!({ "metric": "m", "thresholds": { "direction": "above" } });
        assert_eq!(number(&above), "");
        let beside = json!({ "metric": "m", "thresholds": { "direction": "beside" } });
        assert!(number(&beside).contains("direction"));
    }

    #[test]
    fn the_one_series_of_a_band_may_have_a_window_as_in_the_default_of_the_reference() {
        let series = json!([{ "label": "CPU", "metric": "cpu.busy_pct", "window": "10s" }]);
        assert_eq!(band(&series), [""; 0]);
        let own_type = json!({
            "type": "aggregate_band", "title": "CPU", "lookback": "15m", "interval": "10s",
            "series": series
        });
        assert_eq!(of(&own_type), [""; 0]);
        assert!(band(&json!([{ "metric": "a", "window": "soon" }]))[0].contains("no duration"));
    }

    #[test]
    fn labels_and_bands() {
        assert_eq!(chart(&json!([{ "metric": "a" }, { "metric": "b" }])), [""; 0]);
        let twice = chart(&json!([{ "metric": "a" }, { "metric": "b", "label": "a" }]));
        assert_eq!(twice, ["w.series[1]: another is called \"a\" already"]);
        assert_eq!(band(&json!([{ "metric": "a" }])), [""; 0]);
        assert!(band(&json!([{ "metric": "a", "role": "min" }]))[0].contains("neither"));
        let alone = json!([{ "metric": "a", "window": "1m" }]);
        assert!(chart(&alone)[0].contains("aggregate is required beside window"));
        let role = |role: &str, metric: &str| json!({ "metric": metric, "role": role });
        let three = json!([role("min", "a"), role("max", "a"), role("avg", "a")]);
        assert_eq!(band(&three), [""; 0]);
        let two = json!([role("min", "a"), role("max", "a")]);
        assert!(band(&two)[0].contains("one series, or three"));
        let other = json!([role("min", "a"), role("max", "b"), role("avg", "a")]);
        assert!(band(&other)[0].contains("same source"));
    }
}
