//! Catalogs that are empty, missing or older than the data beside them.

use crate::engine::testing::LocalHost;
use crate::engine::{Database, Engine, EngineOptions, ExportOptions};
use crate::error::{Error, Rejection};
use crate::query::RangeQuery;
use crate::storage::{
    self, FileName, SimFile, SimOptions, SimStorage, Storage, StorageError, StorageErrorKind,
};
use crate::types::{MetricId, TimeRange, Timestamp, Value, ValueType};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;

type Local = LocalHost<SimStorage>;
type Db = Arc<Database<Local>>;
type Tree = BTreeMap<FileName, Vec<u8>>;

const START: i64 = 1_767_225_600_000_000_000;
const DAY: i64 = 86_400_000_000_000;
const DATA: &str = "data-2026-01-01.dat";

/// What the metrics of [`sound`] hold.
const BOILER: (i64, Value) = (START, Value::F32(60.0));
const FREEZER: (i64, Value) = (START + 1, Value::I32(-18));

fn name(name: &str) -> FileName {
    FileName::new(name).unwrap()
}

fn id(raw: u16) -> MetricId {
    MetricId::new(raw).unwrap()
}

fn open_on(disk: &SimStorage) -> (Engine<Local>, Result<Db, Error>) {
    open_with(disk, EngineOptions::default())
}

fn open_with(disk: &SimStorage, options: EngineOptions) -> (Engine<Local>, Result<Db, Error>) {
    let host = Local::new(SimStorage::new);
    host.set_database("home", disk.clone());
    let engine = Engine::open(host, options).unwrap();
    let database = engine.database("home");
    (engine, database)
}

fn database(files: &Tree) -> (Engine<Local>, Db, SimStorage) {
    let disk = SimStorage::holding(files.clone());
    let (engine, database) = open_on(&disk);
    (engine, database.unwrap(), disk)
}

/// A database whose every sample is logged, with what `fill` does to it; closed, or killed.
fn made(close: bool, fill: impl FnOnce(&Db)) -> Tree {
    let manifest = "[wal]\nenabled = true\nskip_before = \"0s\"\n";
    let files = Tree::from([(name("manifest.toml"), manifest.into())]);
    let (_engine, database, disk) = database(&files);
    fill(&database);
    if close {
        database.close().unwrap();
    }
    disk.files()
}

fn fill(database: &Db) {
    database.add("boiler", Timestamp(BOILER.0), BOILER.1).unwrap();
    database.add("freezer", Timestamp(FREEZER.0), FREEZER.1).unwrap();
}

fn sound() -> Tree {
    made(true, fill)
}

/// The files with the catalog of another moment: nothing is an empty one.
fn with_catalog(mut files: Tree, catalog: &[u8]) -> Tree {
    files.insert(name("catalog.json"), catalog.to_vec());
    files
}

/// As files are where nobody looked for ids before, such as the reference's.
fn without_cache(mut files: Tree) -> Tree {
    files.remove(&name("ids.cache"));
    files
}

fn all(database: &Db, metric: &str) -> Vec<(i64, Value)> {
    let series = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
    series.iter().map(|sample| (sample.time.0, sample.value)).collect()
}

fn found(database: &Db) -> Vec<(u16, String, Option<ValueType>)> {
    let found = database.find_recovered().unwrap().into_iter();
    found.map(|metric| (metric.id.get(), metric.name, metric.value_type)).collect()
}

fn reported(database: &Db) -> Vec<u16> {
    database.open_report().recovered.iter().map(|metric| metric.id.get()).collect()
}

fn id_of(database: &Db, metric: &str) -> u16 {
    database.metric_info(metric).unwrap().id.get()
}

fn catalog_text(disk: &SimStorage) -> String {
    let bytes = disk.read(&name("catalog.json")).unwrap().unwrap_or_default();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_empty_catalog_beside_data_shows_no_value_of_another_metric() {
    for files in [sound(), without_cache(sound())] {
        let (_engine, database, disk) = database(&with_catalog(files, b""));
        assert_eq!(reported(&database), [1, 2], "at opening, whoever asks");
        let notes: Vec<String> = database.open_report().notes().collect();
        assert!(notes[0].contains("recovered.1, recovered.2"), "{notes:?}");
        database.add("freezer", Timestamp(START + DAY), -20).unwrap();
        assert_eq!(id_of(&database, "freezer"), 3);
        assert_eq!(all(&database, "freezer"), [(START + DAY, Value::I32(-20))]);
        let bits = i32::from_le_bytes(60.0_f32.to_le_bytes());
        assert_eq!(all(&database, "recovered.1"), [(START, Value::I32(bits))]);
        assert_eq!(all(&database, "recovered.2"), [FREEZER]);
        assert_eq!(database.last("recovered.2").unwrap().unwrap().time.0, FREEZER.0);
        database.close().unwrap();
        let catalog = catalog_text(&disk);
        assert!(catalog.contains("freezer") && !catalog.contains("recovered"), "{catalog}");
        let (_engine, again) = open_on(&disk);
        assert_eq!(reported(&again.unwrap()), [1, 2], "found again");
    }
}

#[test]
fn a_catalog_that_is_missing_is_as_an_empty_one() {
    let mut files = sound();
    files.remove(&name("catalog.json"));
    let (_engine, database, _) = database(&files);
    assert_eq!(reported(&database), [1, 2]);
    assert_eq!(database.metric("new", ValueType::I32).unwrap().value_type(), ValueType::I32);
    assert_eq!(id_of(&database, "new"), 3);
}

#[test]
fn a_catalog_older_than_the_data_gives_out_no_id_that_is_used() {
    let older = made(true, |db| db.add("boiler", Timestamp(BOILER.0), BOILER.1).unwrap());
    let older = &older[&name("catalog.json")];
    for (cached, files) in [(true, sound()), (false, without_cache(sound()))] {
        let (_engine, database, _) = database(&with_catalog(files, older));
        assert_eq!(reported(&database).is_empty(), !cached, "known at once where a cache tells");
        database.add("new", Timestamp(START + DAY), 1).unwrap();
        assert_eq!(id_of(&database, "new"), 3);
        assert_eq!(all(&database, "boiler"), [BOILER]);
        assert_eq!(found(&database), [(2, "recovered.2".to_string(), None)]);
    }
}

#[test]
fn ticks_find_lost_names_by_themselves() {
    let older = made(true, |db| db.add("boiler", Timestamp(BOILER.0), BOILER.1).unwrap());
    let files = with_catalog(without_cache(sound()), &older[&name("catalog.json")]);
    let (engine, database, disk) = database(&files);
    assert!(database.recovered().is_empty());
    for _ in 0..3 {
        engine.tick().unwrap();
    }
    assert_eq!(database.recovered().len(), 1);
    assert!(disk.files().contains_key(&name("ids.cache")), "for the next opening");
}

#[test]
fn metric_files_alone_tell_ids_and_types() {
    use crate::metric_file::Version;
    use crate::settings::RawAction;
    for version in [Version::V1, Version::V2, Version::V3] {
        let files = made(true, |db| {
            fill(db);
            db.flush().unwrap();
            let mut options = db.build_defaults();
            (options.raw_action, options.version) = (RawAction::Delete, version);
            db.build_metric_file("2026-01-01", options).unwrap();
        });
        assert!(!files.contains_key(&name(DATA)));
        let (_engine, database, _) = database(&with_catalog(without_cache(files), b""));
        let named = |n: u16| alloc::format!("recovered.{n}");
        let expected = [(1, named(1), Some(ValueType::F32)), (2, named(2), Some(ValueType::I32))];
        assert_eq!(found(&database), expected, "{version:?}");
        assert_eq!(all(&database, "recovered.1"), [BOILER], "{version:?}");
        database.add("new", Timestamp(START + DAY), 1).unwrap();
        assert_eq!(id_of(&database, "new"), 3);
        let other = database.name_metric(id(1), "boiler", ValueType::I32).unwrap_err();
        assert!(other.to_string().contains("as float32"), "{other}");
        database.name_metric(id(1), "boiler", ValueType::F32).unwrap();
        assert_eq!(all(&database, "boiler"), [BOILER], "{version:?}");
    }
}

/// The reference leaves that after a kill, and so do we.
#[test]
fn names_that_only_the_log_has_are_no_damage() {
    let files = with_catalog(made(false, fill), b"");
    let (_engine, database, _) = database(&files);
    assert!(database.open_report().notes().next().is_none());
    assert_eq!(found(&database), []);
    assert_eq!(
        (all(&database, "boiler"), all(&database, "freezer")),
        (vec![BOILER], vec![FREEZER])
    );
    database.add("new", Timestamp(START), 1).unwrap();
    assert_eq!(id_of(&database, "new"), 3);
}

#[test]
fn names_of_the_log_count_for_samples_in_files() {
    // The page was written and the catalog lost, the log is still there.
    let log = made(false, fill).remove(&name("home.wal")).unwrap();
    let mut files = with_catalog(without_cache(sound()), b"");
    files.insert(name("home.wal"), log);
    let (_engine, database, _) = database(&files);
    assert_eq!(found(&database), []);
    assert_eq!(
        (all(&database, "boiler"), all(&database, "freezer")),
        (vec![BOILER], vec![FREEZER])
    );
}

#[test]
fn samples_in_the_log_are_kept_when_their_names_are_lost() {
    let files = made(false, |db| {
        fill(db);
        db.sync().unwrap(); // the catalog has the names, so the log repeats them no more
        db.add("boiler", Timestamp(START + 7), 61.0).unwrap();
    });
    let (_engine, database, disk) = database(&with_catalog(files, b""));
    assert_eq!(database.open_report().problems, [""; 0]);
    assert_eq!(reported(&database), [1, 2]);
    assert_eq!(all(&database, "recovered.1").len(), 2);
    database.name_metric(id(1), "boiler", ValueType::F32).unwrap();
    assert_eq!(all(&database, "boiler"), [BOILER, (START + 7, Value::F32(61.0))]);
    database.close().unwrap();
    let (_engine, again) = open_on(&disk);
    assert_eq!(all(&again.unwrap(), "boiler"), [BOILER, (START + 7, Value::F32(61.0))]);
}

#[test]
fn a_recovered_metric_takes_no_samples_until_it_has_its_name() {
    let (_engine, database, disk) = database(&with_catalog(sound(), b""));
    let refused = database.add("recovered.2", Timestamp(START + DAY), 1).unwrap_err();
    assert!(matches!(refused, Error::Rejected(Rejection::NameLost { .. })), "{refused}");
    assert!(refused.to_string().contains("nanotdb catalog set --id 2"), "{refused}");
    assert!(database.metric("recovered.2", ValueType::I32).is_err());

    database.name_metric(id(2), "freezer", ValueType::I32).unwrap();
    assert!(catalog_text(&disk).contains("freezer"), "stored before it returns");
    assert_eq!(all(&database, "freezer"), [FREEZER]);
    assert!(database.metric_info("recovered.2").is_none());
    let stale = database.add("freezer", Timestamp(START), 1).unwrap_err();
    assert!(matches!(stale, Error::Rejected(Rejection::Stale { .. })), "its newest is known");
    database.add("freezer", Timestamp(START + DAY), -20).unwrap();
    assert_eq!(all(&database, "freezer"), [FREEZER, (START + DAY, Value::I32(-20))]);
}

#[test]
fn naming_refuses_what_is_taken_or_unknown() {
    let (_engine, database, disk) = database(&with_catalog(sound(), b""));
    database.add("taken", Timestamp(START), 1).unwrap();
    for (raw, metric, expected) in [
        (1, "taken", "the name taken is taken by metric id 3"),
        (3, "other", "metric id 3 is taken"),
        (4, "other", "nothing has metric id 4; ids without a name: 1, 2"),
        (1, "not a name", "not allowed"),
    ] {
        let refused = database.name_metric(id(raw), metric, ValueType::I32).unwrap_err();
        assert!(refused.is_rejection() && refused.to_string().contains(expected), "{refused}");
    }
    database.name_metric(id(1), "recovered.1", ValueType::F32).unwrap();
    assert_eq!(all(&database, "recovered.1"), [BOILER], "its stand-in may become its name");
    assert!(catalog_text(&disk).contains("recovered.1"));
}

#[test]
fn a_name_that_looks_like_a_stand_in_is_kept_apart() {
    let files = made(true, |db| {
        db.add("recovered.2", Timestamp(START), 5).unwrap();
        db.add("freezer", Timestamp(FREEZER.0), FREEZER.1).unwrap();
    });
    let catalog = made(true, |db| db.add("recovered.2", Timestamp(START), 5).unwrap());
    let (_engine, database, _) = database(&with_catalog(files, &catalog[&name("catalog.json")]));
    assert_eq!(found(&database), [(2, "recovered.2.2".to_string(), None)]);
    assert_eq!(all(&database, "recovered.2"), [(START, Value::I32(5))]);
    assert_eq!(all(&database, "recovered.2.2"), [FREEZER]);
}

#[test]
fn verify_and_export_tell_of_lost_names() {
    let older = made(true, |db| db.add("boiler", Timestamp(BOILER.0), BOILER.1).unwrap());
    let files = with_catalog(without_cache(sound()), &older[&name("catalog.json")]);
    let (_engine, database, _) = database(&files);
    let mut text = Vec::new();
    let write = |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        Ok(())
    };
    assert_eq!(database.export(ExportOptions::default(), write).unwrap(), 2);
    assert!(String::from_utf8(text).unwrap().contains("home/recovered.2 -18i "));
    let report = database.verify(|_| ()).unwrap();
    assert!(!report.is_whole());
    let wrong: Vec<_> = report.files.iter().filter(|file| !file.problems.is_empty()).collect();
    assert_eq!((wrong.len(), wrong[0].file.as_str()), (1, "catalog.json"));
    assert!(wrong[0].problems[0].contains("metric id 2"), "{wrong:?}");
    database.name_metric(id(2), "freezer", ValueType::I32).unwrap();
    assert!(database.verify(|_| ()).unwrap().is_whole());
}

#[test]
fn no_metric_file_is_built_with_a_type_that_was_guessed() {
    let (_engine, database, disk) = database(&with_catalog(sound(), b""));
    let refused = database.build_metric_file("2026-01-01", database.build_defaults()).unwrap_err();
    assert!(refused.to_string().contains("metric id 1"), "{refused}");
    database.name_metric(id(1), "boiler", ValueType::F32).unwrap();
    database.name_metric(id(2), "freezer", ValueType::I32).unwrap();
    database.build_metric_file("2026-01-01", database.build_defaults()).unwrap();
    assert!(disk.files().contains_key(&name("metric-2026-01-01.dat")));
    assert_eq!(
        (all(&database, "boiler"), all(&database, "freezer")),
        (vec![BOILER], vec![FREEZER])
    );
}

#[test]
fn a_new_database_has_no_files_to_look_at() {
    let files = Tree::from([(name("manifest.toml"), Vec::new())]);
    let (_engine, database, disk) = database(&files);
    let before = disk.steps();
    database.metric("a", ValueType::I32).unwrap();
    assert_eq!(disk.steps(), before);
}

#[test]
fn reading_only_looks_and_writes_nothing() {
    let files = with_catalog(without_cache(sound()), b"");
    let disk = SimStorage::holding(files.clone());
    let options = EngineOptions { read_only: true, ..EngineOptions::default() };
    let (_engine, database) = open_with(&disk, options);
    let database = database.unwrap();
    assert_eq!(found(&database).len(), 2);
    assert_eq!(disk.files(), files);
    assert!(database.name_metric(id(1), "boiler", ValueType::F32).is_err());
}

#[test]
fn a_cache_is_believed_only_as_far_as_the_files_agree() {
    let files = sound();
    assert!(files.contains_key(&name("ids.cache")), "closing stores it");
    let other = made(true, |db| {
        for n in 0..40 {
            db.add(&alloc::format!("m{n}"), Timestamp(START + n), 1).unwrap();
        }
    });
    for damage in 0..4 {
        let mut files = with_catalog(files.clone(), b"");
        let cache = files.get_mut(&name("ids.cache")).unwrap();
        match damage {
            0 => cache.clear(),
            1 => cache.truncate(20),
            2 => cache[9] ^= 4,
            // A cache of other files of the same names.
            _ => *cache = other[&name("ids.cache")].clone(),
        }
        let (_engine, database, _) = database(&files);
        assert_eq!(reported(&database), [1, 2], "damage {damage}");
    }
}

#[test]
fn a_file_that_grew_is_read_from_where_the_cache_ends() {
    let files = sound();
    let longer = made(true, |db| {
        fill(db);
        db.flush().unwrap();
        db.add("third", Timestamp(START + 9), 3).unwrap();
    });
    let mut files = with_catalog(files, b"");
    assert!(longer[&name(DATA)].starts_with(&files[&name(DATA)]));
    files.insert(name(DATA), longer[&name(DATA)].clone());
    let (_engine, database, _) = database(&files);
    assert_eq!(reported(&database), [1, 2, 3]);
}

#[test]
fn an_id_whose_last_sample_expired_is_not_given_out_again() {
    let mut files = with_catalog(sound(), b"");
    files.remove(&name(DATA)); // into an archive, say, from which it may come back
    files.insert(
        name("data-2026-01-02.dat"),
        made(true, |db| {
            db.add("other", Timestamp(START + DAY), 1).unwrap();
        })[&name("data-2026-01-02.dat")]
            .clone(),
    );
    let (_engine, database, _) = database(&files);
    database.add("new", Timestamp(START + DAY), 1).unwrap();
    assert_eq!(id_of(&database, "new"), 3);
}

#[test]
fn a_damaged_page_hides_its_ids_and_keeps_nobody_from_writing() {
    let mut files = with_catalog(without_cache(sound()), b"");
    let data = files.get_mut(&name(DATA)).unwrap();
    let frame = data.clone();
    data[25] ^= 1;
    data.extend(frame);
    let (_engine, database, _) = database(&files);
    assert_eq!(reported(&database), [1, 2], "the intact page tells");
    database.add("new", Timestamp(START + DAY), 1).unwrap();
    assert_eq!(id_of(&database, "new"), 3);
}

/// A directory whose data files cannot be opened for a while.
#[derive(Debug, Clone)]
struct Refusing(SimStorage, Rc<Cell<bool>>);

impl Storage for Refusing {
    type File = SimFile;

    fn list(&self) -> storage::Result<Vec<FileName>> {
        self.0.list()
    }

    fn create(&self, name: &FileName) -> storage::Result<SimFile> {
        self.0.create(name)
    }

    fn open(&self, name: &FileName) -> storage::Result<SimFile> {
        if self.1.get() && name.as_str().starts_with("data-") {
            return Err(StorageError::new(StorageErrorKind::Io, "too many open files"));
        }
        self.0.open(name)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> storage::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &FileName) -> storage::Result<()> {
        self.0.remove(name)
    }

    fn sync_dir(&self) -> storage::Result<()> {
        self.0.sync_dir()
    }
}

/// It may use any id: the new metric is refused, nothing else is, and the next attempt goes on.
#[test]
fn a_file_that_cannot_be_opened_now_keeps_new_metrics_out_and_poisons_nothing() {
    let older = made(true, |db| db.add("boiler", Timestamp(BOILER.0), BOILER.1).unwrap());
    let files = with_catalog(without_cache(sound()), &older[&name("catalog.json")]);
    let refuses = Rc::new(Cell::new(false));
    let disk = Refusing(SimStorage::holding(files), Rc::clone(&refuses));
    let host = LocalHost::new({
        let disk = disk.clone();
        move || Refusing(SimStorage::new(), Rc::clone(&disk.1))
    });
    host.set_database("home", disk);
    let engine = Engine::open(host, EngineOptions::default()).unwrap();
    let database = engine.database("home").unwrap();
    refuses.set(true);
    assert!(database.metric("new", ValueType::I32).is_err());
    let refused = database.add("new", Timestamp(START + DAY), 1).unwrap_err();
    assert!(refused.to_string().contains("too many open files"), "{refused}");
    engine.tick().unwrap();
    database.add("boiler", Timestamp(START + DAY), 61.0).unwrap();
    refuses.set(false);
    database.add("new", Timestamp(START + DAY), 1).unwrap();
    assert_eq!(database.metric_info("new").unwrap().id, id(3));
}

/// At every step of finding lost names, storing what was found, a new metric, a name, and closing:
/// the end of the process or of the power. Ids never meet, and a name that was given is kept.
#[test]
fn no_end_at_any_step_mixes_metrics_up() {
    let files = with_catalog(without_cache(sound()), b"");
    let scenario = |disk: &SimStorage| -> (bool, bool) {
        let (engine, Ok(database)) = open_on(disk) else { return (false, false) };
        let added = database.add("new", Timestamp(START + DAY), 7).is_ok();
        let named = database.name_metric(id(1), "boiler", ValueType::F32).is_ok();
        let _ = engine.tick();
        let _ = database.close();
        (added, named)
    };
    let whole = SimStorage::holding(files.clone());
    assert_eq!(scenario(&whole), (true, true));
    let mut ends = 0;
    for step in 1..=whole.steps() {
        let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
        let disk = SimStorage::holding(files.clone()).with_options(options);
        let (added, named) = scenario(&disk);
        for (power, after) in
            (0..4).flat_map(|seed| [(true, disk.after_crash(seed)), (false, disk.after_kill(seed))])
        {
            ends += 1;
            let (_engine, database) = open_on(&after);
            let database = database.unwrap_or_else(|error| panic!("step {step}: {error}"));
            let lost = found(&database);
            let boiler = all(&database, "boiler");
            let stand_in = all(&database, "recovered.1");
            assert!(!named || boiler == [BOILER], "step {step}: a name was lost");
            assert_eq!(boiler.len() + stand_in.len(), 1, "step {step}: {lost:?}");
            assert_eq!(all(&database, "recovered.2"), [FREEZER], "step {step}");
            let new = all(&database, "new");
            assert!(
                new.is_empty() || new == [(START + DAY, Value::I32(7))],
                "step {step}: {new:?}"
            );
            assert!(
                power || !added || new.len() == 1,
                "step {step}: an acknowledged sample is gone"
            );
            database.add("newer", Timestamp(START + DAY), 8).unwrap();
            assert_eq!(all(&database, "newer").len(), 1, "step {step}");
            assert!(id_of(&database, "newer") >= 3, "step {step}");
        }
    }
    assert!(ends > 100, "{ends}");
}
