//! Why bytes are no part of a v3 file.

use crate::column::ColumnError;
use core::fmt;

/// One variant for each kind of check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartError {
    Truncated,
    TrailingBytes(usize),
    BadMagic {
        found: [u8; 4],
        expected: [u8; 4],
    },
    BadChecksum {
        what: &'static str,
        stored: u32,
        computed: u32,
    },
    /// Of a later version.
    Unknown {
        what: &'static str,
        id: u8,
    },
    Invalid {
        what: &'static str,
        found: u64,
        expected: &'static str,
    },
    Differs {
        what: &'static str,
        found: i128,
        expected: i128,
    },
    Column(ColumnError),
}

impl PartError {
    /// Whether a later version may be able to read this.
    pub(crate) const fn is_of_a_later_version(self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Column(ColumnError::Unknown { .. }))
    }
}

impl From<ColumnError> for PartError {
    fn from(error: ColumnError) -> Self {
        Self::Column(error)
    }
}

impl fmt::Display for PartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "cut short"),
            Self::TrailingBytes(count) => write!(f, "found {count} bytes behind the end"),
            Self::BadMagic { found, expected } => write!(
                f,
                "frame magic: found {}, expected {}",
                found.escape_ascii(),
                expected.escape_ascii()
            ),
            Self::BadChecksum { what, stored, computed } => {
                write!(f, "{what} checksum: found {stored:#010x}, expected {computed:#010x}")
            }
            Self::Unknown { what, id } => write!(f, "{what} {id} is unknown"),
            Self::Invalid { what, found, expected } => {
                write!(f, "{what}: found {found}, expected {expected}")
            }
            Self::Differs { what, found, expected } => {
                write!(f, "{what}: found {found}, expected {expected}")
            }
            Self::Column(error) => write!(f, "{error}"),
        }
    }
}
