//! Clocks that somebody turns: ahead by hours or years, back as far, and right again.
//!
//! The model watches the clock by the rules that `docs/OPERATING.md` has for it: what is more than
//! `max_jump` after the last time that was believed, and after the samples, is not believed until
//! the engine has run for `accept_after`, or somebody confirms it. Retention takes what has expired by the
//! time that is believed. Samples that come in live are bounded by `max_future`.

use super::{Local, Pair};
use nanotdb_core::engine::{AddOptions, Host, Row, RowTime, Target};
use nanotdb_core::error::Rejection;
use nanotdb_core::partition::Partition;
use nanotdb_core::settings::{
    EngineSettings, Partitioning, RawAction, RetentionAction, WrittenDuration,
};
use nanotdb_core::storage::{FileName, Storage};
use nanotdb_core::{Error, Timestamp, Value};
use nanotdb_tests::operations::{DAY, HOUR, SECOND, START};
use nanotdb_tests::random::Random;
use std::collections::BTreeSet;

/// A machine whose clock has no battery starts here.
const EPOCH: i64 = 5 * DAY;
/// The time of this version: no clock that is right shows an earlier one.
const RELEASED: i64 = START;

/// Draws its own numbers.
pub(super) struct Clocks {
    random: Random,
    watch: Watch,
    max_future: i64,
    retention: RetentionAction,
    retention_days: i64,
    /// What the clock is set to when somebody puts it right: the time that has passed since START.
    right: i64,
    /// By which `right` was moved on last.
    shown: i64,
    /// Live metrics before this one are left alone.
    fresh: u32,
}

/// Which time is believed.
struct Watch {
    max_jump: i64,
    accept_after: i64,
    believed: Option<Moment>,
    ahead_since: Option<Moment>,
    behind_since: Option<Moment>,
    /// All times that were ever believed.
    all_believed: BTreeSet<i64>,
}

/// What the clock shows, and how long the machine has run.
#[derive(Clone, Copy)]
struct Moment {
    wall: i64,
    run: i64,
}

impl Moment {
    /// What a clock that was right then would show now.
    fn goes_on_to(self, now: Self) -> i64 {
        self.wall + (now.run - self.run)
    }
}

impl Watch {
    /// The time that is expected, if the clock is not believed. `witness` is asked for a time until
    /// which samples came, and told whether the last run is known.
    fn judge(&mut self, now: Moment, witness: impl FnOnce(bool) -> Option<i64>) -> Option<i64> {
        let last = self.believed.map(|believed| believed.goes_on_to(now));
        let is_near = |time: i64| now.wall - time <= self.max_jump;
        let expected = match last {
            Some(last) if is_near(last) => Some(last),
            last => last.max(witness(last.is_some())),
        };
        let expected = expected?;
        if is_near(expected) {
            self.ahead_since = None;
            let since = *self.behind_since.get_or_insert(now);
            if now.wall >= expected || now.run - since.run >= self.accept_after {
                self.believe(now);
            }
            return None;
        }
        self.behind_since = None;
        let goes_on = |since: &Moment| (now.wall - since.goes_on_to(now)).abs() <= self.max_jump;
        let since = *self.ahead_since.insert(self.ahead_since.filter(goes_on).unwrap_or(now));
        if now.run - since.run >= self.accept_after {
            self.believe(now);
            return None;
        }
        Some(expected)
    }

    fn believe(&mut self, now: Moment) {
        (self.believed, self.ahead_since, self.behind_since) = (Some(now), None, None);
        self.all_believed.insert(now.wall);
    }
}

impl Clocks {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x636c_6f63_6b73);
        let actions = [RetentionAction::Delete, RetentionAction::Delete, RetentionAction::Archive];
        let watch = Watch {
            max_jump: *random.pick(&[2 * DAY, 30 * DAY, 90 * DAY]),
            accept_after: *random.pick(&[0, HOUR, HOUR, 20 * HOUR, 3 * DAY]),
            // The root has no samples, so the clock is believed.
            believed: Some(Moment { wall: START, run: START }),
            ahead_since: None,
            behind_since: None,
            all_believed: BTreeSet::from([START]),
        };
        Self {
            watch,
            max_future: *random.pick(&[0, HOUR, 32 * DAY]),
            retention: *random.pick(&actions),
            retention_days: 1 + i64::try_from(random.below(40)).unwrap(),
            right: START,
            shown: START,
            fresh: 0,
            random,
        }
    }

    /// Writes the manifest, and sets the engine up.
    pub(super) fn set_up(&mut self, settings: &mut EngineSettings, host: &Local) {
        let written = |ns: i64| WrittenDuration::new(&format!("{}s", ns / SECOND)).unwrap();
        settings.clock.max_future = written(self.max_future);
        settings.clock.max_jump = written(self.watch.max_jump);
        settings.clock.accept_after = written(self.watch.accept_after);
        // The engine's own samples would bear witness, too.
        settings.stats.enabled = false;
        settings.metrics.enabled = self.random.one_in(2);
        let raw_actions = [RawAction::Keep, RawAction::Delete, RawAction::Rename];
        settings.metrics.raw_ingest_action = *self.random.pick(&raw_actions);
        let mut manifest = settings.manifest_defaults.clone();
        manifest.max_active_days = 1 + self.random.below(3);
        manifest.retention_action = self.retention;
        manifest.retention_days = u64::try_from(self.retention_days).unwrap();
        let name = FileName::new("manifest.toml").unwrap();
        let directory = host.database("db", true).unwrap();
        directory.replace(&name, manifest.to_toml().as_bytes()).unwrap();
    }

    /// What happens between two steps.
    pub(super) fn step(&mut self, pair: &mut Pair) {
        // Time has passed, whatever the clock shows.
        self.right += (pair.now - self.shown).max(0);
        match self.random.below(100) {
            0..=4 => self.turn(pair),
            5..=7 => self.run_on(pair),
            8..=17 => self.add_live(pair),
            18..=27 => self.add_undated(pair),
            28..=35 => self.tick(pair),
            36..=38 => self.retire(pair),
            39 => self.confirm(pair),
            40 => self.reopen(pair),
            41 => {
                self.before_close(pair);
                pair.engine.close().unwrap();
                self.reopen(pair);
            }
            _ => {}
        }
        self.shown = pair.now;
    }

    fn reopen(&mut self, pair: &mut Pair) {
        pair.reopen();
        self.opened(pair);
    }

    /// Somebody turns the clock, and no time passes.
    fn turn(&mut self, pair: &mut Pair) {
        let days = 1 + i64::try_from(self.random.below(9)).unwrap();
        pair.now = match self.random.below(10) {
            0..=3 => self.right,
            4 => pair.now + days * HOUR,
            5 => pair.now + days * DAY,
            6 => self.right + *self.random.pick(&[29, 31, 89, 91, 400, 3650]) * DAY,
            7 => pair.now - days * HOUR,
            8 => pair.now - days * DAY,
            _ => EPOCH,
        };
        pair.now = pair.now.max(EPOCH);
        pair.host.clock.step(Timestamp(pair.now));
        pair.tally.clock_steps += 1;
    }

    /// Time passes without anybody doing something.
    fn run_on(&mut self, pair: &mut Pair) {
        let hours = *self.random.pick(&[1, 1, 7, 30, 24 * 20]);
        pair.now += hours * HOUR;
        self.right += hours * HOUR;
        pair.host.clock.set(Timestamp(pair.now));
    }

    fn moment(pair: &Pair) -> Moment {
        use nanotdb_core::engine::Clock;
        let run = pair.host.clock.monotonic().as_nanos();
        Moment { wall: pair.now, run: i64::try_from(run).unwrap() }
    }

    /// The time by which samples expire, as both see it; and whether the clock is believed.
    fn believed(&mut self, pair: &Pair) -> (i64, bool) {
        let max_jump = self.watch.max_jump;
        let ask = |has_last_run| witness(pair, max_jump, has_last_run);
        let expected = self.watch.judge(Self::moment(pair), ask);
        let found = pair.engine.check_clock().map(|jump| jump.expected.0);
        assert_eq!(found, expected, "at {}", Timestamp(pair.now));
        (expected.unwrap_or(pair.now), expected.is_none())
    }

    pub(super) fn tick(&mut self, pair: &mut Pair) {
        let (time, _) = self.believed(pair);
        let tick = pair.engine.tick().unwrap();
        let mut retired = vec![];
        for report in tick.databases.values() {
            assert_eq!(report.problems, Vec::<String>::new());
            retired.extend(report.retired.iter().map(|retired| retired.partition.clone()));
        }
        let expired = self.expired(pair, time);
        for key in retired {
            let day = expired.iter().find(|day| key_of(**day) == key);
            let day = day.unwrap_or_else(|| panic!("{key} has not expired by {}", Timestamp(time)));
            pair.model.drop_day(*day);
        }
    }

    fn retire(&mut self, pair: &mut Pair) {
        pair.database.flush().unwrap();
        let (time, is_believed) = self.believed(pair);
        let expired = self.expired(pair, time);
        let by_clock = self.expired(pair, pair.now).len();
        match pair.engine.apply_retention("db") {
            Ok(report) => {
                assert!(is_believed || by_clock <= expired.len(), "it went by a wrong clock");
                assert_eq!(report.problems, Vec::<String>::new());
                let retired = report.retired.into_iter().map(|retired| retired.partition);
                let keys: Vec<String> = expired.iter().map(|day| key_of(*day)).collect();
                assert_eq!(retired.collect::<Vec<_>>(), keys);
                for day in expired {
                    pair.model.drop_day(day);
                }
            }
            Err(Error::Rejected(Rejection::ClockJumped { .. })) => {
                assert!(!is_believed && by_clock > expired.len(), "it is right");
            }
            Err(error) => panic!("{error}"),
        }
        pair.compare_everything();
    }

    /// The days that expire by a time, once no sample of theirs is in memory.
    fn expired(&self, pair: &Pair, time: i64) -> Vec<i64> {
        let today = time.div_euclid(DAY) * DAY;
        pair.model.days_before(today - self.retention_days * DAY).into_iter().collect()
    }

    fn confirm(&mut self, pair: &mut Pair) {
        pair.engine.confirm_clock().unwrap();
        self.watch.believe(Self::moment(pair));
    }

    /// Closing looks at the clock once more.
    pub(super) fn before_close(&mut self, pair: &Pair) {
        self.believed(pair);
    }

    /// Another process goes on from what the last one has written down.
    pub(super) fn opened(&mut self, pair: &Pair) {
        let now = Self::moment(pair);
        let recorded = pair.host.root_directory().read(&FileName::new("last-run.txt").unwrap());
        let recorded = recorded.unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
        let recorded: Option<Timestamp> = recorded.map(|text| text.trim().parse().unwrap());
        self.watch.believed = recorded.map(|Timestamp(wall)| Moment { wall, run: now.run });
        let written = self.watch.believed.filter(|it| !self.watch.all_believed.contains(&it.wall));
        assert!(written.is_none(), "{recorded:?} was never believed");
        (self.watch.ahead_since, self.watch.behind_since) = (None, None);
        if recorded.is_none() && pair.model.taken() == 0 {
            self.watch.believe(now);
        }
    }

    /// A metric whose newest sample both know: what retention has taken all of, the engine forgets
    /// with the next opening.
    fn metric(&mut self, pair: &Pair) -> String {
        let name = format!("live{}", self.fresh + u32::try_from(self.random.below(4)).unwrap());
        let last = pair.model.last(&name).map(|(time, _)| time);
        if last == pair.model.newest(&name) {
            return name;
        }
        self.fresh += 4;
        self.metric(pair)
    }

    /// The latest time that a live sample may have, by the newest sample of all. Of one that is gone
    /// the engine may still know.
    fn latest(&self, pair: &Pair) -> BTreeSet<i64> {
        let latest = pair.now + self.max_future;
        let is_behind = |newest: i64| pair.now < RELEASED || newest > latest;
        let bound = |newest| match self.max_future {
            0 => i64::MAX,
            _ if is_behind(newest) => i64::MAX,
            _ => latest,
        };
        let there = pair.model.export().map(|(_, time, _)| time).max().unwrap_or(i64::MIN);
        [bound(there), bound(pair.model.latest().unwrap_or(i64::MIN))].into()
    }

    /// A sample that comes in live: in time, or too far ahead.
    fn add_live(&mut self, pair: &mut Pair) {
        let metric = self.metric(pair);
        let ahead = [-HOUR, 0, self.max_future, self.max_future + 1, self.max_future + 40 * DAY];
        let newest = pair.model.newest(&metric).unwrap_or(i64::MIN);
        let time = newest.max(pair.now + *self.random.pick(&ahead));
        pair.counter += 1;
        let value = Value::I32(pair.counter);
        let row = Row { target: Target::Name(&metric), time: Timestamp(time), value };
        let added = pair.database.add_row_with(row, AddOptions::LIVE);
        let allowed: BTreeSet<bool> =
            self.latest(pair).into_iter().map(|latest| time <= latest).collect();
        assert!(allowed.contains(&added.is_ok()), "{metric} {}: {added:?}", Timestamp(time));
        match added {
            Ok(()) => pair.model.ingest(&metric, time, value).unwrap(),
            Err(Error::Rejected(Rejection::TooFarAhead { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// A sample without a time is of now, or of its metric's newest sample where the clock is behind
    /// it, as long as one of the two can be right.
    fn add_undated(&mut self, pair: &mut Pair) {
        let metric = self.metric(pair);
        let newest = pair.model.newest(&metric).unwrap_or(i64::MIN);
        let is_too_far = self.max_future > 0 && newest > pair.now + self.max_future;
        pair.counter += 1;
        let value = Value::I32(pair.counter);
        match pair.database.add(&metric, RowTime::Now, value) {
            Ok(()) => {
                assert!(!is_too_far, "{metric} {}", Timestamp(newest));
                pair.model.ingest(&metric, newest.max(pair.now), value).unwrap();
            }
            Err(Error::Rejected(Rejection::ClockBehind { .. })) => {
                assert!(is_too_far, "{metric} {}", Timestamp(newest));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Until when samples came: of the newest day that has one of another day at most `max_jump` before
/// it, since a day that stands alone may have its time from a wrong clock. Where no last run is
/// known and all stand alone, of the first.
fn witness(pair: &Pair, max_jump: i64, has_last_run: bool) -> Option<i64> {
    let days: Vec<i64> = pair.model.days_before(i64::MAX).into_iter().collect();
    let is_close = |pair: &[i64]| pair[1] - (pair[0] + DAY - 1) <= max_jump;
    let followed = days.windows(2).rev().find(|pair| is_close(pair)).map(|pair| pair[1]);
    let day = followed.or(days.first().copied().filter(|_| !has_last_run))?;
    let newest = pair.model.export().map(|(_, time, _)| time).max()?;
    Some(newest.min(day + DAY - 1))
}

fn key_of(day: i64) -> String {
    Partition::containing(Partitioning::Day, Timestamp(day)).to_string()
}
