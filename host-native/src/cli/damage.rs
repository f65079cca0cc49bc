//! Saying what could not be read.

use super::{Failure, Outcome};
use nanotdb::query::Damaged;
use std::io::{self, Write};

/// Places that are named; of more, how many there are is said.
const MAX_NAMED: usize = 100;

/// Says on standard error what a command could not read. It has failed then, though everything else
/// is there.
pub(crate) fn tell(damage: &[Damaged]) -> Outcome {
    if damage.is_empty() {
        return Ok(());
    }
    let mut to = io::stderr().lock();
    for damaged in damage.iter().take(MAX_NAMED) {
        // Nothing is left to do when standard error is gone.
        let _ = writeln!(to, "error: {damaged}");
    }
    if let Some(more) = damage.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        let _ = writeln!(to, "error: and {more} more places: `nanotdb verify` names all");
    }
    Err(Failure::Reported)
}
