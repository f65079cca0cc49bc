//! Spans: which points of a frame lie in which stretch of the clock.

use super::error::PartError;
use super::fields::Fields;
use crate::codec::Writer;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Lengths of spans; each divides the next. Ids count from 1.
const LENGTHS: [i64; 10] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    60 * SECOND,
    300 * SECOND,
    900 * SECOND,
    HOUR,
    6 * HOUR,
    DAY,
    8 * DAY,
];

/// The id of the length that makes a whole frame one span.
const WHOLE: u8 = 0;

/// Points a span should have: its statistics then take a small part of what the points take.
const POINTS: usize = 240;

/// The spans of a time frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spans {
    id: u8,
    /// Which slot, and how many points there are up to its end.
    list: Vec<(i64, u32)>,
}

impl Spans {
    /// The spans that suit these times, which are not empty.
    pub(crate) fn of(times: &[i64]) -> Self {
        let most = (times.len() / POINTS).saturating_add(1);
        for (id, &len) in (1_u8..).zip(&LENGTHS) {
            let Some(list) = list(times, len, most) else { continue };
            if times.len() >= POINTS * list.len().saturating_sub(1).max(1) {
                return Self { id, list };
            }
        }
        Self::whole(u32::try_from(times.len()).unwrap_or(u32::MAX))
    }

    fn whole(points: u32) -> Self {
        Self { id: WHOLE, list: vec![(0, points)] }
    }

    /// How long a slot is; `i64::MAX` where the whole frame is one span.
    pub(crate) fn len_ns(&self) -> i64 {
        length(self.id).unwrap_or(i64::MAX)
    }

    /// Appends the part of the time frame's index entry that says all this.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u8(self.id);
        if self.id == WHOLE {
            return;
        }
        let mut before: Option<(i64, u32)> = None;
        for &(slot, end) in &self.list {
            if let Some((last, _)) = before {
                w.uvarint(slot.wrapping_sub(last).wrapping_sub(1).cast_unsigned());
            }
            w.uvarint(u64::from(end.wrapping_sub(before.map_or(0, |before| before.1))));
            before = Some((slot, end));
        }
    }

    /// Takes what [`encode`](Self::encode) appended for times from `start` to `end`.
    pub(crate) fn decode(
        fields: &mut Fields<'_>,
        (start, end): (i64, i64),
        points: u32,
    ) -> Result<Self, PartError> {
        let id = fields.u8()?;
        if id == WHOLE {
            return Ok(Self::whole(points));
        }
        let len = length(id).ok_or(PartError::Unknown { what: "span length", id })?;
        let (mut slot, last) = (start.div_euclid(len), end.div_euclid(len));
        let (mut list, mut counted) = (Vec::new(), 0_u32);
        loop {
            let here = fields.u32("points of a span")?;
            let left = points.saturating_sub(counted);
            if here == 0 || here > left {
                let expected = "1 to the points left";
                let found = here.into();
                return Err(PartError::Invalid { what: "points of a span", found, expected });
            }
            counted = counted.saturating_add(here);
            list.push((slot, counted));
            if counted == points {
                break;
            }
            let gap = fields.uvarint()?;
            let next = gap.checked_add(1).and_then(|step| slot.checked_add_unsigned(step));
            slot = next.filter(|&next| next <= last).ok_or(PartError::Invalid {
                what: "slots left out",
                found: gap,
                expected: "none behind the last time",
            })?;
        }
        if slot != last {
            let found = last.abs_diff(slot);
            let expected = "spans up to the last time's slot";
            return Err(PartError::Invalid { what: "slots missing", found, expected });
        }
        Ok(Self { id, list })
    }

    /// The slots in which `count` of the points from `offset` on are, and which of those in each.
    pub(crate) fn of_part(
        &self,
        offset: u32,
        count: u32,
    ) -> impl Iterator<Item = (i64, Range<usize>)> {
        let until = offset.saturating_add(count);
        let from = self.list.partition_point(|&(_, end)| end <= offset);
        let mut start = offset;
        let rest = self.list.get(from..).unwrap_or_default().iter();
        rest.map_while(move |&(slot, end)| {
            let range = start..end.min(until);
            start = range.end;
            (!range.is_empty())
                .then(|| (slot, place(range.start, offset)..place(range.end, offset)))
        })
    }

    /// Bytes it takes in memory beside itself.
    pub(crate) fn size(&self) -> usize {
        self.list.capacity() * size_of::<(i64, u32)>()
    }
}

fn place(position: u32, offset: u32) -> usize {
    usize::try_from(position.saturating_sub(offset)).unwrap_or(usize::MAX)
}

fn length(id: u8) -> Option<i64> {
    LENGTHS.get(usize::from(id).checked_sub(1)?).copied()
}

/// The spans of this length, or nothing when there are more than `most`.
fn list(times: &[i64], len: i64, most: usize) -> Option<Vec<(i64, u32)>> {
    let (mut list, mut from) = (Vec::new(), 0);
    while let Some(first) = times.get(from) {
        if list.len() == most {
            return None;
        }
        let slot = first.div_euclid(len);
        let rest = times.get(from..).unwrap_or_default();
        from += match slot.checked_add(1).and_then(|next| next.checked_mul(len)) {
            Some(next) => rest.partition_point(|&time| time < next),
            None => rest.len(),
        };
        list.push((slot, u32::try_from(from).unwrap_or(u32::MAX)));
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn regular(step: i64, count: usize) -> Vec<i64> {
        (0..count).map(|i| 1_700_000_000 * SECOND + step * i64::try_from(i).unwrap()).collect()
    }

    #[test]
    fn the_length_suits_the_rate() {
        for (step, count, expected) in [
            (SECOND, 65_536, 300 * SECOND),
            (10 * SECOND, 8_640, HOUR),
            (10 * SECOND, 65_536, HOUR),
            (15 * SECOND, 5_760, HOUR),
            (15 * SECOND, 65_536, HOUR),
            (60 * SECOND, 1_440, 6 * HOUR),
            (300 * SECOND, 288, DAY),
            (HOUR, 8_760, i64::MAX),
            (0, 65_536, SECOND),
            (SECOND, 239, i64::MAX),
        ] {
            let spans = Spans::of(&regular(step, count));
            assert_eq!(spans.len_ns(), expected, "every {step} ns, {count} points");
        }
    }

    #[test]
    fn a_part_has_the_spans_of_its_points() {
        let mut times = regular(SECOND, 300);
        times.extend(regular(SECOND, 600).drain(590..).map(|time| time + 7 * 300 * SECOND));
        let spans = Spans { id: 5, list: list(&times, 300 * SECOND, 100).unwrap() };
        let slot = times[0] / (300 * SECOND);
        assert_eq!(times[0] % (300 * SECOND), 200 * SECOND);
        let all: Vec<_> = spans.of_part(0, 310).collect();
        assert_eq!(all, [(slot, 0..100), (slot + 1, 100..300), (slot + 9, 300..310)]);
        let part: Vec<_> = spans.of_part(100, 205).collect();
        assert_eq!(part, [(slot + 1, 0..200), (slot + 9, 200..205)]);
        let part: Vec<_> = spans.of_part(50, 20).collect();
        assert_eq!(part, [(slot, 0..20)]);
    }

    fn encoded(spans: &Spans) -> Vec<u8> {
        let mut out = Vec::new();
        spans.encode(&mut out);
        out
    }

    fn decoded(bytes: &[u8], times: &[i64]) -> Result<Spans, PartError> {
        let ends = (times[0], times[times.len() - 1]);
        let mut fields = Fields::new(bytes);
        let spans = Spans::decode(&mut fields, ends, u32::try_from(times.len()).unwrap())?;
        fields.end()?;
        Ok(spans)
    }

    #[test]
    fn golden_bytes() {
        let times = [0, 1, SECOND, 9 * SECOND];
        let spans = Spans { id: 1, list: list(&times, SECOND, 9).unwrap() };
        assert_eq!(encoded(&spans), [1, 2, 0, 1, 7, 1]);
        assert_eq!(decoded(&[1, 2, 0, 1, 7, 1], &times), Ok(spans));
        assert_eq!(decoded(&[0], &times), Ok(Spans::whole(4)));
        let unknown = PartError::Unknown { what: "span length", id: 11 };
        assert_eq!(decoded(&[11, 4], &times), Err(unknown));
        for wrong in [&[1, 2, 0, 2][..], &[1, 4], &[1, 0], &[1, 5], &[1, 2, 0, 1, 8, 1], &[1, 2]] {
            assert!(decoded(wrong, &times).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn spans_are_the_points_of_their_slots(
            mut times in prop::collection::vec(prop_oneof![any::<i64>(), -9_i64..9], 1..700),
            id in 1_u8..=10,
        ) {
            times.sort_unstable();
            let len = length(id).unwrap();
            let chosen = Spans::of(&times);
            for spans in [Spans { id, list: list(&times, len, 700).unwrap() }, chosen] {
                prop_assert_eq!(&decoded(&encoded(&spans), &times), &Ok(spans.clone()));
                let mut next = 0;
                for (slot, points) in spans.of_part(0, u32::try_from(times.len()).unwrap()) {
                    prop_assert_eq!(points.start, next);
                    next = points.end;
                    if spans.id != WHOLE {
                        let slots = times[points].iter().map(|t| t.div_euclid(spans.len_ns()));
                        prop_assert!(slots.into_iter().all(|found| found == slot));
                    }
                }
                prop_assert_eq!(next, times.len());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, start: i64, end: i64, points: u32) {
            let ends = (start.min(end), start.max(end));
            let _ = Spans::decode(&mut Fields::new(&bytes), ends, points);
        }
    }
}
