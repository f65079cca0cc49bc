//! What a query does about files that it cannot read.

use crate::error::{Error, Result};
use crate::sorted::SortedSet;
use crate::storage::FileName;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

/// A file, or a place in it, that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Damaged {
    /// The database that the file belongs to.
    pub database: String,
    /// The file's name.
    pub file: String,
    /// Where in it, in bytes from its start; nothing when the whole file could not be read.
    pub offset: Option<u64>,
    /// What was found and what was expected.
    pub detail: String,
}

impl Damaged {
    fn new(database: &str, file: &str, error: Error) -> Self {
        let database = database.to_string();
        match error {
            Error::Corrupt(found) => {
                let (file, offset, detail) = (found.file, Some(found.offset), found.detail);
                Self { database, file, offset, detail }
            }
            Error::Unsupported { file, detail } => Self { database, file, offset: None, detail },
            other => {
                Self { database, file: file.to_string(), offset: None, detail: other.to_string() }
            }
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, file, offset, detail } = self;
        match offset {
            Some(offset) => write!(f, "{database}/{file}: damaged at byte {offset}: {detail}"),
            None => write!(f, "{database}/{file}: {detail}"),
        }
    }
}

/// Everything that some queries could not read, each place once.
#[derive(Debug)]
pub(crate) struct Notes {
    database: String,
    found: RefCell<SortedSet<Damaged>>,
}

impl Notes {
    pub(crate) fn new(database: &str) -> Self {
        Self { database: database.to_string(), found: RefCell::default() }
    }

    pub(crate) fn to_vec(&self) -> Vec<Damaged> {
        self.found.borrow().as_slice().to_vec()
    }

    /// Takes in what others noted.
    pub(crate) fn extend(&self, others: &Self) {
        let mut found = self.found.borrow_mut();
        for damaged in others.found.borrow().iter() {
            found.insert(damaged.clone());
        }
    }
}

/// What to do about a file that cannot be read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OnDamage<'a> {
    /// The query fails.
    Fail,
    /// It is noted, and the query answers from everything else.
    Note(&'a Notes),
}

impl OnDamage<'_> {
    /// Whether the query goes on after this error.
    pub(crate) const fn tolerates(self, error: &Error) -> bool {
        matches!(self, Self::Note(_)) && error.is_about_one_file()
    }

    /// Notes an error of this file, or fails with it.
    pub(crate) fn note(self, file: &FileName, error: Error) -> Result<()> {
        match self {
            Self::Note(notes) if error.is_about_one_file() => {
                let damaged = Damaged::new(&notes.database, file.as_str(), error);
                notes.found.borrow_mut().insert(damaged);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Notes an error that names its file. Any other is met again, and noted, by whoever opens the
    /// files one by one.
    pub(crate) fn note_named(self, error: Error) -> Result<()> {
        match (self, &error) {
            (Self::Note(_), Error::Corrupt(found)) => {
                let file = FileName::new(&found.file)?;
                self.note(&file, error)
            }
            (Self::Note(_), _) if error.is_about_one_file() => Ok(()),
            _ => Err(error),
        }
    }

    /// The result, or nothing where its error was noted.
    pub(crate) fn pass<T>(self, file: &FileName, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) => self.note(file, error).map(|()| None),
        }
    }
}
