//! One process for each root.

use super::error::failed;
use nanotdb_core::storage::{Result, StorageError, StorageErrorKind};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A root that nobody else writes to while this value lives.
///
/// The lock is advisory and belongs to an open file, `.nanotdb.lock`: the system drops it with the
/// process, however that ends, and a second attempt from the same process is refused as well. The
/// file itself stays; removing it could leave two processes holding different files.
#[derive(Debug)]
pub struct RootLock {
    file: File,
    path: PathBuf,
}

impl RootLock {
    /// Name of the lock file.
    pub const FILE_NAME: &str = ".nanotdb.lock";

    /// Locks the directory `root`, without waiting.
    ///
    /// # Errors
    ///
    /// `Locked`, naming the holder's process, or whatever the system reports.
    pub fn acquire(root: impl AsRef<Path>) -> Result<Self> {
        let path = root.as_ref().join(Self::FILE_NAME);
        let mut file = open(&path).map_err(|error| failed("lock", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(&mut file, &path)),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, &error)),
        }
        refuse_node(root.as_ref())?;
        // For people who look; a full disk has no room for it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file, path })
    }

    /// Where the lock file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RootLock {
    fn drop(&mut self) {
        // Only for people who look: a stale number would mislead, but harms nothing.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// The lock file, which is made when there is none. One that somebody else made, and that may not
/// be written, can be locked all the same.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            File::open(path).map_err(|_| error)
        }
        opened => opened,
    }
}

/// Where the npm package notes its process: Node has no locks of the system.
const NODE_FILE: &str = ".nanotdb.node.lock";

/// Refuses a root that a living process of Node has open. Only Linux tells who lives; elsewhere a
/// note is no reason.
fn refuse_node(root: &Path) -> Result<()> {
    let path = root.join(NODE_FILE);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    let Some(pid) = text.split_whitespace().next().and_then(|n| n.parse::<u32>().ok()) else {
        return Ok(());
    };
    if !Path::new("/proc").join(pid.to_string()).exists() {
        return Ok(());
    }
    let detail = format!("lock {}: held by Node's process {pid}", path.display());
    Err(StorageError::new(StorageErrorKind::Locked, detail))
}

fn locked(file: &mut File, path: &Path) -> StorageError {
    let mut text = String::new();
    // Fails where locks keep readers out, and is empty before the holder has written.
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let holder = match text.trim().parse::<u32>() {
        Ok(pid) => format!("process {pid}"),
        Err(_) => "another process".to_owned(),
    };
    let detail = format!("lock {}: held by {holder}", path.display());
    StorageError::new(StorageErrorKind::Locked, detail)
}
