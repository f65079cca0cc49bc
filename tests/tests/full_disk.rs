//! Full disks, and files that cannot be opened, for a while: from every step of a seeded plan on.
//!
//! `NANOTDB_CRASH_SEEDS` sets how many plans are tried.

use nanotdb_core::storage::SimStorage;
use nanotdb_tests::crash::{Setup, Spell, crash_in_spell, in_parallel, outlast_everywhere};
use nanotdb_tests::operations::Planner;

/// Steps of a plan.
const STEPS: usize = 60;

fn seeds() -> u64 {
    let seeds = std::env::var("NANOTDB_CRASH_SEEDS").ok();
    seeds.map_or(1, |seeds| seeds.parse().expect("NANOTDB_CRASH_SEEDS is a number"))
}

/// The spell lasts for so many operations: one, or a good part of a plan.
fn outlasts(spell: Spell, counts: &[u64]) {
    let mut runs = Vec::new();
    for setup in Setup::all() {
        for &count in counts {
            runs.extend((0..seeds()).map(|seed| (setup, count, 2000 + seed)));
        }
    }
    in_parallel(runs, |(setup, count, seed)| {
        let plan = Planner::new(seed).steps(STEPS);
        match outlast_everywhere::<SimStorage>(setup, spell, count, &plan) {
            Ok(refused) => assert!(refused > 10, "{setup:?}: {refused}"),
            Err(error) => panic!("plan {seed}: {error}"),
        }
    });
}

fn survives_crashes(spell: Spell) {
    let mut runs = Vec::new();
    for setup in Setup::all() {
        runs.extend((0..seeds()).map(|seed| (setup, 3000 + seed)));
    }
    in_parallel(runs, |(setup, seed)| {
        let plan = Planner::new(seed).steps(STEPS);
        match crash_in_spell::<SimStorage>(setup, spell, 25, &plan) {
            Ok(crashes) => assert!(crashes > 20, "{setup:?}: {crashes}"),
            Err(error) => panic!("plan {seed}: {error}"),
        }
    });
}

#[test]
fn a_full_disk_at_any_step_loses_nothing_once_there_is_room_again() {
    outlasts(Spell::FullDisk, &[1, 2, 7, 60]);
}

#[test]
fn too_many_open_files_at_any_step_lose_nothing() {
    outlasts(Spell::TooManyFiles, &[1, 60]);
}

#[test]
fn files_that_may_not_be_opened_at_any_step_lose_nothing() {
    outlasts(Spell::Denied, &[2, 7]);
}

#[test]
fn a_crash_while_the_disk_is_full_loses_nothing_promised() {
    survives_crashes(Spell::FullDisk);
}

#[test]
fn a_crash_while_too_many_files_are_open_loses_nothing_promised() {
    survives_crashes(Spell::TooManyFiles);
}

#[test]
fn a_crash_while_no_file_may_be_opened_loses_nothing_promised() {
    survives_crashes(Spell::Denied);
}
