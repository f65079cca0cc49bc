//! What the reference makes of durations, settings files and catalogs, row by row.
//!
//! Each table holds inputs and what the reference answered. Our answer is the same, except for
//! the rows listed as deviations: a row that differs unlisted fails, and so does a listed row
//! that does not differ.

use nanotdb_core::catalog::file as catalog;
use nanotdb_core::settings::{
    DatabaseSettings, EngineSettings, RollupJob, RollupSource, Rollups, WrittenDuration,
};
use nanotdb_core::text::duration::Duration;
use nanotdb_core::text::pattern::Pattern;
use serde_json::{Value, json};

/// A row on which we differ on purpose.
struct Deviation {
    /// The entry of the deviation register.
    id: &'static str,
    input: &'static str,
    ours: Ours,
}

enum Ours {
    /// The error contains this.
    Refused(&'static str),
    /// The reference's answer with other values at these JSON pointers.
    Changed(&'static [(&'static str, u64)]),
    /// An answer where the reference refuses, as JSON.
    Accepted(&'static str),
}

/// Runs `answer` over every row. `reference` takes the reference's answer from a row that has no
/// error.
fn check(
    table: &str,
    input_key: &str,
    reference: impl Fn(&Value) -> Value,
    answer: impl Fn(&str) -> Result<Value, String>,
    deviations: &[Deviation],
) {
    let table: Value = serde_json::from_str(table).unwrap();
    let rows = table["rows"].as_array().unwrap();
    for row in rows {
        let input = row[input_key].as_str().unwrap();
        let theirs = if row.get("error").is_some() { None } else { Some(reference(row)) };
        let ours = answer(input);
        match deviations.iter().find(|deviation| deviation.input == input) {
            None => match theirs {
                Some(theirs) => assert_eq!(ours, Ok(theirs), "{input:?}"),
                None => assert!(ours.is_err(), "{input:?} is an error, not {ours:?}"),
            },
            Some(Deviation { id, ours: expected, .. }) => {
                assert_ne!(ours.clone().ok(), theirs, "{id} concerns {input:?}");
                match (expected, ours) {
                    (Ours::Refused(detail), Err(ours)) => {
                        assert!(ours.contains(detail), "{id}: {input:?}: {ours}");
                    }
                    (Ours::Changed(changes), Ok(ours)) => {
                        let mut expected = theirs.expect("an answer to change");
                        for (pointer, value) in *changes {
                            *expected.pointer_mut(pointer).unwrap() = json!(value);
                        }
                        assert_eq!(ours, expected, "{id}: {input:?}");
                    }
                    (Ours::Accepted(expected), Ok(ours)) => {
                        let expected: Value = serde_json::from_str(expected).unwrap();
                        assert_eq!(ours, expected, "{id}: {input:?}");
                    }
                    (_, ours) => panic!("{id}: {input:?}: {ours:?}"),
                }
            }
        }
    }
    for deviation in deviations {
        let found = rows.iter().any(|row| row[input_key] == deviation.input);
        assert!(found, "{} lists no row: {:?}", deviation.id, deviation.input);
    }
}

#[test]
fn durations() {
    check(
        include_str!("../fixtures/tables/durations.json"),
        "input",
        |row| json!({ "ns": row["ns"], "string": row["string"] }),
        |input| {
            let span: Duration = input.parse().map_err(|error| format!("{error}"))?;
            Ok(json!({ "ns": span.as_nanos(), "string": span.to_string() }))
        },
        &[],
    );
}

#[test]
fn manifests() {
    let defaults = DatabaseSettings {
        wal_skip_before: WrittenDuration::new("0s").unwrap(),
        page_max_records: 50,
        page_max_bytes: 127_000,
        page_max_age: WrittenDuration::new("1000h").unwrap(),
        ..DatabaseSettings::default()
    };
    check(
        include_str!("../fixtures/tables/manifest_toml.json"),
        "toml",
        |row| row["manifest"].clone(),
        |input| {
            let parsed = DatabaseSettings::parse(input, "db/manifest.toml", &defaults);
            let (settings, _) = parsed.map_err(|error| error.to_string())?;
            // Writing and reading again changes nothing.
            let again = DatabaseSettings::parse(&settings.to_toml(), "again", &defaults);
            assert_eq!(again, Ok((settings.clone(), Vec::new())), "{input:?}");
            Ok(manifest_json(&settings))
        },
        &[Deviation {
            id: "D-05",
            input: "[page]\nmax_records = 65536\n",
            ours: Ours::Changed(&[("/page_max_records", 65535)]),
        }],
    );
}

#[test]
fn engines() {
    check(
        include_str!("../fixtures/tables/engine_toml.json"),
        "toml",
        |row| json!({ "config": row["config"], "db_defaults": row["db_defaults"] }),
        |input| {
            let parsed = EngineSettings::parse(input, "engine.toml");
            let (settings, _) = parsed.map_err(|error| error.to_string())?;
            let again = EngineSettings::parse(&settings.to_toml(), "again");
            assert_eq!(again, Ok((settings.clone(), Vec::new())), "{input:?}");
            let defaults = manifest_json(&settings.manifest_defaults);
            Ok(json!({ "config": engine_json(&settings), "db_defaults": defaults }))
        },
        &[Deviation {
            id: "D-05",
            input: "[manifest_defaults.page]\nmax_records = 100000\nmax_bytes = 1\nmax_age = \"1s\"\n",
            ours: Ours::Changed(&[("/db_defaults/page_max_records", 65535)]),
        }],
    );
}

#[test]
fn catalogs() {
    let deviations = [
        (
            "D-16",
            r#"{"metrics":[{"name":"a","id":1,"type":1},{"name":"b","id":1,"type":2}]}"#,
            Ours::Refused(r#"metrics "a" and "b" both have id 1"#),
        ),
        (
            "D-16",
            r#"{"metrics":[{"name":"a","id":1,"type":1},{"name":"a","id":2,"type":2}]}"#,
            Ours::Refused(r#"metric "a" is there twice, with ids 1 and 2"#),
        ),
        (
            "D-16",
            r#"{"metrics":[{"name":"","id":0,"type":0}]}"#,
            Ours::Refused("metrics[0] has an empty name"),
        ),
        (
            "D-16",
            r#"{"metrics":[{"name":"a","id":1,"type":9}]}"#,
            Ours::Refused(r#"metric "a" has type 9, expected 1 or 2"#),
        ),
        (
            "D-16",
            r#"{"metrics":[{"name":"a","id":1,"type":1}]}trailing"#,
            Ours::Refused("trailing characters at line 1 column 43"),
        ),
        // White space is as good as nothing; the reference cannot open such a database.
        ("D-16", " ", Ours::Accepted("null")),
        // Half a character is not UTF-8; the reference renames the metric to U+FFFD.
        (
            "D-04",
            r#"{"metrics":[{"name":"\ud800","id":1,"type":1}]}"#,
            Ours::Refused("metrics[0]: "),
        ),
    ];
    check(
        include_str!("../fixtures/tables/catalog_json.json"),
        "catalog_json",
        |row| row["metrics"].clone(),
        |input| {
            let records = catalog::decode(input.as_bytes()).map_err(|error| error.to_string())?;
            assert_eq!(catalog::decode(&catalog::encode(&records)), Ok(records.clone()));
            let metrics = records.iter();
            let metrics = metrics.map(|r| json!([r.name, r.id.get(), r.value_type.byte()]));
            // The reference's table has null where there are none.
            Ok(none_or_array(metrics.collect()))
        },
        &deviations.map(|(id, input, ours)| Deviation { id, input, ours }),
    );
}

/// The effective settings as the reference reports them.
fn manifest_json(settings: &DatabaseSettings) -> Value {
    json!({
        "grace": settings.grace.as_str(),
        "retention_days": settings.retention_days,
        "retention_action": settings.retention_action.name(),
        "max_active_days": settings.max_active_days,
        "partition": settings.partition.name(),
        "wal_enabled": settings.wal_enabled,
        "wal_skip_before": settings.wal_skip_before.as_str(),
        "page_max_records": settings.page_max_records,
        "page_max_bytes": settings.page_max_bytes,
        "page_max_age": settings.page_max_age.as_str(),
        "rollups": rollups_json(&settings.rollups),
    })
}

fn rollups_json(rollups: &Rollups) -> Value {
    json!({
        "Enabled": rollups.enabled,
        "CheckpointFile": rollups.checkpoint_file,
        "DefaultGrace": text_of(rollups.default_grace.as_ref()),
        "DefaultInterval": text_of(rollups.default_interval.as_ref()),
        "DefaultDestinationDB": rollups.default_destination_db,
        "DefaultAggregates": texts(&rollups.default_aggregates),
        "GlobalExcludePatterns": patterns(&rollups.global_exclude_patterns),
        "Jobs": none_or_array(rollups.jobs.iter().map(job_json).collect()),
    })
}

fn job_json(job: &RollupJob) -> Value {
    let (metric, pattern) = match &job.source {
        RollupSource::Metric(metric) => (metric.as_str(), ""),
        RollupSource::Pattern(pattern) => ("", pattern.as_str()),
    };
    json!({
        "ID": job.id,
        "SourceMetric": metric,
        "SourcePattern": pattern,
        "ExcludePatterns": patterns(&job.exclude_patterns),
        "Interval": job.interval.as_str(),
        "Aggregates": texts(&job.aggregates),
        "DestinationDB": job.destination_db,
        "DestinationMetricPrefix": job.destination_metric_prefix,
        "Grace": text_of(job.grace.as_ref()),
    })
}

fn engine_json(settings: &EngineSettings) -> Value {
    // No configurable codec needs another name here than the reference's.
    let codecs = ["s2", "s2_better", "zstd_fastest", "zstd_default"];
    let codec = codecs[usize::from(settings.metrics.compression as u16) - 1];
    let loggers = settings.loggers.iter();
    let loggers = loggers.map(|l| json!({ "Output": l.output, "Level": l.level.name() }));
    json!({
        "listen": settings.listen,
        "wal_max": settings.wal.max_segment_size,
        "fsync": settings.wal.fsync_policy.name(),
        "profile": settings.durability.name(),
        "metrics": {
            "Enabled": settings.metrics.enabled,
            "Compression": codec,
            "RawIngestAction": settings.metrics.raw_ingest_action.name(),
            "TimeCacheSlots": settings.metrics.time_cache_slots,
        },
        "logging": { "Loggers": loggers.collect::<Vec<_>>() },
        "stats": {
            "Enabled": settings.stats.enabled,
            "Interval": settings.stats.interval.as_str(),
        },
        "stats_interval_ns": settings.stats.interval_ns(),
        "databases": settings.databases,
    })
}

fn none_or_array(values: Vec<Value>) -> Value {
    if values.is_empty() { Value::Null } else { Value::Array(values) }
}

fn texts(texts: &[String]) -> Value {
    none_or_array(texts.iter().map(|text| json!(text)).collect())
}

fn patterns(patterns: &[Pattern]) -> Value {
    none_or_array(patterns.iter().map(|pattern| json!(pattern.as_str())).collect())
}

fn text_of(duration: Option<&WrittenDuration>) -> &str {
    duration.map_or("", WrittenDuration::as_str)
}
