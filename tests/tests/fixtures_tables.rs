//! The reference's tables of aggregates and of calls with odd arguments.

use nanotdb::aggregate::{Aggregate, Arithmetic, Grid, Windows};
use nanotdb::engine::{BuildOptions, Importer};
use nanotdb::error::Rejection;
use nanotdb::query::{AggregateQuery, RangeQuery};
use nanotdb::{Error, TimeRange, Timestamp, ValueType};
use nanotdb_tests::answers;
use nanotdb_tests::fixtures::table;
use nanotdb_tests::model;
use serde_json::Value;
use std::ops::ControlFlow;

fn bits(value: &Value) -> u32 {
    u32::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

/// All aggregates of `names` over the points, as float32.
fn compute(names: &[&String], points: &[u32], arithmetic: Arithmetic) -> Vec<f32> {
    let aggregates: Vec<Aggregate> = names.iter().map(|name| name.parse().unwrap()).collect();
    let grid = Grid::new(i64::MAX, 0).unwrap();
    let mut windows = Windows::new(TimeRange::ALL, grid, &aggregates, arithmetic);
    let times = vec![0; points.len()];
    let mut values = Vec::new();
    #[expect(clippy::cast_possible_truncation, reason = "the reference has float32")]
    let mut emit = |bucket: &nanotdb::aggregate::Bucket| {
        values.extend(bucket.values.iter().map(|value| *value as f32));
        Ok::<(), ()>(())
    };
    windows.add(ValueType::F32, &times, points, &mut emit).unwrap();
    windows.finish(&mut emit).unwrap();
    values
}

#[test]
fn aggregates_as_the_reference_computes_them() {
    for row in table("aggregates") {
        let points: Vec<u32> = row["input_bits"].as_array().unwrap().iter().map(bits).collect();
        let has_nan = points.iter().any(|&point| f32::from_bits(point).is_nan());
        for column in ["basic_only", "all_together"] {
            let expected = row[column].as_object().unwrap();
            let names: Vec<&String> = expected.keys().collect();
            let found = compute(&names, &points, Arithmetic::Reference);
            for (name, found) in names.into_iter().zip(found) {
                let expected = f32::from_bits(bits(&expected[name]));
                // Any NaN is as good as another; the reference sorts NaN anywhere (D-14).
                let sorts = !["min", "max", "sum", "avg", "count"].contains(&name.as_str());
                let same = found.to_bits() == expected.to_bits()
                    || found.is_nan() && expected.is_nan()
                    || has_nan && sorts;
                assert!(same, "{} {column} {name}: {found}, not {expected}", row["name"]);
            }
        }
    }
}

#[test]
fn d14_one_rule_for_all_aggregates() {
    for row in table("aggregates") {
        let points: Vec<u32> = row["input_bits"].as_array().unwrap().iter().map(bits).collect();
        let numbers: Vec<f64> = points.iter().map(|&p| f64::from(f32::from_bits(p))).collect();
        let names: Vec<String> = Aggregate::NAMES.iter().map(ToString::to_string).collect();
        let all: Vec<&String> = names.iter().collect();
        let together = compute(&all, &points, Arithmetic::Exact);
        for (name, found) in names.iter().zip(together) {
            let alone = compute(&[name], &points, Arithmetic::Exact)[0];
            assert_eq!(alone.to_bits(), found.to_bits(), "{} {name}", row["name"]);
            if numbers.iter().any(|number| number.is_infinite()) {
                continue; // between two infinities the model finds none of them
            }
            #[expect(clippy::cast_possible_truncation, reason = "the reference has float32")]
            let expected = model::Aggregate::from_name(name).unwrap().of(&numbers) as f32;
            let same = found.to_bits() == expected.to_bits()
                || found.is_nan() && expected.is_nan()
                // Between two neighbours the model computes another way.
                || (found - expected).abs() <= expected.abs() * f32::EPSILON;
            assert!(same, "{} {name}: {found}, not {expected}", row["name"]);
        }
    }
}

/// The calls of `api_errors` in its order, as far as our API has them. What we refuse although
/// the reference takes it, or the other way round, is marked with the deviation.
#[test]
fn odd_arguments() {
    assert_eq!(table("api_errors").len(), 51);
    let root = tempfile::tempdir().unwrap();
    let store = answers::open(root.path());
    let t = Timestamp(1_767_323_045_000_000_000);
    let invalid_name = |result: nanotdb::Result<()>| {
        matches!(result, Err(Error::Rejected(Rejection::InvalidName { .. })))
    };
    for database in ["", " "] {
        assert!(invalid_name(store.add(database, "m", t, 1)), "{database:?}");
    }
    for metric in ["", " ", "with space", "with\nnewline"] {
        assert!(invalid_name(store.add("db", metric, t, 1)), "D-04: {metric:?}");
    }
    store.add("db", "i", t, 1).unwrap();
    store.add("db", "f", t, 1.0).unwrap();
    for result in [store.add("db", "i", t, 1.0), store.add("db", "f", t, 1)] {
        assert!(matches!(result, Err(Error::Rejected(Rejection::TypeMismatch { .. }))));
    }
    let before = Timestamp(t.0 - 1);
    let stale = store.add("db", "i", before, 1).unwrap_err();
    assert!(matches!(stale, Error::Rejected(Rejection::Stale { .. })), "{stale}");
    // Order is per metric, and a refused sample fixes no type (D-01).
    store.add("db", "new", before, 1).unwrap();

    let db = store.database("db").unwrap();
    let reversed = db.range("i", t, before);
    assert!(matches!(reversed, Err(Error::Rejected(Rejection::InvalidRange { .. }))));
    assert!(db.range("unknown", before, t).unwrap().is_empty());
    let unknown = store.database("never");
    assert!(matches!(unknown, Err(Error::Rejected(Rejection::UnknownDatabase(_)))), "D-19");
    assert!(!root.path().join("never").exists(), "D-19");
    assert_eq!(db.range_query("i", RangeQuery::all(TimeRange::ALL)).unwrap().len(), 1);

    let aggregate = |window_ns, aggregates: &[Aggregate]| {
        let range = TimeRange::ALL;
        let arithmetic = Arithmetic::Exact;
        let query = AggregateQuery { range, window_ns, offset_ns: 0, aggregates, arithmetic };
        db.aggregate("i", &query, |_| ControlFlow::Continue(()))
    };
    assert!(aggregate(0, &[Aggregate::Avg]).is_err());
    assert!(aggregate(-1, &[Aggregate::Avg]).is_err());
    assert!(aggregate(1, &[]).is_err());
    for name in ["AVG", "p42", ""] {
        assert!(name.parse::<Aggregate>().is_err(), "{name:?}");
    }

    for key in ["", "2026-01-03", "../x", "2026-01", "forever", "xx"] {
        let refused = db.build_metric_file(key, BuildOptions::default());
        assert!(matches!(refused, Err(Error::Rejected(_))), "{key:?}: {refused:?}");
    }
    db.build_metric_file("2026-01-02", BuildOptions::default()).unwrap();

    let mut importer = Importer::new(&*store, None);
    let mut rejected = Vec::new();
    let mut note = |line: nanotdb::engine::RejectedLine| rejected.push(line.number);
    let long = format!("# {}\n", "x".repeat(70_000));
    let text = format!("# c\n\nx/a 1i 1\nbad\n{long}x/a 2i 2\n");
    importer.feed(text.as_bytes(), &mut note).unwrap();
    let report = importer.finish(&mut note).unwrap();
    assert_eq!((report.imported_lines, rejected), (2, vec![4]), "good lines around a bad one stay");
}
