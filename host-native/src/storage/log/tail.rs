//! The end of a log, mapped into memory.
//!
//! Mapping is for Linux, and for file systems that overwrite in place. There a block that has been
//! written once has its place on the disk, so a later store never finds the disk full. Copy on
//! write (btrfs, ZFS, bcachefs, APFS) needs a new block for each change and would answer with
//! SIGBUS; network file systems would on a lost connection. So would XFS once a block is shared with
//! a copy (`cp --reflink`), so there it must have been made without shared blocks.

#[cfg(not(target_os = "linux"))]
pub(super) use absent::Tail;
#[cfg(target_os = "linux")]
pub(super) use mapped::Tail;

#[cfg(target_os = "linux")]
mod mapped {
    use memmap2::{MmapMut, MmapOptions};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;

    /// File systems where reserved room stays, by the number `statfs` gives them.
    const OVERWRITING: [u32; 4] = [
        0x0000_EF53, // ext2, ext3, ext4
        0x5846_5342, // XFS
        0xF2F5_2010, // F2FS
        0x0102_1994, // tmpfs
    ];

    /// Whether the file system can make copies that share blocks with the file. Asked by a copy of
    /// the file onto itself, which no file system carries out: those that share no blocks do not
    /// know the request, the others refuse it as senseless, or find nothing to copy.
    fn may_share_blocks(file: &File) -> bool {
        let answer = rustix::fs::ioctl_ficlone(file, file);
        !matches!(answer, Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS))
    }

    /// A window from somewhere in the log to the end of what is reserved.
    #[derive(Debug)]
    pub(in super::super) struct Tail {
        start: u64,
        map: MmapMut,
    }

    impl Tail {
        pub(in super::super) fn is_safe_for(file: &File) -> bool {
            let Ok(status) = rustix::fs::fstatfs(file) else { return false };
            // Signed or not, 32 bits or 64: that depends on the target.
            let magic = u32::try_from(i128::from(status.f_type) & 0xFFFF_FFFF);
            magic.is_ok_and(|magic| OVERWRITING.contains(&magic)) && !may_share_blocks(file)
        }

        /// Maps `start..end`; the file is at least that long and stays so.
        pub(in super::super) fn map(file: &File, start: u64, end: u64) -> io::Result<Self> {
            let len = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
            let mut options = MmapOptions::new();
            options.offset(start).len(len);
            #[expect(unsafe_code, reason = "a file can only be mapped this way")]
            // SAFETY: nobody else changes these bytes or the file's length while the map lives.
            // Within the process `LogFile` owns the only writing handle and drops the map before
            // it cuts the file; other processes are kept out by the lock on the root.
            let map = unsafe { options.map_mut(file) }?;
            Ok(Self { start, map })
        }

        /// Copies `bytes` to this place of the file, or says that the window ends before.
        #[inline]
        pub(in super::super) fn write(&mut self, offset: u64, bytes: &[u8]) -> bool {
            let Some(room) = offset
                .checked_sub(self.start)
                .and_then(|from| usize::try_from(from).ok())
                .and_then(|from| self.map.get_mut(from..)?.get_mut(..bytes.len()))
            else {
                return false;
            };
            room.copy_from_slice(bytes);
            true
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod absent {
    use std::fs::File;
    use std::io;

    /// No window, so no value.
    #[derive(Debug)]
    pub(in super::super) enum Tail {}

    impl Tail {
        pub(in super::super) fn is_safe_for(_file: &File) -> bool {
            false
        }

        pub(in super::super) fn map(_file: &File, _start: u64, _end: u64) -> io::Result<Self> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }

        pub(in super::super) fn write(&mut self, _offset: u64, _bytes: &[u8]) -> bool {
            match *self {}
        }
    }
}
