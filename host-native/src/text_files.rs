//! Files of lines, in and out of a store.

use crate::replace_file::ReplaceFile;
use crate::storage::failed;
use crate::store::Store;
use nanotdb_core::Result;
use nanotdb_core::engine::{ExportOptions, ImportReport, Importer, RejectedLine};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// Bytes read in one piece.
const CHUNK: usize = 1 << 20;

impl Store {
    /// Takes every line of a file in, making databases and metrics when there are none;
    /// `rejected` hears of each line that is not taken, and the others are kept.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and those that stop all later writes. Lines before the
    /// failure may have been taken.
    ///
    /// ```
    /// # use nanotdb::{Store, engine::ExportOptions};
    /// # let directory = tempfile::tempdir()?;
    /// # let (path, lines) = (directory.path().join("store"), directory.path().join("lines"));
    /// let store = Store::open(&path)?;
    /// std::fs::write(&lines, "home/door 1i 2026-01-01 12:00:00\nnonsense\n")?;
    /// let report = store.import_file(&lines, |line| assert_eq!(line.number, 2))?;
    /// assert_eq!((report.imported_lines, report.rejected_lines), (1, 1));
    /// assert_eq!(store.export_file("home", &lines, ExportOptions::default())?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn import_file(
        &self,
        path: impl AsRef<Path>,
        mut rejected: impl FnMut(RejectedLine),
    ) -> Result<ImportReport> {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(|error| failed("open", path, &error))?;
        let mut importer = Importer::of_file(&**self.engine(), None);
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return importer.finish(&mut rejected),
                Ok(read) => {
                    importer.feed(buffer.get(..read).unwrap_or_default(), &mut rejected)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("read", path, &error).into()),
            }
        }
    }

    /// Writes a database's samples as lines to a file, which is durable when it is replaced, and
    /// returns how many.
    ///
    /// # Errors
    ///
    /// When there is no such database, or a file cannot be read or written. A file that was at
    /// `path` is then still there.
    pub fn export_file(
        &self,
        database: &str,
        path: impl AsRef<Path>,
        options: ExportOptions,
    ) -> Result<u64> {
        let path = path.as_ref();
        let database = self.database(database)?;
        let mut file = ReplaceFile::begin(path).map_err(|error| failed("create", path, &error))?;
        let lines = database.export(options, |text| {
            Ok(file.write_all(text).map_err(|error| failed("write", path, &error))?)
        })?;
        file.finish().map_err(|error| failed("write", path, &error))?;
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use nanotdb_core::error::Rejection;
    use nanotdb_core::storage::StorageErrorKind;

    #[test]
    fn what_one_store_exports_another_imports() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let text = "home/a 7i 2026-01-01 12:00:00.000000001\nhome/b 1.5 2026-01-01 12:00:02";
        std::fs::write(at("lines"), text).unwrap();
        let store = Store::open(at("one")).unwrap();
        let report = store.import_file(at("lines"), |line| panic!("{line:?}")).unwrap();
        assert_eq!((report.total_lines, report.imported_lines), (2, 2));
        let options = ExportOptions::default();
        assert_eq!(store.export_file("home", at("out"), options).unwrap(), 2);
        let other = Store::open(at("other")).unwrap();
        other.import_file(at("out"), |line| panic!("{line:?}")).unwrap();
        other.export_file("home", at("again"), options).unwrap();
        let read = |name| std::fs::read_to_string(at(name)).unwrap();
        assert_eq!(read("again"), read("out"));
        assert_eq!(read("out").lines().count(), 2);
    }

    #[test]
    fn files_that_cannot_be_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let missing = directory.path().join("missing");
        let Err(Error::Storage(error)) = store.import_file(&missing, |_| ()) else { panic!() };
        assert_eq!(error.kind, StorageErrorKind::NotFound);
        assert!(error.detail.contains("missing"), "{error}");
        let unknown = store.export_file("nowhere", &missing, ExportOptions::default());
        assert!(matches!(unknown, Err(Error::Rejected(Rejection::UnknownDatabase(_)))));
        assert!(!missing.exists(), "nothing was begun");
        store.create_database("home").unwrap();
        let refused = store.export_file("home", directory.path(), ExportOptions::default());
        assert!(matches!(refused, Err(Error::Storage(_))), "a directory");
    }
}
