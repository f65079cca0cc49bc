//! Deleting beside everything else.

use crate::support::Served;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

/// Every turn for reading and for writing is taken, for longer than anybody waits.
#[test]
fn a_delete_waits_neither_for_queries_nor_for_samples() {
    let served = Served::new();
    served.import("home/a 1 2026-01-01 00:00:00\nhome/a 2 2026-01-02 00:00:00\n");
    let (gate, busy) = (Arc::new(RwLock::new(())), Arc::new(AtomicUsize::new(0)));
    let closed = gate.write().unwrap();
    let others = tokio::runtime::Runtime::new().unwrap();
    for number in 0..96 {
        let (app, gate, busy) = (Arc::clone(served.app()), Arc::clone(&gate), Arc::clone(&busy));
        others.spawn(async move {
            let work = move |_: &nanotdb::server::App| {
                busy.fetch_add(1, Ordering::SeqCst);
                drop(gate.read());
                Ok(())
            };
            if number % 2 == 0 { app.work(work).await } else { app.ingest(work).await }
        });
    }
    let started = Instant::now();
    while busy.load(Ordering::SeqCst) < 32 + 16 {
        assert!(started.elapsed() < Duration::from_mins(1));
        std::thread::sleep(Duration::from_millis(5));
    }
    let started = Instant::now();
    let day = "/api/v1/metrics?db=home&metric=a&start=2026-01-01&end=2026-01-01%2012:00:00";
    assert_eq!(served.method("DELETE", day).data()["result"]["samples"], 1);
    let body = json!({ "start": "2026-01-01T00:00:00Z", "stop": "2026-01-03T00:00:00Z" });
    assert_eq!(served.post("/api/v2/delete?bucket=home", body.to_string()).status, 204);
    assert!(started.elapsed() < Duration::from_secs(9), "it has waited for a turn");
    assert_eq!(served.store().engine().database("home").unwrap().last("a").unwrap(), None);
    drop(closed);
}

/// Fields and measurements with dots, as they were written.
#[test]
fn influx_predicates_select_names_with_several_dots() {
    let served = Served::new();
    let lines = "net,host=pi eth0.rx=1 1767225600000000000\n\
                 net.eth0,host=pi rx=2 1767225601000000000\n\
                 net,host=pi wlan0.rx=3 1767225600000000000\n\
                 net,host=pi up=4 1767225600000000000\n";
    let written = served.post("/api/v2/write?bucket=home", lines);
    assert_eq!(written.status, 204, "{}", written.text);
    let names = || -> Vec<String> {
        let metrics = served.store().engine().database("home").unwrap().metrics();
        metrics.into_iter().map(|metric| metric.name).collect()
    };
    let delete = |predicate: &str| {
        let body = json!({
            "start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z", "predicate": predicate,
        });
        let answer = served.post("/api/v2/delete?bucket=home", body.to_string());
        assert_eq!(answer.status, 204, "{}", answer.text);
        let database = served.store().engine().database("home").unwrap();
        let left = names().into_iter().filter(|name| database.last(name).unwrap().is_some());
        left.collect::<Vec<_>>()
    };
    let all = names();
    assert_eq!(all.len(), 3, "two of them are one metric: {all:?}");
    assert_eq!(delete(r#"_measurement="net" AND _field="rx""#).len(), 3, "there is none");
    let left = delete(r#"_measurement="net" AND _field="eth0.rx" AND host="pi""#);
    assert_eq!(left, ["net.up;host=pi", "net.wlan0.rx;host=pi"]);
    assert_eq!(delete(r#"_measurement="net""#), ["net.wlan0.rx;host=pi"]);
}
