//! The private file system of a real browser: `wasm-pack test --headless --chrome host-wasm`.
#![cfg(target_arch = "wasm32")]

use include_dir::{Dir, DirEntry, include_dir};
use nanotdb_core::Timestamp;
use nanotdb_core::codec::checksum::crc32;
use nanotdb_core::compress::CodecId;
use nanotdb_core::engine::testing::answers;
use nanotdb_core::engine::{BuildOptions, Engine, EngineOptions};
use nanotdb_core::metric_file::Version;
use nanotdb_core::settings::RawAction;
use nanotdb_core::storage::{FileName, Storage, StorageFile, conformance};
use nanotdb_wasm::opfs::{self, OpfsMedium};
use nanotdb_wasm::root::Root;
use nanotdb_wasm::session::open_files;
use nanotdb_wasm::volume::medium::Medium;
use nanotdb_wasm::{Memory, WebHost};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

static FIXTURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../tests/fixtures");

fn name(name: &str) -> FileName {
    FileName::new(name).unwrap()
}

async fn volume(root: &str) -> Root {
    Root::volume(Box::new(OpfsMedium::open(root).await.unwrap())).unwrap()
}

fn code(error: &JsValue) -> String {
    js_sys::Reflect::get(error, &"code".into()).unwrap().as_string().unwrap()
}

/// The values of the first series of an answer.
fn values(answer: &js_sys::Array) -> Vec<f32> {
    let values = js_sys::Reflect::get(&answer.get(0), &"values".into()).unwrap();
    js_sys::Float32Array::from(values).to_vec()
}

fn keeps_the_promises_of_storage(root: &Root) {
    let mut next = 0;
    conformance::run(|| {
        next += 1;
        root.directory(&format!("directory-{next}"))
    });
    assert!(next > 10, "{next} directories");
}

#[wasm_bindgen_test]
async fn files_keep_the_promises_of_storage() {
    keeps_the_promises_of_storage(&volume("conformance").await);
}

#[wasm_bindgen_test]
fn memory_keeps_the_promises_of_storage() {
    keeps_the_promises_of_storage(&Root::volume(Box::new(Memory::default())).unwrap());
}

#[wasm_bindgen_test]
async fn a_medium_reads_what_it_wrote() {
    let mut medium = OpfsMedium::open("medium").await.unwrap();
    assert!(medium.is_empty().unwrap());
    medium.write_at(10_000, b"far").unwrap();
    assert_eq!(medium.len().unwrap(), 10_003);
    let mut buf = [9; 8];
    assert_eq!(medium.read_at(9_998, &mut buf).unwrap(), 5);
    assert_eq!(&buf[..5], b"\0\0far");
    medium.set_len(10_001).unwrap();
    medium.flush().unwrap();
    assert_eq!(medium.read_at(10_000, &mut buf).unwrap(), 1);
    assert_eq!(medium.read_at(20_000, &mut buf).unwrap(), 0);
    drop(medium);
    assert_eq!(OpfsMedium::open("medium").await.unwrap().len().unwrap(), 10_001);
}

#[wasm_bindgen_test]
async fn what_was_written_is_there_when_the_handle_was_let_go() {
    let root = volume("reopened").await;
    let mut file = root.directory("home").create(&name("a")).unwrap();
    file.append(&vec![7; 100_000]).unwrap();
    root.settle().unwrap();
    drop((file, root));
    let root = volume("reopened").await;
    let bytes = root.directory("home").read(&name("a")).unwrap().unwrap();
    assert_eq!(bytes, vec![7; 100_000]);
    assert!(root.volume_bytes().unwrap() > 100_000);
}

#[wasm_bindgen_test]
async fn a_file_that_somebody_holds_is_locked_and_then_free() {
    let held = OpfsMedium::open("held").await.unwrap();
    let error = OpfsMedium::open("held").await.unwrap_err();
    assert_eq!(code(&error), "locked");
    drop(held);
    drop(OpfsMedium::open("held").await.unwrap());
    opfs::remove("held").await.unwrap();
    assert!(OpfsMedium::open("held").await.unwrap().is_empty().unwrap());
}

#[wasm_bindgen_test]
async fn something_else_is_not_opened() {
    let mut medium = OpfsMedium::open("foreign").await.unwrap();
    medium.write_at(0, b"GIF89a, or whatever it is").unwrap();
    drop(medium);
    let error = open_files("foreign".to_owned(), 0.0, "v3".to_owned()).await.unwrap_err();
    assert_eq!(code(&error), "io");
}

/// Two thousand partitions, each in a file of its own, are there as soon as the store is.
#[wasm_bindgen_test]
async fn a_store_of_many_files_is_there_at_once() {
    const DAYS: u16 = 2000;
    const DAY: i64 = 86_400_000_000_000;
    let start = |day: u16| i64::from(day) * DAY;
    let session = open_files("many".to_owned(), 1e6, "v3".to_owned()).await.unwrap();
    for day in 0..DAYS {
        session.add("home", "a", day.into(), None, Some(start(day))).unwrap();
    }
    session.close().unwrap();
    drop(session);
    let clock = js_sys::Date::now;
    let begun = clock();
    let session = open_files("many".to_owned(), 1e6, "v3".to_owned()).await.unwrap();
    let opened = clock() - begun;
    for day in [0, 1234, DAYS - 1] {
        let from = start(day);
        let found = session.query("home", vec!["a".into()], from, from + 1, 1.0).unwrap();
        assert_eq!(values(&found), [f32::from(day)]);
    }
    let asked = clock() - begun - opened;
    let all = session.query("home", vec!["a".into()], i64::MIN, i64::MAX, 1.0).unwrap();
    assert_eq!(values(&all).len(), usize::from(DAYS));
    let scanned = clock() - begun - opened - asked;
    wasm_bindgen_test::console_log!(
        "{DAYS} files: opened in {opened} ms, three asked in {asked} ms, all in {scanned} ms"
    );
}

/// Everything the reference's directories hold, as the native host answers it.
#[wasm_bindgen_test]
async fn fixtures_give_the_same_answers_as_natively() {
    let expected = FIXTURES.get_file("answers.txt").unwrap().contents_utf8().unwrap();
    let mut compared = 0;
    for (at, line) in expected.lines().enumerate() {
        let fixture = line.split(' ').next().unwrap();
        let place = format!("fixture-{at}");
        opfs::remove(&place).await.unwrap();
        let root = volume(&place).await;
        copy(&root, fixture);
        let engine = Engine::open(WebHost::new(root.clone()), EngineOptions::default()).unwrap();
        let found = answers(&engine);
        let text = found.join("\n");
        let lines = text.lines().count();
        let found = format!("{fixture} {lines} {:08x}", crc32(text.as_bytes()));
        assert_eq!(found, line, "{text}");
        compared += 1;
    }
    assert!(compared > 40, "{compared} fixtures");
}

/// Metric files of every version in every codec, built here and read back.
#[wasm_bindgen_test]
async fn every_codec_gives_back_what_it_was_given() {
    for (at, codec) in CodecId::ALL.into_iter().enumerate() {
        for version in Version::ALL {
            let place = format!("codec-{at}-{}", version.number());
            let root = volume(&place).await;
            let mut options = EngineOptions::default();
            options.cache_bytes = 0;
            let engine = Engine::open(WebHost::new(root), options).unwrap();
            let database = engine.create_database("home").unwrap();
            for row in 0..20_000_i32 {
                let time = Timestamp(i64::from(row) * 1_000_000_000);
                database.add("counter", time, row / 3).unwrap();
                #[expect(clippy::cast_precision_loss, reason = "a value like any other")]
                database.add("wave", time, (row as f32 / 50.0).sin()).unwrap();
            }
            database.flush().unwrap();
            let before = answers(&engine);
            let mut options = BuildOptions::default();
            options.version = version;
            options.codec = codec;
            options.raw_action = RawAction::Delete;
            options.allow_foreign_codec = true;
            let built = database.build_metric_file("1970-01-01", options).unwrap();
            assert_eq!(built.points, 40_000);
            let after = answers(&engine);
            // The order of lines in an export is that of the files.
            let same = |answers: &[String]| {
                answers.iter().filter(|line| !line.contains("export")).cloned().collect::<Vec<_>>()
            };
            assert_eq!(same(&after), same(&before), "{} {version:?}", codec.name());
            let check = database.verify(|_| ()).unwrap();
            assert!(check.is_whole(), "{} {version:?}", codec.name());
        }
    }
}

fn copy(root: &Root, fixture: &str) {
    let prefix = format!("{fixture}/root");
    let mut pending = vec![FIXTURES.get_dir(&prefix).unwrap()];
    let mut files = 0;
    while let Some(directory) = pending.pop() {
        for entry in directory.entries() {
            match entry {
                DirEntry::Dir(directory) => pending.push(directory),
                DirEntry::File(file) => {
                    let path = file.path().strip_prefix(&prefix).unwrap();
                    let parent = path.parent().unwrap().to_str().unwrap();
                    let name = name(path.file_name().unwrap().to_str().unwrap());
                    let mut copy = root.directory(parent).create(&name).unwrap();
                    copy.append(file.contents()).unwrap();
                    files += 1;
                }
            }
        }
    }
    assert!(files > 1, "{fixture}: {files} files");
}

#[wasm_bindgen_test]
async fn a_session_says_what_is_wrong() {
    let session = open_files("session".to_owned(), 1e6, "v3".to_owned()).await.unwrap();
    session.add("home", "a", 1.0, None, Some(10)).unwrap();
    let stale = session.add("home", "a", 1.0, None, Some(9)).unwrap_err();
    assert_eq!(code(&stale), "stale");
    let whole = session.add("home", "a", 1.0, Some("i32".into()), Some(11)).unwrap_err();
    assert_eq!(code(&whole), "type-mismatch");
    let unknown = session.query("nowhere", vec![], 0, 1, 1.0).unwrap_err();
    assert_eq!(code(&unknown), "unknown-database");
    assert!(!session.databases().unwrap().contains(&"nowhere".to_owned()));
    let lengths = session.add_columns("home", "a", &[1, 2], Some(vec![1.0]), None).unwrap_err();
    assert_eq!(code(&lengths), "invalid");
    let unbuilt = session.convert("home", "1970-01-01", "v2").unwrap_err();
    assert_eq!(code(&unbuilt), "invalid");
    session.build("home", "1970-01-01").unwrap();
    session.convert("home", "1970-01-01", "v2").unwrap();
    let layout = session.convert("home", "1970-01-01", "v4").unwrap_err();
    assert_eq!(code(&layout), "invalid");
    session.close().unwrap();
    assert_eq!(code(&session.tick().unwrap_err()), "closed");
    let layout = open_files("layout".to_owned(), 1e6, "v4".to_owned()).await.unwrap_err();
    assert_eq!(code(&layout), "invalid");
}
