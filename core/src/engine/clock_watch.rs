//! Whether the clock is believed, before anything is deleted or archived by it.
//!
//! A machine without a battery for its clock may start in 2036, and would think all that it has
//! expired. So the engine remembers the latest time that it believed, in the file [`LAST_RUN`] of
//! the root. A clock that shows more than `clock.max_jump` after that, and after the newest samples,
//! is believed once it has gone on like this for `clock.accept_after`, or somebody confirms it.
//! A clock that was set back deletes less, so it is only remembered after the same time.

use crate::types::Timestamp;
use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

/// The file of the root that has the time of the last run, one line in UTC. The reference passes
/// over it.
pub(crate) const LAST_RUN: &str = "last-run.txt";

/// The file is written at most this often, to spare the flash of small machines.
const RECORD_EVERY_NS: i64 = 24 * 3600 * 1_000_000_000;

/// A clock that is not believed yet: nothing is deleted or archived by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockJump {
    /// What it shows.
    pub now: Timestamp,
    /// The latest time it was expected to show: that of the last run, or of the newest samples.
    pub expected: Timestamp,
    /// How far it may go on at once, `clock.max_jump` in nanoseconds.
    pub max_jump_ns: i64,
    /// How much longer it must go on like this to be believed.
    pub accepted_in: Duration,
}

/// What samples say of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// It is not before this.
    Since(Timestamp),
    /// No samples were looked at.
    Unknown,
}

/// What was found out about the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may be gone by.
    Believed,
    /// It was in doubt until now.
    Accepted,
    /// It is in doubt from now on.
    Doubted(ClockJump),
    /// It is in doubt, as before.
    StillDoubted(ClockJump),
}

impl Verdict {
    /// What is wrong with the clock, if it is in doubt.
    pub(crate) const fn jump(self) -> Option<ClockJump> {
        match self {
            Self::Doubted(jump) | Self::StillDoubted(jump) => Some(jump),
            Self::Believed | Self::Accepted => None,
        }
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall: Timestamp,
    pub(crate) monotonic: Duration,
}

impl Moment {
    /// What a clock shows now that was right then.
    fn expected(self, now: Self) -> Timestamp {
        let passed = now.monotonic.saturating_sub(self.monotonic).as_nanos();
        Timestamp(self.wall.0.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)))
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    max_jump_ns: i64,
    accept_after: Duration,
    /// When the clock was last believed.
    believed: Option<Moment>,
    /// Since when the clock is too far ahead, or behind.
    ahead: Option<Moment>,
    behind: Option<Moment>,
    /// What the file says.
    recorded: Option<Timestamp>,
    is_record_due: bool,
    /// What is wrong with the clock.
    jump: Option<ClockJump>,
}

impl ClockWatch {
    /// A watch that goes on from what an earlier run has recorded.
    pub(crate) fn new(
        max_jump_ns: i64,
        accept_after: Duration,
        recorded: Option<Timestamp>,
        monotonic: Duration,
    ) -> Self {
        let believed = recorded.map(|wall| Moment { wall, monotonic });
        Self {
            max_jump_ns,
            accept_after,
            believed,
            ahead: None,
            behind: None,
            recorded,
            is_record_due: false,
            jump: None,
        }
    }

    /// Judges the clock; `evidence` is asked only where the last run does not suffice, and told
    /// whether there was one.
    pub(crate) fn judge(
        &mut self,
        now: Moment,
        evidence: impl FnOnce(bool) -> Evidence,
    ) -> Verdict {
        let verdict = self.look(now, evidence);
        self.jump = verdict.jump();
        verdict
    }

    /// What was wrong with the clock when it was last judged.
    pub(crate) const fn jump(&self) -> Option<ClockJump> {
        self.jump
    }

    fn look(&mut self, now: Moment, evidence: impl FnOnce(bool) -> Evidence) -> Verdict {
        let last = self.believed.map(|believed| believed.expected(now));
        if last.is_some_and(|last| !self.is_jump(last, now)) {
            return self.follow(now, last);
        }
        let expected = match (evidence(last.is_some()), last) {
            (Evidence::Since(samples), last) => last.map_or(samples, |last| last.max(samples)),
            (_, Some(last)) => last,
            // Nothing to believe it by, and nothing open that could be deleted.
            (Evidence::Unknown, None) => return Verdict::Believed,
        };
        if !self.is_jump(expected, now) {
            return self.follow(now, Some(expected));
        }
        self.doubt(expected, now)
    }

    fn is_jump(&self, expected: Timestamp, now: Moment) -> bool {
        now.wall.0.saturating_sub(expected.0) > self.max_jump_ns
    }

    /// The clock has not jumped ahead. One that is behind is not remembered at once: a machine that
    /// starts in 1970 and asks for the time then would have jumped ahead.
    fn follow(&mut self, now: Moment, expected: Option<Timestamp>) -> Verdict {
        let was_ahead = self.ahead.take().is_some();
        if expected.is_some_and(|expected| now.wall < expected) {
            let since = *self.behind.get_or_insert(now);
            if now.monotonic.saturating_sub(since.monotonic) < self.accept_after {
                return if was_ahead { Verdict::Accepted } else { Verdict::Believed };
            }
        }
        self.believe(now);
        if was_ahead { Verdict::Accepted } else { Verdict::Believed }
    }

    fn doubt(&mut self, expected: Timestamp, now: Moment) -> Verdict {
        self.behind = None;
        // Another jump begins another wait.
        let waits = self.ahead.filter(|since| {
            now.wall.0.abs_diff(since.expected(now).0) <= self.max_jump_ns.unsigned_abs()
        });
        let since = *self.ahead.insert(waits.unwrap_or(now));
        let passed = now.monotonic.saturating_sub(since.monotonic);
        let jump = ClockJump {
            now: now.wall,
            expected,
            max_jump_ns: self.max_jump_ns,
            accepted_in: self.accept_after.saturating_sub(passed),
        };
        match waits {
            _ if jump.accepted_in.is_zero() => {
                self.believe(now);
                Verdict::Accepted
            }
            Some(_) => Verdict::StillDoubted(jump),
            None => Verdict::Doubted(jump),
        }
    }

    /// How far the clock may go on at once, in nanoseconds.
    pub(crate) const fn max_jump_ns(&self) -> i64 {
        self.max_jump_ns
    }

    /// The clock is right: it was judged so, or somebody says so.
    pub(crate) fn believe(&mut self, now: Moment) {
        self.believed = Some(now);
        self.jump = None;
        self.ahead = None;
        self.behind = None;
        let every = RECORD_EVERY_NS.min(self.max_jump_ns / 4).unsigned_abs();
        self.is_record_due =
            self.recorded.is_none_or(|recorded| now.wall.0.abs_diff(recorded.0) >= every);
    }

    /// What the file should say now, if it is time to write it.
    pub(crate) fn record_due(&self) -> Option<Timestamp> {
        self.believed.filter(|_| self.is_record_due).map(|believed| believed.wall)
    }

    /// Notes that the file says this, or that it cannot be written for now.
    pub(crate) fn note_recorded(&mut self, time: Timestamp) {
        self.recorded = Some(time);
        self.is_record_due = false;
    }
}

/// What the file says, and how it is read. What is no time is nothing.
pub(crate) fn to_text(time: Timestamp) -> String {
    format!("{time}\n")
}

/// See [`to_text`].
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Timestamp, String> {
    let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    text.trim().parse().map_err(|_| format!("{:?} is no time", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1_000_000_000;
    const START: i64 = 1_767_225_600_000_000_000;
    const HOUR: Duration = Duration::from_hours(1);

    fn at(days: i64, hours: u32) -> Moment {
        Moment { wall: Timestamp(START + days * DAY), monotonic: HOUR * hours }
    }

    fn watch(recorded_days: Option<i64>) -> ClockWatch {
        let recorded = recorded_days.map(|days| Timestamp(START + days * DAY));
        ClockWatch::new(90 * DAY, HOUR, recorded, Duration::ZERO)
    }

    fn nothing(_: bool) -> Evidence {
        Evidence::Unknown
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_and_recorded_once_a_day() {
        let mut watch = watch(Some(0));
        assert_eq!(watch.judge(at(0, 0), nothing), Verdict::Believed);
        assert_eq!(watch.record_due(), None);
        // Off for weeks.
        assert_eq!(watch.judge(at(90, 0), nothing), Verdict::Believed);
        assert_eq!(watch.record_due(), Some(Timestamp(START + 90 * DAY)));
        watch.note_recorded(Timestamp(START + 90 * DAY));
        assert_eq!(watch.judge(at(90, 23), nothing), Verdict::Believed);
        assert_eq!(watch.record_due(), None);
        // It ran for a year without being asked.
        assert_eq!(watch.judge(at(455, 23 + 365 * 24), nothing), Verdict::Believed);
    }

    #[test]
    fn a_clock_that_jumps_is_believed_after_an_hour_of_running_or_at_once_when_confirmed() {
        let mut watch = watch(Some(0));
        let Verdict::Doubted(jump) = watch.judge(at(91, 0), nothing) else { panic!("believed") };
        assert_eq!((jump.expected, jump.accepted_in), (Timestamp(START), HOUR));
        let mut half = at(91, 0);
        half.monotonic = HOUR / 2;
        let Verdict::StillDoubted(jump) = watch.judge(half, nothing) else { panic!("not doubted") };
        assert_eq!(jump.accepted_in, HOUR / 2);
        assert_eq!(watch.record_due(), None, "what is in doubt is not recorded");
        assert_eq!(watch.judge(at(91, 1), nothing), Verdict::Accepted);
        assert_eq!(watch.judge(at(91, 1), nothing), Verdict::Believed);

        assert!(watch.judge(at(1000, 1), nothing).jump().is_some());
        watch.believe(at(1000, 1));
        assert_eq!(watch.judge(at(1000, 2), nothing), Verdict::Believed);
    }

    #[test]
    fn a_clock_that_is_put_right_or_jumps_again_does_not_count_as_running() {
        let mut watch = watch(Some(0));
        assert!(watch.judge(at(3650, 0), nothing).jump().is_some());
        assert_eq!(watch.judge(at(0, 0), nothing), Verdict::Accepted);
        assert!(matches!(watch.judge(at(3650, 0), nothing), Verdict::Doubted(_)));
        assert!(matches!(watch.judge(at(7300, 1), nothing), Verdict::Doubted(_)));
        assert!(matches!(watch.judge(at(7300, 1), nothing), Verdict::StillDoubted(_)));
    }

    #[test]
    fn without_a_last_run_samples_say_what_time_it_is() {
        let since = |days: i64| move |_: bool| Evidence::Since(Timestamp(START + days * DAY));
        let mut old = watch(None);
        let verdict = old.judge(at(365, 0), since(0));
        assert!(matches!(verdict, Verdict::Doubted(jump) if jump.expected.0 == START));
        // A database that is opened later has samples of today.
        assert_eq!(old.judge(at(365, 0), since(364)), Verdict::Accepted);

        let mut unknown = watch(None);
        assert_eq!(unknown.judge(at(365, 0), nothing), Verdict::Believed);
        assert_eq!(unknown.record_due(), None, "nothing is known by which to believe it");
        assert!(unknown.judge(at(365, 0), since(0)).jump().is_some());
    }

    #[test]
    fn a_clock_that_is_behind_is_remembered_after_an_hour() {
        let mut watch = watch(Some(3650));
        let mut now = at(0, 0);
        assert_eq!(watch.judge(now, nothing), Verdict::Believed);
        // It was only a start without the time: no jump.
        assert_eq!(watch.judge(at(3651, 0), nothing), Verdict::Believed);
        now.monotonic = HOUR * 2;
        assert_eq!(watch.judge(now, nothing), Verdict::Believed);
        now.monotonic = HOUR * 3;
        assert_eq!(watch.judge(now, nothing), Verdict::Believed);
        assert_eq!(watch.record_due(), Some(Timestamp(START)));
        assert!(watch.judge(at(3650, 3), nothing).jump().is_some());
    }

    #[test]
    fn the_file_is_a_time_in_a_line() {
        let time = Timestamp(START + 5);
        assert_eq!(to_text(time), "2026-01-01 00:00:00.000000005\n");
        assert_eq!(from_bytes(to_text(time).as_bytes()), Ok(time));
        for bytes in [&b""[..], b"soon", b"\xff", b"2026-13-01 00:00:00", b"\0\0\0\0"] {
            assert!(from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }
}
