//! The order in which replay takes the records of both logs: see [`logs`](super::logs).

use super::logs::LogKind;
use crate::sorted::sort_by;
use crate::wal::{Item, Records};
use alloc::vec::Vec;

/// What stands at an offset of the second log, and whether a file holds it.
pub(super) type Late<'l> = (usize, Item<'l>, bool);

/// Hands out what both logs hold: the first front to back, and before each what the second has of
/// earlier times.
#[derive(Debug)]
pub(super) struct InOrder<'l> {
    main: Records<'l>,
    next_main: Option<(usize, Item<'l>)>,
    /// The second log, latest first.
    late: Vec<Late<'l>>,
}

impl<'l> InOrder<'l> {
    pub(super) fn new(mut main: Records<'l>, mut late: Vec<Late<'l>>) -> Self {
        sort_by(&mut late, |(_, a, _), (_, b, _)| time(a) < time(b));
        late.reverse();
        Self { next_main: main.next(), main, late }
    }

    /// The first log, read as far as its records were handed out.
    pub(super) const fn main(&self) -> &Records<'l> {
        &self.main
    }
}

impl<'l> Iterator for InOrder<'l> {
    /// Whether a file holds the record is known of the second log only.
    type Item = (LogKind, usize, Item<'l>, Option<bool>);

    fn next(&mut self) -> Option<Self::Item> {
        let is_late = match (self.late.last(), &self.next_main) {
            (Some((_, late, _)), Some((_, main))) => time(late) < time(main),
            (late, _) => late.is_some(),
        };
        if is_late {
            let (offset, item, is_held) = self.late.pop()?;
            return Some((LogKind::Late, offset, item, Some(is_held)));
        }
        let next = self.main.next();
        let (offset, item) = core::mem::replace(&mut self.next_main, next)?;
        Some((LogKind::Main, offset, item, None))
    }
}

/// Damage has no time, and is told of first.
fn time(item: &Item<'_>) -> Option<i64> {
    match item {
        Item::Record(record, _) => Some(record.time),
        Item::Damage(..) => None,
    }
}
