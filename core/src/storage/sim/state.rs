//! The simulated disk and the process that uses it.

use super::SimOptions;
use super::fate::{Fate, Random};
use super::inode::{FileOp, Inode};
use crate::storage::{FileName, Result, StorageError, StorageErrorKind};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

pub(super) type Directory = BTreeMap<FileName, u64>;

#[derive(Debug, Clone)]
pub(super) enum DirOp {
    Create(FileName, u64),
    Rename(FileName, FileName),
    Remove(FileName),
}

/// The operation that the crash interrupted.
#[derive(Debug, Clone)]
enum InFlight {
    File(u64, FileOp),
    Directory(DirOp),
}

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) options: SimOptions,
    pub(super) steps: u64,
    pub(super) opens: u64,
    dead: bool,
    inodes: Vec<Inode>,
    /// What the process sees.
    pub(super) live: Directory,
    /// What the disk is sure to have.
    durable: Directory,
    /// What turns `durable` into `live`, in order.
    pending: Vec<DirOp>,
    in_flight: Option<InFlight>,
}

/// What happens to the mutation that is about to run.
enum Verdict {
    Succeeds,
    Fails(StorageErrorKind),
    Dies,
}

/// Whether a mutation needs room on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Needed,
    NotNeeded,
}

impl DirOp {
    fn apply(&self, directory: &mut Directory) {
        match self {
            Self::Create(name, inode) => {
                directory.insert(name.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = directory.remove(from) {
                    directory.insert(to.clone(), inode);
                }
            }
            Self::Remove(name) => {
                directory.remove(name);
            }
        }
    }
}

impl State {
    pub(super) fn holding(files: BTreeMap<FileName, Vec<u8>>) -> Self {
        let mut state = Self::default();
        for (name, content) in files {
            let inode = state.add(Inode::durable(content));
            state.live.insert(name, inode);
        }
        state.durable.clone_from(&state.live);
        state
    }

    pub(super) fn add(&mut self, inode: Inode) -> u64 {
        self.inodes.push(inode);
        u64::try_from(self.inodes.len()).unwrap_or(u64::MAX).saturating_sub(1)
    }

    pub(super) fn find(&self, name: &FileName) -> Result<u64> {
        self.live.get(name).copied().ok_or_else(|| {
            StorageError::new(StorageErrorKind::NotFound, format!("{name}: no such file"))
        })
    }

    pub(super) fn inode(&self, inode: u64) -> Result<&Inode> {
        let index = usize::try_from(inode).ok();
        index.and_then(|index| self.inodes.get(index)).ok_or_else(lost_inode)
    }

    pub(super) fn inode_mut(&mut self, inode: u64) -> Result<&mut Inode> {
        let index = usize::try_from(inode).ok();
        index.and_then(|index| self.inodes.get_mut(index)).ok_or_else(lost_inode)
    }

    /// The process that crashed does nothing more, not even reading.
    pub(super) fn check_alive(&self) -> Result<()> {
        if self.dead { Err(crashed(self.steps)) } else { Ok(()) }
    }

    pub(super) fn change_file(&mut self, inode: u64, op: FileOp) -> Result<()> {
        let room = match op {
            FileOp::Append(_) => Room::Needed,
            FileOp::Truncate(_) => Room::NotNeeded,
        };
        let left = self.room_left();
        let verdict = match (self.next_verdict(room)?, &op) {
            (Verdict::Succeeds, FileOp::Append(bytes)) if bytes.len() > left => {
                Verdict::Fails(StorageErrorKind::NoSpace)
            }
            (verdict, _) => verdict,
        };
        match verdict {
            Verdict::Succeeds => self.inode_mut(inode)?.apply(op),
            Verdict::Fails(kind) => {
                if let FileOp::Append(mut bytes) = op {
                    bytes.truncate(Random(self.steps).up_to(bytes.len()).min(left));
                    self.inode_mut(inode)?.apply(FileOp::Append(bytes));
                }
                return Err(injected(kind, self.steps));
            }
            Verdict::Dies => {
                self.in_flight = Some(InFlight::File(inode, op));
                return Err(crashed(self.steps));
            }
        }
        Ok(())
    }

    /// Bytes that the quota leaves.
    fn room_left(&self) -> usize {
        let Some(quota) = self.options.quota else { return usize::MAX };
        let lens = self.live.values().filter_map(|id| Some(self.inode(*id).ok()?.live.len()));
        usize::try_from(quota).unwrap_or(usize::MAX).saturating_sub(lens.sum())
    }

    pub(super) fn change_directory(&mut self, op: DirOp) -> Result<()> {
        let room = match op {
            DirOp::Create(..) => Room::Needed,
            DirOp::Rename(..) | DirOp::Remove(_) => Room::NotNeeded,
        };
        match self.next_verdict(room)? {
            Verdict::Succeeds => {
                op.apply(&mut self.live);
                self.pending.push(op);
                Ok(())
            }
            Verdict::Fails(kind) => Err(injected(kind, self.steps)),
            Verdict::Dies => {
                self.in_flight = Some(InFlight::Directory(op));
                Err(crashed(self.steps))
            }
        }
    }

    pub(super) fn sync_file(&mut self, inode: u64) -> Result<()> {
        match self.next_verdict(Room::NotNeeded)? {
            Verdict::Succeeds => {
                self.inode_mut(inode)?.sync();
                Ok(())
            }
            Verdict::Fails(kind) => {
                self.inode_mut(inode)?.fail_sync();
                Err(injected(kind, self.steps).leaving_doubt())
            }
            Verdict::Dies => Err(crashed(self.steps)),
        }
    }

    pub(super) fn sync_directory(&mut self) -> Result<()> {
        self.check_opens("the directory")?; // which has to be opened for it
        match self.next_verdict(Room::NotNeeded)? {
            Verdict::Succeeds => {
                self.durable.clone_from(&self.live);
                self.pending.clear();
                Ok(())
            }
            Verdict::Fails(kind) => Err(injected(kind, self.steps).leaving_doubt()),
            Verdict::Dies => Err(crashed(self.steps)),
        }
    }

    /// Lets an opening fail when it is its turn: no file is left that the process may open, or it
    /// lacks the permission.
    pub(super) fn check_opens(&mut self, what: &str) -> Result<()> {
        self.check_alive()?;
        self.opens = self.opens.saturating_add(1);
        match self.options.cannot_open {
            Some((window, kind)) if window.contains(self.opens) => {
                let opening = self.opens;
                let detail = format!("injected {kind:?}: cannot open {what} at opening {opening}");
                Err(StorageError::new(kind, detail))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn after_crash(&self, fate: &mut Fate) -> Self {
        let in_flight = match &self.in_flight {
            Some(InFlight::Directory(op)) => Some(op),
            _ => None,
        };
        let ops: Vec<&DirOp> = self.pending.iter().chain(in_flight).collect();
        let mut directory = self.durable.clone();
        for op in ops.iter().take(fate.survivors(ops.len())) {
            op.apply(&mut directory);
        }
        let mut files = BTreeMap::new();
        for (name, id) in directory {
            if let Ok(inode) = self.inode(id) {
                files.insert(name, inode.after_crash(self.in_flight_on(id), fate));
            }
        }
        Self::holding(files)
    }

    pub(super) fn after_kill(&self, fate: &mut Fate) -> Self {
        let mut next = self.clone();
        (next.options, next.steps, next.opens) = (SimOptions::default(), 0, 0);
        next.dead = false;
        next.in_flight = None;
        if let Some(InFlight::Directory(op)) = &self.in_flight
            && fate.survivors(1) == 1
        {
            op.apply(&mut next.live);
            next.pending.push(op.clone());
        }
        for (id, inode) in (0..).zip(&mut next.inodes) {
            inode.after_kill(self.in_flight_on(id), fate);
            inode.log = false; // its process is gone, and the reserved room is part of the file
        }
        next
    }

    pub(super) fn files(&self) -> BTreeMap<FileName, Vec<u8>> {
        let content = |id: &u64| self.inode(*id).map(|inode| inode.live.clone());
        self.live.iter().filter_map(|(name, id)| Some((name.clone(), content(id).ok()?))).collect()
    }

    fn in_flight_on(&self, inode: u64) -> Option<&FileOp> {
        match &self.in_flight {
            Some(InFlight::File(id, op)) if *id == inode => Some(op),
            _ => None,
        }
    }

    fn next_verdict(&mut self, room: Room) -> Result<Verdict> {
        self.check_alive()?;
        self.steps = self.steps.saturating_add(1);
        if self.options.crash_at == Some(self.steps) {
            self.dead = true;
            return Ok(Verdict::Dies);
        }
        let is_full = self.options.full.is_some_and(|window| window.contains(self.steps));
        match self.options.fail_at {
            Some((step, kind)) if step == self.steps => Ok(Verdict::Fails(kind)),
            _ if is_full && room == Room::Needed => Ok(Verdict::Fails(StorageErrorKind::NoSpace)),
            _ => Ok(Verdict::Succeeds),
        }
    }
}

fn lost_inode() -> StorageError {
    StorageError::new(StorageErrorKind::Io, "simulated storage: no such inode")
}

fn crashed(step: u64) -> StorageError {
    let detail = format!("simulated crash at step {step}");
    StorageError::new(StorageErrorKind::Io, detail)
}

fn injected(kind: StorageErrorKind, step: u64) -> StorageError {
    StorageError::new(kind, format!("injected {kind:?} at step {step}"))
}
