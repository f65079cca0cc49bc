//! A full disk at each write of each part of the engine's work, and files that cannot be opened
//! (too many of them, no permission) at each opening; then room; then going on, a stop, and another
//! opening: every acknowledged sample is there, and no other.
//!
//! On the simulator errors are injected. With real files the system makes them itself, in a process
//! of its own: by the limit of a file's length, by that of open files, and by a directory that
//! nobody may enter.

use nanotdb_core::storage::SimStorage;
use nanotdb_tests::shortage::{Trouble, Work, hinder_everywhere};

/// With the simulator, and with real files.
fn hinder(work: Work, trouble: Trouble) {
    let refused = hinder_everywhere(work, trouble, |_| SimStorage::new());
    println!("{work:?}, {trouble:?}: {refused} refused by the simulator");
    assert!(refused > 0);
    #[cfg(target_os = "linux")]
    hinder_real_files(work, trouble);
}

#[cfg(target_os = "linux")]
fn hinder_real_files(work: Work, trouble: Trouble) {
    // Rust's processes do not pass over the signal that tells of a file that becomes too long.
    let run = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_run-short")])
        .args([format!("{work:?}"), format!("{trouble:?}")])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(run.status.success(), "{}: {}", run.status, text(&run.stderr));
    let refused = text(&run.stdout);
    println!("{work:?}, {trouble:?}: {refused} refused by the system");
    assert!(refused.parse::<u64>().unwrap() > 0);
}

macro_rules! each_work {
    ($($module:ident $work:ident)*) => {$(
        mod $module {
            use super::{Trouble, Work, hinder};

            #[test]
            fn survives_a_full_disk_at_every_write() {
                hinder(Work::$work, Trouble::FullDisk);
            }

            #[test]
            fn survives_too_many_open_files_at_every_opening() {
                hinder(Work::$work, Trouble::TooManyFiles);
            }

            #[test]
            fn survives_a_refused_permission_at_every_opening() {
                hinder(Work::$work, Trouble::Denied);
            }
        }
    )*};
}

each_work! {
    ingest Ingest
    log Log
    catalog Catalog
    sealing Seal
    rollups Rollup
    delete Delete
    retention Retention
    archives Archive
    opening Opening
}
