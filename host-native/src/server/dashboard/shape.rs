//! Types first: once these are right, the rest can be read as a dashboard.

use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// What a field has to be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    Boolean,
    Object,
}

impl Kind {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Object => "an object",
        }
    }
}

const WIDGET: [(&str, Kind); 6] = [
    ("title", Kind::Text),
    ("refresh_sec", Kind::Number),
    ("auto_refresh", Kind::Boolean),
    ("lookback", Kind::Text),
    ("interval", Kind::Text),
    ("presentation", Kind::Text),
];

const SERIES: [(&str, Kind); 17] = [
    ("label", Kind::Text),
    ("role", Kind::Text),
    ("db", Kind::Text),
    ("database", Kind::Text),
    ("query", Kind::Text),
    ("metric", Kind::Text),
    ("measurement", Kind::Text),
    ("field", Kind::Text),
    ("aggregate", Kind::Text),
    ("window", Kind::Text),
    ("unit", Kind::Text),
    ("format", Kind::Text),
    ("scale", Kind::Number),
    ("offset", Kind::Number),
    ("decimals", Kind::Number),
    ("transform", Kind::Object),
    ("thresholds", Kind::Object),
];

const TRANSFORM: [(&str, Kind); 5] = [
    ("factor", Kind::Number),
    ("offset", Kind::Number),
    ("decimals", Kind::Number),
    ("unit", Kind::Text),
    ("format", Kind::Text),
];

const THRESHOLDS: [(&str, Kind); 3] =
    [("direction", Kind::Text), ("warning", Kind::Number), ("critical", Kind::Number)];

/// What is wrong with the types of a document, each with its place.
pub(super) fn check(document: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let Some(document) = document.as_object() else {
        return vec!["a dashboard is a JSON object".to_owned()];
    };
    required(&mut errors, "", document, "title", Kind::Text);
    fields(&mut errors, "", document, &[("default_db", Kind::Text)]);
    match document.get("groups").and_then(Value::as_array) {
        Some(groups) => {
            for (at, group) in groups.iter().enumerate() {
                check_group(&mut errors, &format!("groups[{at}]"), group);
            }
        }
        None => errors.push("groups must be a list".to_owned()),
    }
    match document.get("widgets").and_then(Value::as_object) {
        Some(widgets) => {
            for (id, widget) in widgets {
                check_widget(&mut errors, &format!("widgets.{id}"), widget);
            }
        }
        None => errors.push("widgets must be an object".to_owned()),
    }
    errors
}

fn check_group(errors: &mut Vec<String>, place: &str, group: &Value) {
    let Some(group) = group.as_object() else {
        errors.push(format!("{place} must be an object"));
        return;
    };
    required(errors, place, group, "id", Kind::Text);
    fields(errors, place, group, &[("label", Kind::Text)]);
    let widgets = group.get("widgets").and_then(Value::as_array);
    if !widgets.is_some_and(|widgets| widgets.iter().all(Value::is_string)) {
        errors.push(format!("{place}.widgets must be a list of widget ids"));
    }
}

fn check_widget(errors: &mut Vec<String>, place: &str, widget: &Value) {
    let Some(widget) = widget.as_object() else {
        errors.push(format!("{place} must be an object"));
        return;
    };
    required(errors, place, widget, "type", Kind::Text);
    fields(errors, place, widget, &WIDGET);
    let Some(series) = widget.get("series").and_then(Value::as_array) else {
        errors.push(format!("{place}.series must be a list"));
        return;
    };
    for (at, series) in series.iter().enumerate() {
        let place = format!("{place}.series[{at}]");
        let Some(series) = series.as_object() else {
            errors.push(format!("{place} must be an object"));
            continue;
        };
        fields(errors, &place, series, &SERIES);
        for (name, known) in [("transform", &TRANSFORM[..]), ("thresholds", &THRESHOLDS[..])] {
            if let Some(inner) = series.get(name).and_then(Value::as_object) {
                fields(errors, &format!("{place}.{name}"), inner, known);
            }
        }
    }
}

/// Fields that may be missing.
fn fields(errors: &mut Vec<String>, place: &str, object: &Object, known: &[(&str, Kind)]) {
    for (name, kind) in known {
        if object.get(*name).is_some_and(|value| !kind.holds(value)) {
            errors.push(must_be(place, name, *kind));
        }
    }
}

fn required(errors: &mut Vec<String>, place: &str, object: &Object, name: &str, kind: Kind) {
    if !object.get(name).is_some_and(|value| kind.holds(value)) {
        errors.push(must_be(place, name, kind));
    }
}

fn must_be(place: &str, name: &str, kind: Kind) -> String {
    let dot = if place.is_empty() { "" } else { "." };
    format!("{place}{dot}{name} must be {}", kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_wrong_type_is_named_with_its_place() {
        let errors = check(&json!({
            "title": 1,
            "default_db": null,
            "groups": [7, { "id": 1, "label": 2, "widgets": [3] }],
            "widgets": {
                "a": 1,
                "b": { "type": "number", "refresh_sec": "5", "series": {} },
                "c": { "series": [1, {
                    "decimals": "1", "transform": { "factor": "2" }, "thresholds": { "warning": true }
                }] },
            },
        }));
        let expected = [
            "title must be a text",
            "default_db must be a text",
            "groups[0] must be an object",
            "groups[1].id must be a text",
            "groups[1].label must be a text",
            "groups[1].widgets must be a list of widget ids",
            "widgets.a must be an object",
            "widgets.b.refresh_sec must be a number",
            "widgets.b.series must be a list",
            "widgets.c.type must be a text",
            "widgets.c.series[0] must be an object",
            "widgets.c.series[1].decimals must be a number",
            "widgets.c.series[1].transform.factor must be a number",
            "widgets.c.series[1].thresholds.warning must be a number",
        ];
        assert_eq!(errors, expected);
        assert_eq!(check(&json!([])), ["a dashboard is a JSON object"]);
        let empty = ["title must be a text", "groups must be a list", "widgets must be an object"];
        assert_eq!(check(&json!({})), empty);
    }
}
