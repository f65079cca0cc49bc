//! What chance decides after a crash.

/// Seeded decisions about unsynced work. The first two seeds are the extremes.
#[derive(Debug)]
pub(super) enum Fate {
    /// Seed 0: nothing survives that was not synced.
    Nothing,
    /// Seed 1: everything survives, the operation in flight included.
    Everything,
    /// Any other seed: some of it, perhaps damaged.
    Mixed(Random),
}

/// What became of an unsynced tail.
#[derive(Debug, Clone, Copy)]
pub(super) enum Damage {
    None,
    Cut,
    Zeroed,
    Garbage,
}

impl Fate {
    pub(super) fn new(seed: u64) -> Self {
        match seed {
            0 => Self::Nothing,
            1 => Self::Everything,
            _ => Self::Mixed(Random(seed)),
        }
    }

    /// How many of `count` survive, counted from the first.
    pub(super) fn survivors(&mut self, count: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Everything => count,
            Self::Mixed(random) => random.up_to(count),
        }
    }

    pub(super) fn damage(&mut self) -> Damage {
        match self {
            Self::Nothing => Damage::Cut,
            Self::Everything => Damage::None,
            Self::Mixed(random) => match random.up_to(3) {
                0 => Damage::None,
                1 => Damage::Cut,
                2 => Damage::Zeroed,
                _ => Damage::Garbage,
            },
        }
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self {
            Self::Nothing | Self::Everything => 0,
            Self::Mixed(random) => {
                let [byte, ..] = random.next().to_le_bytes();
                byte
            }
        }
    }
}

/// `SplitMix64`: equal seeds, equal numbers, on every host.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `most`, both included.
    pub(super) fn up_to(&mut self, most: usize) -> usize {
        let choices = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        usize::try_from(self.next() % choices).unwrap_or(most)
    }
}
