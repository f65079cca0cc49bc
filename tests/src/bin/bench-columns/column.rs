//! Columns to encode, in every form that a contender may ask for.

use nanotdb::ValueType;

/// One metric's values, or times.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Floats { raws: Vec<u32>, values: Vec<f32> },
    Integers { raws: Vec<u32>, values: Vec<i32> },
    Times(Vec<i64>),
}

impl Column {
    pub(crate) fn floats(values: Vec<f32>) -> Self {
        Self::Floats { raws: values.iter().map(|value| value.to_bits()).collect(), values }
    }

    pub(crate) fn integers(values: Vec<i32>) -> Self {
        Self::Integers { raws: values.iter().map(|value| value.cast_unsigned()).collect(), values }
    }

    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Floats { values, .. } => values.len(),
            Self::Integers { values, .. } => values.len(),
            Self::Times(times) => times.len(),
        }
    }

    /// The type and raw values, unless these are times.
    pub(crate) const fn values(&self) -> Option<(ValueType, &[u32])> {
        match self {
            Self::Floats { raws, .. } => Some((ValueType::F32, raws.as_slice())),
            Self::Integers { raws, .. } => Some((ValueType::I32, raws.as_slice())),
            Self::Times(_) => None,
        }
    }

    /// Bytes of a point before encoding.
    pub(crate) const fn width(&self) -> usize {
        match self {
            Self::Times(_) => 8,
            Self::Floats { .. } | Self::Integers { .. } => 4,
        }
    }
}

/// What a contender decoded, in the form it gives. Kept from one column to the next.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) raws: Vec<u32>,
    pub(crate) floats: Vec<f32>,
    pub(crate) integers: Vec<i32>,
    pub(crate) times: Vec<i64>,
}

impl Decoded {
    pub(crate) fn clear(&mut self) {
        self.raws.clear();
        self.floats.clear();
        self.integers.clear();
        self.times.clear();
    }

    /// Whether this is the column, bit for bit.
    pub(crate) fn is(&self, column: &Column) -> bool {
        match column {
            Column::Times(times) => self.times == *times,
            Column::Floats { raws, .. } => {
                self.raws == *raws || self.floats.iter().map(|value| value.to_bits()).eq(bits(raws))
            }
            Column::Integers { raws, values } => self.raws == *raws || self.integers == *values,
        }
    }
}

fn bits(raws: &[u32]) -> impl Iterator<Item = u32> {
    raws.iter().copied()
}
