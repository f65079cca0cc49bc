//! Power cuts, kills and failing writes at every step of a seeded plan, under every profile.
//!
//! `NANOTDB_CRASH_SEEDS` sets how many plans are tried and how many fates each crash gets; the
//! default is small enough for every build.

use nanotdb_core::settings::{Durability, FsyncPolicy};
use nanotdb_core::storage::{Flaw, SimStorage, StorageErrorKind};
use nanotdb_tests::crash::{
    Campaign, End, Forgetful, Setup, Tally, chain, crash_everywhere, fail_everywhere,
};
use nanotdb_tests::operations::Planner;
use std::sync::Mutex;

/// Steps of a plan.
const STEPS: usize = 200;

fn seeds() -> u64 {
    let seeds = std::env::var("NANOTDB_CRASH_SEEDS").ok();
    seeds.map_or(1, |seeds| seeds.parse().expect("NANOTDB_CRASH_SEEDS is a number"))
}

/// Runs `work` on each item, on every processor.
fn in_parallel<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let items = Mutex::new(items);
    let threads = std::thread::available_parallelism().map_or(2, Into::into);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = { items.lock().unwrap().pop() } {
                    work(item);
                }
            });
        }
    });
}

#[test]
fn every_promise_survives_a_crash_at_any_step() {
    let total = Mutex::new(Tally::default());
    let mut campaigns = Vec::new();
    for plan in 0..seeds() {
        for setup in Setup::all() {
            for end in [End::Kill, End::PowerCut] {
                let seeds = if end == End::Kill { 2 } else { 3 } + (seeds() - 1).min(3);
                campaigns.push((plan, Campaign { setup, end, flaw: None, seeds, recoveries: 29 }));
            }
        }
    }
    in_parallel(campaigns, |(seed, campaign)| {
        let plan = Planner::new(seed).steps(STEPS);
        match crash_everywhere::<SimStorage>(campaign, &plan) {
            Ok(tally) => {
                let mut total = total.lock().unwrap();
                total.crashes += tally.crashes;
                total.in_recovery += tally.in_recovery;
                total.promised += tally.promised;
            }
            Err(error) => panic!("{:?} plan {seed}: {error}", campaign.setup),
        }
    });
    let total = total.into_inner().unwrap();
    println!("{total:?}");
    assert!(total.crashes > 10_000 && total.promised > total.crashes, "{total:?}");
}

#[test]
fn promises_survive_one_crash_after_the_other() {
    let mut chains = Vec::new();
    for setup in Setup::all() {
        chains.extend((0..25 * seeds()).map(|seed| (setup, seed)));
    }
    in_parallel(chains, |(setup, seed)| {
        if let Err(error) = chain::<SimStorage>(setup, seed, 12, 40) {
            panic!("{error}");
        }
    });
}

#[test]
fn a_failing_write_stops_writing_and_loses_nothing() {
    let mut runs = Vec::new();
    for setup in Setup::all() {
        for kind in [StorageErrorKind::NoSpace, StorageErrorKind::Io] {
            runs.extend((0..seeds()).map(|seed| (setup, kind, seed)));
        }
    }
    in_parallel(runs, |(setup, kind, seed)| {
        let plan = Planner::new(1000 + seed).steps(STEPS / 2);
        match fail_everywhere::<SimStorage>(setup, kind, &plan) {
            Ok(refused) => assert!(refused > 50, "{refused}"),
            Err(error) => panic!("{setup:?} plan {}: {error}", 1000 + seed),
        }
    });
}

/// The same loop on storage with a mistake. Strict and logged is the setup that promises most.
fn finds<D: nanotdb_tests::crash::Disk>(flaw: Option<Flaw>) {
    let setup = Setup { durability: Durability::Strict, policy: FsyncPolicy::Always, log: true };
    let campaign = Campaign { setup, end: End::PowerCut, flaw, seeds: 3, recoveries: 0 };
    let plan = Planner::new(0).steps(STEPS);
    let found = crash_everywhere::<D>(campaign, &plan);
    println!("{}", found.expect_err("the loop has to notice"));
}

#[test]
fn the_loop_finds_a_replacement_that_is_not_synced() {
    finds::<SimStorage>(Some(Flaw::ReplaceWithoutSync));
}

#[test]
fn the_loop_finds_a_rename_that_is_not_synced() {
    finds::<SimStorage>(Some(Flaw::ReplaceWithoutSyncDir));
}

#[test]
fn the_loop_finds_a_log_that_is_emptied_before_the_page_is_synced() {
    finds::<Forgetful>(None);
}
