//! A whole database of arbitrary files: opened, queried, flushed, opened again.
//!
//! The input is files: each a name behind its length (u8), and content behind its length (u32 LE).
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{Database, Engine, EngineOptions};
use nanotdb_core::query::{RangeQuery, Series};
use nanotdb_core::storage::{FileName, MemoryStorage, Storage};
use nanotdb_core::types::TimeRange;
use std::collections::BTreeMap;

type Local = LocalHost<MemoryStorage>;

fn directory(mut bytes: &[u8]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    while let Some((name, content)) = next_file(&mut bytes) {
        let name = core::str::from_utf8(name).ok().and_then(|name| FileName::new(name).ok());
        if let Some(name) = name {
            storage.replace(&name, content).expect("memory does not fail");
        }
    }
    storage
}

fn next_file<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (&len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(len))?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    let (content, rest) = rest.split_at(len.min(rest.len()));
    *bytes = rest;
    Some((name, content))
}

/// The samples of each metric that can be read.
fn samples(database: &Database<Local>) -> BTreeMap<String, Series> {
    let all = RangeQuery::all(TimeRange::ALL);
    let _ = database.find_recovered();
    let metrics = database.metrics().into_iter();
    metrics
        .filter_map(|metric| {
            let _ = database.last(&metric.name);
            let series = database.range_query(&metric.name, all).ok()?;
            Some((metric.name, series))
        })
        .collect()
}

fuzz_target!(|bytes: &[u8]| {
    let host = LocalHost::new(MemoryStorage::new);
    host.set_database("home", directory(bytes));
    let open = || {
        let engine =
            Engine::open(host.clone(), EngineOptions::default()).expect("the root is fine");
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
