//! Real files, and a system that refuses by itself: nothing is injected.
//!
//! The limits are those of the whole process, so it must have one thread, and pass over the signal
//! `SIGXFSZ`, with which the system tells of a file that would become too long.

use super::ground::{Ground, Trouble};
use nanotdb::storage::{FsFile, FsStorage};
use nanotdb_core::storage::{FileName, Result, Storage, StorageFile};
use rustix::process::{Resource, Rlimit, Uid, geteuid, getrlimit, setrlimit};
use rustix::thread::set_thread_res_uid;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

/// Root may open everything, so somebody else does it: a user without files.
const NOBODY: u32 = 65_534;

impl Ground for FsStorage {
    /// A full disk often has room for a name; the first byte is one too many.
    fn create_without_room(&self, name: &FileName) -> Result<FsFile> {
        self.create(name)
    }

    /// No file may become longer than this one is with a third of the bytes.
    fn append_without_room(file: &mut FsFile, bytes: &[u8]) -> Result<()> {
        let room = file.len()? + bytes.len() as u64 / 3;
        limited(Resource::Fsize, room, || file.append(bytes))
    }

    fn open_in_vain<T>(&self, trouble: Trouble, call: impl FnOnce() -> Result<T>) -> Result<T> {
        match trouble {
            Trouble::Denied => locked_out(self, call),
            _ => limited(Resource::Nofile, 0, call),
        }
    }
}

fn limited<T>(resource: Resource, limit: u64, call: impl FnOnce() -> T) -> T {
    let usual = getrlimit(resource);
    let set = |limit| setrlimit(resource, limit).expect("not more than the hard limit");
    set(Rlimit { current: Some(limit), maximum: usual.maximum });
    let done = call();
    set(usual);
    done
}

/// Nobody may enter the directory.
fn locked_out<T>(directory: &FsStorage, call: impl FnOnce() -> T) -> T {
    let allow = |mode| {
        let permissions = Permissions::from_mode(mode);
        set_permissions(directory.path(), permissions).expect("it is ours");
    };
    let user = geteuid();
    let act_as = |user: Uid| {
        if geteuid().is_root() || user.is_root() {
            set_thread_res_uid(None, user, None).expect("root may be anybody");
        }
    };
    allow(0);
    act_as(if user.is_root() { Uid::from_raw(NOBODY) } else { user });
    let done = call();
    act_as(user);
    allow(0o755);
    done
}
