//! A whole database of arbitrary files: opened, queried, flushed, opened again.
//!
//! The input is the files of [`FILES`] in order, each behind its length (u32 LE); what is missing
//! is empty and not made.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{Database, Engine, EngineOptions};
use nanotdb_core::query::{RangeQuery, Series};
use nanotdb_core::storage::{FileName, MemoryStorage, Storage};
use nanotdb_core::types::TimeRange;
use std::collections::BTreeMap;

type Local = LocalHost<MemoryStorage>;

const FILES: [&str; 7] = [
    "catalog.json",
    "manifest.toml",
    "home.wal",
    "data-2026-01-01.dat",
    "data-2026-01-02.dat",
    "metric-2026-01-01.dat",
    "raw-2026-01-01.dat",
];

fn directory(mut bytes: &[u8]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    for name in FILES {
        let Some((len, rest)) = bytes.split_first_chunk::<4>() else { break };
        let len = rest.len().min(usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX));
        let (content, rest) = rest.split_at(len);
        bytes = rest;
        if !content.is_empty() {
            let name = FileName::new(name).expect("a name");
            storage.replace(&name, content).expect("memory does not fail");
        }
    }
    storage
}

/// The samples of each metric that can be read.
fn samples(database: &Database<Local>) -> BTreeMap<String, Series> {
    let all = RangeQuery::all(TimeRange::ALL);
    let metrics = database.metrics().into_iter();
    metrics
        .filter_map(|metric| {
            let _ = database.last(&metric.name);
            let series = database.range_query(&metric.name, all).ok()?;
            assert!(series.times.is_sorted());
            Some((metric.name, series))
        })
        .collect()
}

fuzz_target!(|bytes: &[u8]| {
    let host = LocalHost::new(MemoryStorage::new);
    host.set_database("home", directory(bytes));
    let open = || {
        let engine = Engine::open(host.clone(), EngineOptions::default()).expect("the root is fine");
        engine.database("home")
    };
    let Ok(first) = open() else { return };
    let before = samples(&first);
    let flushed = first.flush();
    assert_eq!(samples(&first), before, "a flush moves samples, it changes none");
    drop(first);
    if flushed.is_err() {
        return;
    }
    let second = open().expect("what was open opens again");
    assert_eq!(samples(&second), before);
});
