//! Where windows begin and end.

use crate::error::Result;
use crate::query::invalid;
use crate::types::{TimeRange, Timestamp};

/// Windows of equal length beside each other, over all of time.
///
/// They begin at multiples of their length from the epoch, also before 1970, or an offset after
/// those. 1970 began on a Thursday, so weeks do, and with an offset of four days on a Monday:
///
/// ```
/// use nanotdb_core::aggregate::Grid;
/// use nanotdb_core::Timestamp;
///
/// let day = 86_400_000_000_000;
/// let weeks = Grid::new(7 * day, 4 * day)?;
/// let window = weeks.window(Timestamp::parse("2026-11-08 12:00")?);
/// assert_eq!(window.from, Timestamp::parse("2026-11-02")?);
/// assert_eq!(window.to.0 + 1, Timestamp::parse("2026-11-09")?.0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    length: i64,
    /// From 0 on, and less than `length`.
    offset: i64,
}

impl Grid {
    /// Windows of so many nanoseconds that begin `offset_ns` after multiples of that: any number, of
    /// which whole windows make no difference.
    ///
    /// # Errors
    ///
    /// `Rejected` when the length is not more than 0.
    pub fn new(length_ns: i64, offset_ns: i64) -> Result<Self> {
        if length_ns <= 0 {
            return Err(invalid("the window must be longer than 0"));
        }
        Ok(Self { length: length_ns, offset: offset_ns.rem_euclid(length_ns) })
    }

    /// The window that an instant is in, both ends included, as far as timestamps reach.
    pub fn window(self, time: Timestamp) -> TimeRange {
        let number = self.number(time);
        TimeRange { from: Timestamp(self.start(number)), to: Timestamp(self.last(number)) }
    }

    /// The number of the window that an instant is in.
    pub(super) const fn number(self, time: Timestamp) -> i64 {
        let number = time.0.div_euclid(self.length);
        // Before the offset, the window before goes on.
        if self.offset > 0 && time.0.rem_euclid(self.length) < self.offset {
            number - 1
        } else {
            number
        }
    }

    /// Whether two instants are in one window.
    pub(crate) const fn is_one(self, a: Timestamp, b: Timestamp) -> bool {
        self.number(a) == self.number(b)
    }

    /// Where a window begins.
    pub(super) fn start(self, number: i64) -> i64 {
        clamped(self.exact_start(number.into()))
    }

    /// Where the next window begins.
    pub(super) fn end(self, number: i64) -> i64 {
        clamped(self.exact_start(i128::from(number) + 1))
    }

    /// The last instant of a window.
    pub(super) fn last(self, number: i64) -> i64 {
        clamped(self.exact_start(i128::from(number) + 1) - 1)
    }

    fn exact_start(self, number: i128) -> i128 {
        number * i128::from(self.length) + i128::from(self.offset)
    }
}

/// The nearest instant that a timestamp can say.
fn clamped(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn whole_windows_make_no_difference_to_an_offset() {
        let grid = |length, offset| Grid::new(length, offset).unwrap();
        for offset in [4, -3, 11, -10, 704] {
            assert_eq!(grid(7, offset), grid(7, 4), "{offset}");
        }
        assert_ne!(grid(7, 0), grid(7, 4));
        for length in [0, -1, i64::MIN] {
            let error = Grid::new(length, 0).unwrap_err().to_string();
            assert!(error.contains("longer than 0"), "{error}");
        }
    }

    #[test]
    fn windows_end_where_timestamps_do() {
        let all = TimeRange::ALL;
        assert_eq!(
            Grid::new(i64::MAX, 0).unwrap().window(Timestamp(0)).to,
            Timestamp(i64::MAX - 1)
        );
        assert_eq!(Grid::new(i64::MAX, 10).unwrap().window(Timestamp::MIN).from, all.from);
        assert_eq!(Grid::new(1000, 999).unwrap().window(Timestamp::MAX).to, all.to);
    }

    proptest! {
        #[test]
        fn every_instant_is_in_the_window_of_its_number(
            time: i64, length in 1..i64::MAX, offset: i64,
        ) {
            let grid = Grid::new(length, offset).unwrap();
            let window = grid.window(Timestamp(time));
            prop_assert!(window.contains(Timestamp(time)));
            for end in [window.from, window.to] {
                prop_assert!(grid.is_one(end, Timestamp(time)));
            }
            let (length, offset) = (i128::from(length), i128::from(offset));
            let exact = (i128::from(time) - offset).div_euclid(length) * length + offset;
            prop_assert_eq!(i128::from(window.from.0), exact.max(i64::MIN.into()));
            prop_assert_eq!(i128::from(window.to.0), (exact + length - 1).min(i64::MAX.into()));
        }
    }
}
