//! What became of the samples of a request.

/// Refused samples that are named one by one; all are counted.
pub const MAX_NAMED: usize = 100;

/// What an intake did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeReport {
    /// Samples that were taken.
    pub accepted: u64,
    /// Samples that were there already.
    pub already_stored: u64,
    /// Samples, lines or series that were not taken.
    pub refused: u64,
    /// Texts, which cannot be stored and were left out.
    pub skipped: u64,
    /// The first that were not taken.
    pub named: Vec<Refused>,
}

/// What was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Number of its line or series, from 1.
    pub place: u64,
    /// Why.
    pub reason: String,
}

impl IntakeReport {
    /// Counts and names what is not taken.
    pub(super) fn refuse(&mut self, place: u64, reason: String) {
        self.refused += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push(Refused { place, reason });
        }
    }

    /// What went wrong, in a sentence; nothing when all is stored. `unit` is what places count.
    pub fn problem(&self, unit: &str) -> Option<String> {
        let first = self.named.first()?;
        let more = match self.refused {
            1 => String::new(),
            refused => format!(" (and {} more)", refused - 1),
        };
        Some(format!("{unit} {}: {}{more}", first.place, first.reason))
    }
}
