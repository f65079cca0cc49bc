//! Power cuts, kills and failing writes at every step of a seeded plan, under every profile.
//!
//! `NANOTDB_CRASH_SEEDS` sets how many plans are tried and how many fates each crash gets; the
//! default is small enough for every build.

use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{Engine, EngineOptions};
use nanotdb_core::settings::{Durability, FsyncPolicy};
use nanotdb_core::storage::StorageFile;
use nanotdb_core::storage::{FileName, Flaw, MemoryStorage, SimStorage, Storage, StorageErrorKind};
use nanotdb_core::{Timestamp, Value};
use nanotdb_tests::crash::{
    Campaign, Disk, End, Forgetful, Setup, Tally, chain, crash_everywhere, fail_everywhere,
    in_parallel, kill_then_cut,
};
use nanotdb_tests::operations::Planner;
use std::sync::Mutex;

/// Steps of a plan.
const STEPS: usize = 150;

fn seeds() -> u64 {
    let seeds = std::env::var("NANOTDB_CRASH_SEEDS").ok();
    seeds.map_or(1, |seeds| seeds.parse().expect("NANOTDB_CRASH_SEEDS is a number"))
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
fn a_power_cut_takes_nothing_that_a_kill_had_left() {
    in_parallel(Setup::all(), |setup| {
        let mut planner = Planner::new(seeds() + 7);
        let (plan, next) = (planner.steps(40), planner.steps(40));
        if let Err(error) = kill_then_cut::<SimStorage>(setup, 40, 25, &plan, &next) {
            panic!("{error}");
        }
    });
}

#[test]
fn a_failing_write_is_refused_and_a_failing_sync_stops_writing() {
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
fn finds<D: Disk>(flaw: Option<Flaw>) {
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

/// What the log says before and behind damage comes back, of a metric whose first record was
/// damaged, too: each record has its name (D-26).
#[test]
fn damage_within_the_log_costs_what_it_hit() {
    let host = LocalHost::new(MemoryStorage::new);
    let start = nanotdb_core::engine::Clock::now(&host.clock).0;
    let open = || {
        let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
        (engine.create_database("db").unwrap(), engine)
    };
    let log = FileName::new("db.wal").unwrap();
    let len = || host.directory("db").unwrap().open(&log).unwrap().len().unwrap();
    let (database, engine) = open();
    let add = |metric: &str, n: i32| {
        let time = start + i64::from(n) * 1_000_000_000;
        database.add(metric, Timestamp(time), Value::I32(n)).unwrap();
    };
    (0..100).for_each(|n| add("a", n));
    let from = len();
    add("b", 100);
    let to = len();
    (101..200).for_each(|n| add(if n % 2 == 0 { "a" } else { "b" }, n));
    drop((database, engine));
    let mut bytes = host.directory("db").unwrap().read(&log).unwrap().unwrap();
    let damaged = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
    bytes[damaged].fill(0xee);
    host.directory("db").unwrap().replace(&log, &bytes).unwrap();

    let (database, engine) = open();
    assert!(!database.open_report().problems.is_empty());
    let count = |metric: &str| {
        let all = database.range(metric, Timestamp(i64::MIN), Timestamp(i64::MAX));
        all.unwrap().len()
    };
    assert_eq!((count("a"), count("b")), (149, 50), "all but the damaged one");
    assert!(host.directory("db").unwrap().open(&FileName::new("db.wal.damaged").unwrap()).is_ok());
    database.add("c", Timestamp(start), 1).unwrap();
    database.flush().unwrap();
    drop((database, engine));
    let (database, _engine) = open();
    assert_eq!(database.open_report().problems, Vec::<String>::new());
    let all = database.range("c", Timestamp(i64::MIN), Timestamp(i64::MAX)).unwrap();
    assert_eq!((all.len(), all.raws[0]), (1, 1));
    assert!(database.verify(|_| ()).unwrap().is_whole());
}

/// The reference syncs its log when a page is written, up to a minute later (D-23).
#[test]
fn d23_a_power_cut_costs_seconds_and_not_the_age_of_a_page() {
    let second = 1_000_000_000;
    for (durability, expected) in
        [(Durability::Strict, 51), (Durability::Balanced, 31), (Durability::Throughput, 0)]
    {
        let host = LocalHost::new(SimStorage::new);
        let disk = SimStorage::new();
        host.set_database("home", disk.clone());
        let settings = format!("[durability]\nprofile = \"{durability}\"\n[wal]\n");
        let name = FileName::new("engine.toml").unwrap();
        host.root_directory().replace(&name, settings.as_bytes()).unwrap();
        let manifest = "[wal]\nenabled = true\nskip_before = \"0s\"\n[page]\nmax_age = \"60s\"\n";
        disk.replace(&FileName::new("manifest.toml").unwrap(), manifest.as_bytes()).unwrap();
        let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
        let home = engine.database("home").unwrap();
        // A sample a second, and a tick; not long enough for a page to reach its age.
        for n in 0..55 {
            home.add("a", Timestamp(n), 1).unwrap();
            engine.tick().unwrap();
            host.clock.advance(second);
        }
        let after = LocalHost::new(SimStorage::new);
        after.set_database("home", disk.after_crash(0)); // nothing stays but what was synced
        let engine = Engine::open(after, EngineOptions::default()).unwrap();
        let found = engine.database("home").unwrap().last("a").unwrap();
        let count = found.map_or(0, |last| last.time.0 + 1);
        assert_eq!(count, expected, "{durability:?}");
    }
}
