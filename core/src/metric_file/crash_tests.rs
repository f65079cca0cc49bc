//! Builds that are interrupted at every step.

use super::testing::{Pages, codecs, content, name, type_of};
use super::*;
use crate::compress::CodecId;
use crate::error::Result;
use crate::storage::sim::SimOptions;
use crate::storage::{SimStorage, Storage, StorageErrorKind};
use alloc::vec::Vec;

const SAMPLES: [(u16, i64, u32); 6] =
    [(1, 10, 1), (2, 10, 2), (1, 20, 3), (2, 21, 4), (3, 5, 5), (1, 30, 6)];

/// Builds over an old file, with little memory, so that every step is taken.
type Build = fn(&SimStorage) -> Result<BuildReport>;

fn old_layout(storage: &SimStorage) -> Result<BuildReport> {
    let (name, codecs) = (name(), codecs());
    let codec = CodecId::S2;
    let target = Target { storage, name: &name, partition_kind: 1, codec, codecs: &codecs };
    let options = BuildOptions::default().memory_budget(0).spool_memory(64);
    build_v2(&target, &mut Pages::of(&SAMPLES), &type_of, &options)
}

/// Three groups of which two have statistics.
fn columns(storage: &SimStorage) -> Result<BuildReport> {
    let (name, codecs) = (name(), codecs());
    let codec = CodecId::S2;
    let target = Target { storage, name: &name, partition_kind: 1, codec, codecs: &codecs };
    let options = BuildOptions::default().memory_budget(24 * 70).spool_memory(64);
    let samples: Vec<(u16, i64, u32)> = (0..150).map(|i| (1, i64::from(i), i * i)).collect();
    build_v3(&target, &mut Pages::of(&samples), &type_of, &options)
}

const BUILDS: [Build; 2] = [old_layout, columns];

fn old() -> SimStorage {
    SimStorage::holding([(name(), b"old".to_vec())].into())
}

fn file(storage: &SimStorage) -> Vec<u8> {
    storage.read(&name()).unwrap().expect("a file of that name, whatever happens")
}

/// The number of steps a build takes, and the file it makes.
fn undisturbed(build: Build) -> (u64, Vec<u8>) {
    let storage = old();
    build(&storage).unwrap();
    assert_eq!(content(&file(&storage)).unwrap().len(), 3);
    (storage.steps(), file(&storage))
}

#[test]
fn after_a_crash_at_any_step_the_file_is_the_old_or_the_new() {
    for build in BUILDS {
        let (steps, new) = undisturbed(build);
        for step in 1..=steps + 1 {
            for seed in 0..20 {
                let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
                let storage = old().with_options(options);
                let finished = build(&storage).is_ok();
                assert_eq!(finished, step > steps);
                for left in [storage.after_crash(seed), storage.after_kill(seed)] {
                    let found = file(&left);
                    let allowed = found == new || !finished && found == b"old";
                    assert!(allowed, "step {step} seed {seed}");
                    assert!(
                        build(&left).is_ok(),
                        "leftovers are in the way: step {step} seed {seed}"
                    );
                    assert_eq!(file(&left), new);
                    assert_eq!(left.files().len(), 1, "step {step} seed {seed}");
                }
            }
        }
    }
}

#[test]
fn a_failure_at_any_step_is_reported_and_cleared_up() {
    for build in BUILDS {
        let (steps, new) = undisturbed(build);
        for step in 1..=steps {
            let fail_at = Some((step, StorageErrorKind::NoSpace));
            let storage = old().with_options(SimOptions { fail_at, ..SimOptions::default() });
            assert!(build(&storage).is_err(), "step {step}");
            let found = file(&storage);
            // The last step makes the rename durable: there the new file is in place already.
            assert!(found == b"old" || step == steps && found == new, "step {step}");
            assert_eq!(storage.files().len(), 1, "step {step} leaves files");
        }
    }
}

#[test]
fn both_spools_of_a_v3_build_are_files() {
    let storage = old();
    columns(&storage).unwrap();
    let named = |kind: &str| {
        let options = SimOptions { crash_at: Some(storage.steps()), ..SimOptions::default() };
        let disturbed = old().with_options(options);
        assert!(columns(&disturbed).is_err());
        disturbed.files().keys().any(|name| name.as_str().ends_with(kind))
    };
    assert!(!named(".spool.tmp") && !named(".statistics.tmp"), "removed before the rename");
    let seen = (1..storage.steps()).any(|step| {
        let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
        let disturbed = old().with_options(options);
        let _ = columns(&disturbed);
        let is = |kind: &str| disturbed.files().keys().any(|name| name.as_str().ends_with(kind));
        is(".spool.tmp") && is(".statistics.tmp")
    });
    assert!(seen);
}
