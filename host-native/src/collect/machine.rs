//! The small files in which Linux describes the machine.

use std::fs;
use std::path::{Path, PathBuf};

/// Where those files are. Tests have a directory of their own.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The machine that this runs on.
    pub(super) fn this() -> Self {
        Self::at(Path::new("/"))
    }

    /// A machine whose files are below another directory.
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A path below the root, as in `proc/stat`.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The text of a file; nothing when there is none, as on other systems.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// The names in a directory, sorted.
    pub(super) fn list(&self, path: &str) -> Vec<String> {
        list(&self.path(path))
    }
}

/// The names in a directory, sorted; none when there is no directory.
pub(super) fn list(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// The whole number that a file holds and nothing else.
pub(super) fn number(path: &Path) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
