//! Prometheus' API against Prometheus: the same series in both, the same questions, equal answers.
//!
//! Needs `prometheus` and `promtool`; without them these tests pass over it, unless
//! `NANOTDB_REAL_PEERS=1` says that they must be there.

mod data;
mod http;
mod peers;
mod questions;

use http::Reply;
use peers::Pair;
use serde_json::Value;

/// How far two numbers may be apart, for each unit of the larger.
const TOLERANCE: f64 = 1e-9;

#[test]
fn queries_have_the_results_of_prometheus() {
    let Some(pair) = Pair::start() else { return };
    let mut wrong = Vec::new();
    let mut asked = 0;
    let mut found = 0;
    for question in questions::all() {
        for path_and_form in question.requests() {
            let (path, form) = path_and_form;
            let (ours, theirs) = pair.post(&path, &form);
            asked += 1;
            found += usize::from(has_points(&theirs));
            if let Err(difference) = same(&ours, &theirs, question.is_ordered()) {
                wrong.push(format!("{path}?{form}\n  {difference}"));
            }
        }
    }
    println!("{asked} requests, {found} with points, {} differ", wrong.len());
    assert!(found > asked / 2, "most questions must have an answer");
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn listings_are_those_of_prometheus() {
    let Some(pair) = Pair::start() else { return };
    for (path, form) in questions::listings() {
        let (ours, theirs) = pair.get(&path, &form);
        let sorted = |reply: &Reply| {
            let mut items: Vec<String> = match reply.json.get("data") {
                Some(Value::Array(items)) => items.iter().map(ToString::to_string).collect(),
                other => vec![format!("{other:?}")],
            };
            items.sort();
            items
        };
        assert_eq!(ours.status, theirs.status, "{path}?{form}: {}", ours.json);
        assert_eq!(sorted(&ours), sorted(&theirs), "{path}?{form}");
        assert_eq!(ours.json.get("errorType"), theirs.json.get("errorType"), "{path}?{form}");
    }
    for (path, form) in questions::probes() {
        let (ours, theirs) = pair.get(path, form);
        assert_eq!((ours.status, theirs.status), (200, 200), "{path}");
        let (ours, theirs) = (ours.json.get("data"), theirs.json.get("data"));
        assert_eq!(ours.map(kind), theirs.map(kind), "{path}: {ours:?} {theirs:?}");
    }
}

#[test]
fn promtool_understands_the_answers() {
    let Some(pair) = Pair::start() else { return };
    for arguments in questions::promtool() {
        let (ours, theirs) = pair.promtool(&arguments);
        assert_eq!(ours, theirs, "promtool query {arguments:?}");
        assert!(!ours.is_empty(), "promtool query {arguments:?}");
    }
}

/// What a JSON value is, and for maps of which fields.
fn kind(value: &Value) -> String {
    match value {
        Value::Object(fields) => format!("{:?}", fields.keys().collect::<Vec<_>>()),
        Value::Array(_) => "a list".into(),
        other => other.to_string(),
    }
}

fn has_points(reply: &Reply) -> bool {
    match reply.json.pointer("/data/result") {
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

/// Whether two replies say the same.
fn same(ours: &Reply, theirs: &Reply, is_ordered: bool) -> Result<(), String> {
    let field = |reply: &Reply, at: &str| reply.json.pointer(at).cloned();
    for at in ["/status", "/errorType", "/data/resultType"] {
        let (ours_at, theirs_at) = (field(ours, at), field(theirs, at));
        if ours_at != theirs_at || ours.status != theirs.status {
            return Err(format!("ours: {}\n  theirs: {}", ours.json, theirs.json));
        }
    }
    let (Some(ours), Some(theirs)) = (field(ours, "/data/result"), field(theirs, "/data/result"))
    else {
        return Ok(());
    };
    let (mut ours, mut theirs) = (items(&ours), items(&theirs));
    if !is_ordered {
        ours.sort_by_key(labels);
        theirs.sort_by_key(labels);
    }
    if ours.len() != theirs.len() {
        let list = |items: &[Value]| items.iter().map(labels).collect::<Vec<_>>().join(" ");
        return Err(format!("ours: {}\n  theirs: {}", list(&ours), list(&theirs)));
    }
    ours.iter().zip(&theirs).try_for_each(|(ours, theirs)| {
        let is_same = labels(ours) == labels(theirs);
        if is_same {
            same_points(ours, theirs)
        } else {
            Err(format!("ours: {ours}\n  theirs: {theirs}"))
        }
    })
}

fn items(result: &Value) -> Vec<Value> {
    match result {
        // A scalar or a string is one point.
        Value::Array(items) if items.first().is_some_and(Value::is_object) => items.clone(),
        Value::Array(items) if items.is_empty() => Vec::new(),
        other => vec![serde_json::json!({ "value": other })],
    }
}

fn labels(item: &Value) -> String {
    item.get("metric").map(ToString::to_string).unwrap_or_default()
}

fn same_points(ours: &Value, theirs: &Value) -> Result<(), String> {
    let points = |item: &Value| match (item.get("value"), item.get("values")) {
        (Some(point), _) => vec![point.clone()],
        (None, Some(Value::Array(points))) => points.clone(),
        _ => Vec::new(),
    };
    let (our_points, their_points) = (points(ours), points(theirs));
    let differs = |(ours, theirs): &(&Value, &Value)| {
        ours.get(0) != theirs.get(0) || !same_value(ours.get(1), theirs.get(1))
    };
    let first = our_points.iter().zip(&their_points).find(differs);
    if our_points.len() == their_points.len() && first.is_none() {
        return Ok(());
    }
    let lens = (our_points.len(), their_points.len());
    Err(format!("{}: {lens:?} points, first that differs: {first:?}", labels(ours)))
}

fn same_value(ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    let (Some(Value::String(ours)), Some(Value::String(theirs))) = (ours, theirs) else {
        return false;
    };
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(a), Ok(b)) if a.is_finite() && b.is_finite() => {
            (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1e-3)
        }
        _ => ours == theirs,
    }
}
