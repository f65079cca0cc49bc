use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::storage::{FileName, MemoryStorage, Storage, StorageFile};
use crate::types::Timestamp;
use alloc::sync::Arc;
use alloc::vec::Vec;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;
const DATA: &str = "data-2026-01-01.dat";

fn opened(host: &Local) -> Arc<Database<Local>> {
    Engine::open(host.clone(), EngineOptions::default()).unwrap().create_database("home").unwrap()
}

fn add(database: &Database<Local>, seconds: core::ops::Range<i64>) {
    for second in seconds {
        database.add("t", Timestamp(START + second * SECOND), 1.5).unwrap();
    }
}

fn seconds(database: &Database<Local>) -> Vec<i64> {
    let series = database.range("t", Timestamp::MIN, Timestamp::MAX).unwrap();
    series.times.iter().map(|time| (time - START) / SECOND).collect()
}

fn files(host: &Local) -> MemoryStorage {
    host.directory("home").unwrap()
}

fn data() -> FileName {
    FileName::new(DATA).unwrap()
}

#[test]
fn what_memory_has_of_a_deleted_data_file_is_written_anew() {
    let host = LocalHost::new(MemoryStorage::new);
    let database = opened(&host);
    add(&database, 0..10);
    database.flush().unwrap();
    add(&database, 10..20);
    files(&host).remove(&data()).unwrap();
    database.flush().unwrap();
    assert_eq!(seconds(&database), (10..20).collect::<Vec<_>>());
    let lost = database.lost_files();
    assert!(lost[0].starts_with("home/data-2026-01-01.dat: deleted by somebody else"), "{lost:?}");
    add(&database, 20..25);
    database.close().unwrap();
    assert_eq!(seconds(&opened(&host)), (10..25).collect::<Vec<_>>());
}

#[test]
fn what_the_log_still_has_of_a_deleted_data_file_is_written_anew() {
    let host = LocalHost::new(MemoryStorage::new);
    let database = opened(&host);
    // The page of another day keeps the log from being emptied.
    let day = 86_400;
    database.add("other", Timestamp(START + day * SECOND), 0.5).unwrap();
    add(&database, 0..10);
    database.writer().write(|writer| writer.flush("2026-01-01".parse().unwrap())).unwrap();
    add(&database, 10..12);
    files(&host).remove(&data()).unwrap();
    database.check_files().unwrap();
    let all: Vec<i64> = (0..12).collect();
    assert_eq!(seconds(&database), all);
    assert_eq!(database.lost_files().len(), 1);
    // Nothing is doubled by a sudden end.
    drop(database);
    assert_eq!(seconds(&opened(&host)), all);
}

#[test]
fn a_data_file_that_was_cut_keeps_its_whole_frames() {
    let host = LocalHost::new(MemoryStorage::new);
    let database = opened(&host);
    add(&database, 0..10);
    database.flush().unwrap();
    add(&database, 10..20);
    database.flush().unwrap();
    add(&database, 20..30);
    let mut file = files(&host).open(&data()).unwrap();
    let len = file.len().unwrap();
    file.truncate(len - 5).unwrap();
    database.check_files().unwrap();
    assert_eq!(seconds(&database), (0..10).chain(20..30).collect::<Vec<_>>());
    assert!(database.lost_files()[0].contains("cut to"), "{:?}", database.lost_files());
    database.close().unwrap();
    assert_eq!(seconds(&opened(&host)), (0..10).chain(20..30).collect::<Vec<_>>());
}

#[test]
fn a_metric_file_that_is_gone_is_told_until_it_comes_back() {
    let host = LocalHost::new(MemoryStorage::new);
    let database = opened(&host);
    add(&database, 0..10);
    database.flush().unwrap();
    let options =
        BuildOptions { raw_action: crate::settings::RawAction::Delete, ..BuildOptions::default() };
    database.build_metric_file("2026-01-01", options).unwrap();
    let name = FileName::new("metric-2026-01-01.dat").unwrap();
    let bytes = files(&host).read(&name).unwrap().unwrap();
    files(&host).remove(&name).unwrap();
    database.check_files().unwrap();
    assert_eq!(database.lost_files(), ["home/metric-2026-01-01.dat: deleted by somebody else"]);
    files(&host).replace(&name, &bytes).unwrap();
    database.check_files().unwrap();
    assert!(database.lost_files().is_empty());
}

#[test]
fn ticks_look_for_lost_files_now_and_then() {
    let host = LocalHost::new(MemoryStorage::new);
    let database = opened(&host);
    add(&database, 0..10);
    database.flush().unwrap();
    database.tick().unwrap();
    files(&host).remove(&data()).unwrap();
    database.tick().unwrap();
    assert!(database.lost_files().is_empty(), "not at every tick");
    host.clock.advance(11 * SECOND);
    database.tick().unwrap();
    assert_eq!(database.lost_files().len(), 1);
    assert!(database.check_writable().is_ok());
}
