//! From counters that only grow to what they grew by in a second.

use std::collections::BTreeMap;
use std::time::Instant;

/// What counters said at the look before, by name.
#[derive(Debug, Default)]
pub(super) struct Rates {
    before: BTreeMap<String, (Instant, u64)>,
}

impl Rates {
    /// By how much the counter grew in each second since the look before. Nothing at the first
    /// look, and when the counter began anew.
    pub(super) fn per_second(&mut self, name: &str, now: Instant, counter: u64) -> Option<f64> {
        let before = match self.before.get_mut(name) {
            Some(before) => core::mem::replace(before, (now, counter)),
            None => {
                self.before.insert(name.to_owned(), (now, counter));
                return None;
            }
        };
        let seconds = now.checked_duration_since(before.0)?.as_secs_f64();
        let grown = counter.checked_sub(before.1)?;
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
        (seconds > 0.0).then(|| grown as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_rate_needs_two_looks_and_a_counter_that_grew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rates = Rates::default();
        assert_eq!(rates.per_second("a", at(0), 100), None, "the first look");
        assert_eq!(rates.per_second("b", at(0), 0), None, "another counter");
        assert_eq!(rates.per_second("a", at(4), 300), Some(50.0));
        assert_eq!(rates.per_second("a", at(4), 300), None, "no time has passed");
        assert_eq!(rates.per_second("a", at(5), 10), None, "it began anew");
        assert_eq!(rates.per_second("a", at(7), 30), Some(10.0));
        assert_eq!(rates.per_second("b", at(10), 5), Some(0.5));
    }
}
