//! Looks that are not stored as they should be, most often because of the clock: what is said of
//! them, once and not at every look, and which time they get.

use super::Recording;
use crate::Timestamp;

/// What was said last.
#[derive(Debug, Default)]
pub struct Refusals {
    are_refused: bool,
    is_clock_behind: bool,
}

impl Refusals {
    /// What is to be said after a look of which these samples were refused: the first of them when
    /// the look before had none, and that it is over when this one has none.
    pub fn of_look(&mut self, refused: &[String]) -> Vec<String> {
        let were_refused = core::mem::replace(&mut self.are_refused, !refused.is_empty());
        match (refused.first(), were_refused) {
            (Some(first), false) => {
                let more = match refused.len() {
                    1 => String::new(),
                    count => format!(" (and {} more)", count - 1),
                };
                vec![format!("refused: {first}{more}; not said again while it goes on")]
            }
            (None, true) => vec!["nothing is refused any more".to_owned()],
            _ => Vec::new(),
        }
    }

    /// As [`of_look`](Self::of_look), and that the clock was set back, or has caught up.
    pub fn of_recording(&mut self, recording: &Recording) -> Vec<String> {
        let refused: Vec<String> = recording.rejected.iter().map(ToString::to_string).collect();
        let mut notes = self.of_look(&refused);
        notes.extend(self.of_clock(recording.clock_behind > 0));
        notes
    }

    /// What is to be said when the clock is, or is not, behind what was stored or sent.
    pub fn of_clock(&mut self, is_behind: bool) -> Option<String> {
        let was_behind = core::mem::replace(&mut self.is_clock_behind, is_behind);
        let note = match (was_behind, is_behind) {
            (false, true) => {
                "the clock was set back: metrics go on with the time of their newest sample until \
                 the clock has caught up"
            }
            (true, false) => "the clock has caught up with the newest samples",
            _ => return None,
        };
        Some(note.to_owned())
    }
}

/// How far the clock may be set back for looks to go on from the latest one: 32 days, the bound
/// that a store has unless it is told otherwise. A clock that is set back further was wrong before.
const MAX_BEHIND_NS: i64 = 32 * 24 * 3600 * 1_000_000_000;

/// The times of looks whose lines are sent: a store would refuse those before its newest.
#[derive(Debug, Default)]
pub struct LookTimes {
    latest: Option<Timestamp>,
}

impl LookTimes {
    /// The time of a look now: that of the clock, or of the look before when the clock was set back
    /// since then; and whether it was.
    pub fn of(&mut self, now: Timestamp) -> (Timestamp, bool) {
        let ahead = self.latest.filter(|latest| {
            let by = latest.0.saturating_sub(now.0);
            by > 0 && by <= MAX_BEHIND_NS
        });
        let time = ahead.unwrap_or(now);
        self.latest = Some(time);
        (time, ahead.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_go_on_from_the_latest_when_the_clock_was_set_back() {
        let mut times = LookTimes::default();
        assert_eq!(times.of(Timestamp(100)), (Timestamp(100), false));
        assert_eq!(times.of(Timestamp(40)), (Timestamp(100), true));
        assert_eq!(times.of(Timestamp(99)), (Timestamp(100), true));
        assert_eq!(times.of(Timestamp(101)), (Timestamp(101), false));
        // It was wrong by years, and is right now.
        assert_eq!(times.of(Timestamp(MAX_BEHIND_NS * 9)), (Timestamp(MAX_BEHIND_NS * 9), false));
        assert_eq!(times.of(Timestamp(102)), (Timestamp(102), false));
    }

    #[test]
    fn refusals_are_said_once_until_they_end() {
        let mut refusals = Refusals::default();
        let (one, two) = (vec!["a".to_owned()], vec!["a".to_owned(), "b".to_owned()]);
        assert!(refusals.of_look(&[]).is_empty());
        let said = refusals.of_look(&two);
        assert!(said[0].starts_with("refused: a (and 1 more)"), "{said:?}");
        assert!(refusals.of_look(&two).is_empty());
        assert!(refusals.of_look(&one).is_empty());
        assert_eq!(refusals.of_look(&[]), ["nothing is refused any more"]);
        assert!(refusals.of_look(&[]).is_empty());
        assert!(refusals.of_look(&one)[0].starts_with("refused: a;"));
    }

    #[test]
    fn a_clock_that_was_set_back_is_said_once() {
        let mut refusals = Refusals::default();
        let behind = Recording { taken: 3, clock_behind: 3, ..Recording::default() };
        assert!(refusals.of_recording(&behind)[0].contains("set back"));
        assert!(refusals.of_recording(&behind).is_empty());
        let said = refusals.of_recording(&Recording { taken: 3, ..Recording::default() });
        assert!(said[0].contains("caught up"), "{said:?}");
    }
}
