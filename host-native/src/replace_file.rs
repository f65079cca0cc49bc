//! Files that are replaced whole or not at all.
//!
//! A file is written beside the one that it will replace, as `<name>.tmp`, and gets its name once it
//! is whole and on the disk. Whatever interrupts the work, what was there stays. A `<name>.tmp` that
//! a killed process has left is written over by the next one that writes to the same file; two at
//! once are refused.
//!
//! A link is followed: the file that it leads to is replaced. A new file has the permissions of the
//! old one. What is no file, like a pipe, a terminal or a device, is written directly.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Links that are followed before a path is given up.
const MAX_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A file of this name, that is there or can be.
    File(PathBuf),
    /// Something that can be written to, and not replaced.
    Stream,
}

/// A file that is being written.
#[derive(Debug)]
pub struct ReplaceFile {
    to: File,
    /// The file's name, and the one it has until it is whole; none for a stream.
    names: Option<(PathBuf, PathBuf)>,
    is_new: bool,
    is_finished: bool,
}

impl ReplaceFile {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// When the path is a directory, or no file can be made in its directory; `WouldBlock` when
    /// somebody else is writing to it.
    pub fn begin(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = match place_of(path.as_ref())? {
            Place::File(path) => path,
            Place::Stream => {
                let to = stream(path.as_ref())?;
                return Ok(Self { to, names: None, is_new: true, is_finished: false });
            }
        };
        let temporary = temporary(&path);
        let to = claim(&temporary).map_err(|error| about(&temporary, &error))?;
        let old = fs::metadata(&path).ok();
        let mut begun =
            Self { to, is_new: old.is_none(), names: Some((path, temporary)), is_finished: false };
        begun.to.set_len(0)?;
        if let Some(old) = old {
            begun.take_after(&old)?;
        }
        Ok(begun)
    }

    /// Whether there is no file yet that this one will replace.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    ///
    /// What the system reports; what was there is then still there, or the new file.
    pub fn finish(mut self) -> io::Result<()> {
        self.to.flush()?;
        let Some((path, temporary)) = &self.names else {
            // What cannot be synced need not be.
            return match self.to.sync_all() {
                Err(error) if error.kind() != ErrorKind::InvalidInput => Err(error),
                _ => Ok(()),
            };
        };
        // Before the rename: a name must never reach bytes that are not durable.
        self.to.sync_all()?;
        fs::rename(temporary, path)?;
        self.is_finished = true;
        sync_directory(path.parent())
    }

    /// Gives the new file the permissions of the old one, and its owner where that is allowed.
    fn take_after(&mut self, old: &fs::Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Only a privileged process may give files away; others write in their own name.
            let _ = fchown(&self.to, Some(old.uid()), Some(old.gid()));
        }
        self.to.set_permissions(old.permissions())
    }
}

impl Write for ReplaceFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Drop for ReplaceFile {
    fn drop(&mut self) {
        if let Some((_, temporary)) = self.names.as_ref().filter(|_| !self.is_finished) {
            // What failed is being reported; the next attempt writes over what is left.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Replaces a file by one with this content.
///
/// # Errors
///
/// As [`ReplaceFile::begin`] and [`ReplaceFile::finish`].
pub fn replace(path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    let mut file = ReplaceFile::begin(path)?;
    file.write_all(content)?;
    file.finish()
}

/// The file that a path leads to, through links, also where it is yet to be made; nothing when that
/// is no file.
///
/// # Errors
///
/// When it is a directory or names nothing, or links lead in a circle.
pub fn resolve(path: impl AsRef<Path>) -> io::Result<Option<PathBuf>> {
    Ok(match place_of(path.as_ref())? {
        Place::File(path) => Some(path),
        Place::Stream => None,
    })
}

fn place_of(path: &Path) -> io::Result<Place> {
    if is_own_stream(path) {
        return Ok(Place::Stream);
    }
    let mut path = std::path::absolute(path)?;
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return new_file(path),
            Err(error) => return Err(about(&path, &error)),
            Ok(found) if found.is_symlink() => {
                let target = fs::read_link(&path)?;
                // Relative to where the link is.
                path = path.parent().unwrap_or(Path::new("/")).join(target);
            }
            Ok(found) if found.is_dir() => {
                return Err(about(&path, &io::Error::other("this is a directory")));
            }
            Ok(found) if found.is_file() => return Ok(Place::File(fs::canonicalize(&path)?)),
            Ok(_) => return Ok(Place::Stream),
        }
        if is_own_stream(&path) {
            return Ok(Place::Stream);
        }
    }
    Err(about(&path, &io::Error::other("links lead in a circle")))
}

fn new_file(path: PathBuf) -> io::Result<Place> {
    if path.file_name().is_none() {
        return Err(about(&path, &io::Error::other("this names no file")));
    }
    Ok(Place::File(path))
}

/// Whether the path stands for something that this process has open already.
fn is_own_stream(path: &Path) -> bool {
    let text = path.to_str().unwrap_or_default();
    ["/dev/stdout", "/dev/stderr"].contains(&text)
        || text.starts_with("/dev/fd/")
        || text.starts_with("/proc/self/fd/")
}

/// Standard output and standard error as they are: opened anew, a file behind them would be written
/// from its start.
fn stream(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let text = path.to_str().unwrap_or_default();
        let number = text.rsplit_once("/fd/").map(|(_, number)| number);
        if text == "/dev/stdout" || number == Some("1") {
            return Ok(io::stdout().as_fd().try_clone_to_owned()?.into());
        }
        if text == "/dev/stderr" || number == Some("2") {
            return Ok(io::stderr().as_fd().try_clone_to_owned()?.into());
        }
    }
    OpenOptions::new().append(true).open(path).map_err(|error| about(path, &error))
}

/// Opens a file that is nobody else's, whoever made it.
fn claim(path: &Path) -> io::Result<File> {
    loop {
        // Not made shorter before it is known to be ours.
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.try_lock()?;
        // Whoever had it may have given it its name just before.
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let found = file.metadata().map(identity).ok();
    found.is_some() && found == fs::metadata(path).map(identity).ok()
}

/// Elsewhere a file that is open is not renamed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The name of a file until it is whole.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".tmp");
    path.with_file_name(name)
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    let detail = match error.kind() {
        ErrorKind::WouldBlock => "somebody else is writing it".to_owned(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("{}: {detail}", path.display()))
}

#[cfg(unix)]
fn sync_directory(directory: Option<&Path>) -> io::Result<()> {
    directory.map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Elsewhere a directory cannot be opened; the system writes it on its own.
#[cfg(not(unix))]
fn sync_directory(_: Option<&Path>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_not_finished_leaves_the_old_file_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        fs::write(&path, "old").unwrap();
        let mut file = ReplaceFile::begin(&path).unwrap();
        assert!(!file.is_new());
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(place.path()), ["out"]);
    }

    #[test]
    fn a_finished_file_takes_the_place_of_the_old_one_and_of_what_a_killed_process_left() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        fs::write(&path, "old").unwrap();
        fs::write(place.path().join("out.tmp"), "left by a process that was killed").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(place.path()), ["out"]);
    }

    #[test]
    fn two_writers_of_one_file_are_not_mixed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        let first = ReplaceFile::begin(&path).unwrap();
        assert!(first.is_new());
        let refused = ReplaceFile::begin(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        assert!(refused.to_string().ends_with("out.tmp: somebody else is writing it"), "{refused}");
        first.finish().unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn directories_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let refused = ReplaceFile::begin(place.path()).unwrap_err().to_string();
        assert!(refused.ends_with("this is a directory"), "{refused}");
        let missing = ReplaceFile::begin(place.path().join("none/out")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        #[test]
        fn links_stay_and_what_they_lead_to_is_replaced() {
            let place = tempfile::tempdir().unwrap();
            let at = |name: &str| place.path().join(name);
            fs::create_dir(at("real")).unwrap();
            fs::write(at("real/file"), "old").unwrap();
            symlink("real/file", at("link")).unwrap();
            symlink("link", at("second")).unwrap();
            symlink("real/new", at("dangling")).unwrap();
            replace(at("second"), b"new").unwrap();
            replace(at("dangling"), b"made").unwrap();
            assert_eq!(fs::read(at("real/file")).unwrap(), b"new");
            assert_eq!(fs::read(at("real/new")).unwrap(), b"made");
            assert!(fs::symlink_metadata(at("second")).unwrap().is_symlink());
            assert!(fs::symlink_metadata(at("dangling")).unwrap().is_symlink());
            assert_eq!(names(&at("real")), ["file", "new"]);
            symlink("circle", at("circle")).unwrap();
            assert!(replace(at("circle"), b"").is_err());
        }

        #[test]
        fn permissions_stay() {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("out");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            replace(&path, b"new").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }

        #[test]
        fn what_is_no_file_is_written_directly() {
            let place = tempfile::tempdir().unwrap();
            let pipe = place.path().join("pipe");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
            assert!(made.success());
            let reader = {
                let pipe = pipe.clone();
                std::thread::spawn(move || fs::read(pipe).unwrap())
            };
            replace(&pipe, b"through").unwrap();
            assert_eq!(reader.join().unwrap(), b"through");
            assert_eq!(names(place.path()), ["pipe"]);
            replace("/dev/null", b"away").unwrap();
            replace("/dev/stderr", b"").unwrap();
        }
    }
}
