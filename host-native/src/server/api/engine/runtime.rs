//! `GET /api/engine/runtime`: what is in memory, of one database or of all.

use super::record::{Order, Preview};
use super::stats::rfc3339;
use super::summary::{OpenPage, Runtime};
use crate::server::answer::{Failure, Number, success};
use crate::server::api::Found;
use crate::server::app::App;
use crate::server::request::Params;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::Timestamp;
use nanotdb_core::engine::Host;
use serde::Serialize;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

#[derive(Serialize)]
struct OfDatabase {
    runtime: Runtime,
    wal_preview: Preview,
}

#[derive(Serialize)]
struct Overview {
    database_count: usize,
    active_database_count: usize,
    metric_count: usize,
    process: Process,
    go_mem: GoMem,
    open_pages: Vec<OpenPage>,
}

#[derive(Serialize)]
struct Process {
    started_at: String,
    age_seconds: Number,
    rss_bytes: Number,
    /// Threads: there are no goroutines.
    num_goroutine: Number,
    num_cpu: usize,
}

/// There is no Go here. The fields are for programs that expect them; memory from the system is
/// all there is to tell.
#[derive(Default, Serialize)]
struct GoMem {
    alloc_bytes: u64,
    total_alloc_bytes: u64,
    sys_bytes: u64,
    heap_alloc_bytes: u64,
    heap_sys_bytes: u64,
    heap_inuse_bytes: u64,
    heap_idle_bytes: u64,
    stack_inuse_bytes: u64,
    stack_sys_bytes: u64,
    next_gc_bytes: u64,
    num_gc: u64,
    gc_cpu_fraction: u64,
    last_gc_at: String,
}

pub(super) async fn runtime(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| match params.get("db") {
        Some(name) => {
            let database = app.engine.database(name)?;
            let wal_preview = Preview::of_database(&database, Order::Log)?;
            let result = OfDatabase { runtime: Runtime::of(&database), wal_preview };
            Ok(success(Found { result, result_type: "engine_runtime" }))
        }
        None => {
            let result = overview(app)?;
            Ok(success(Found { result, result_type: "engine_runtime_overview" }))
        }
    })
    .await
}

fn overview(app: &App) -> Result<Overview, Failure> {
    let names = app.engine.databases()?;
    let (mut metric_count, mut active, mut open_pages) = (0, 0, Vec::new());
    for name in &names {
        let database = app.engine.database(name)?;
        metric_count += database.metrics().len();
        let before = open_pages.len();
        open_pages.extend(Runtime::of(&database).into_pages());
        active += usize::from(open_pages.len() > before);
    }
    open_pages.sort_by(|a, b| {
        let key =
            |page: &OpenPage| (page.database.clone(), page.day.clone(), page.start_timestamp_ns);
        key(a).cmp(&key(b))
    });
    Ok(Overview {
        database_count: names.len(),
        active_database_count: active,
        metric_count,
        process: Process::of(app),
        go_mem: GoMem { last_gc_at: rfc3339(None), ..GoMem::default() },
        open_pages,
    })
}

impl Process {
    fn of(app: &App) -> Self {
        let (mut rss_bytes, mut threads) = (0.0, 0.0);
        app.engine.host().measure(&mut |name, value| match name {
            "rss_bytes" => rss_bytes = value,
            "threads" => threads = value,
            _ => {}
        });
        let since_1970 = app.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX);
        let age = app.began.elapsed();
        Self {
            started_at: rfc3339(Some(Timestamp(started))),
            age_seconds: Number(age.as_secs_f64()),
            rss_bytes: Number(rss_bytes),
            num_goroutine: Number(threads),
            num_cpu: std::thread::available_parallelism().map_or(1, core::num::NonZero::get),
        }
    }
}
