//! One simulated file: what a process sees, and what the disk is sure to have.

use super::fate::{Damage, Fate};
use alloc::vec::Vec;
use core::ops::Range;

/// Most zero bytes that a crash leaves behind the end of a log.
const MAX_RESERVED: usize = 4096;

#[derive(Debug, Clone)]
pub(super) enum FileOp {
    Append(Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    pub(super) live: Vec<u8>,
    synced: Vec<u8>,
    /// What turns `synced` into `live`, in order.
    pending: Vec<FileOp>,
    /// Bytes whose `sync` failed. The platform forgets about them, so no later `sync` helps.
    doubtful: Range<usize>,
    /// Opened as a log: room may be reserved behind the end.
    pub(super) log: bool,
}

impl FileOp {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Append(bytes) => content.extend_from_slice(bytes),
            Self::Truncate(len) => content.truncate(*len),
        }
    }
}

impl Inode {
    /// A file that has been on the disk for long.
    pub(super) fn durable(content: Vec<u8>) -> Self {
        Self { live: content.clone(), synced: content, ..Self::default() }
    }

    pub(super) fn apply(&mut self, op: FileOp) {
        op.apply(&mut self.live);
        self.doubtful.end = self.doubtful.end.min(self.live.len().max(self.doubtful.start));
        self.pending.push(op);
    }

    pub(super) fn sync(&mut self) {
        self.synced.clone_from(&self.live);
        self.pending.clear();
    }

    pub(super) fn fail_sync(&mut self) {
        let from = stable_len(&self.synced, &self.pending);
        let from = if self.doubtful.is_empty() { from } else { from.min(self.doubtful.start) };
        self.doubtful = from..self.live.len();
    }

    /// The content after a power cut that also interrupted `in_flight`.
    pub(super) fn after_crash(&self, in_flight: Option<&FileOp>, fate: &mut Fate) -> Vec<u8> {
        let ops: Vec<&FileOp> = self.pending.iter().chain(in_flight).collect();
        let happened = fate.survivors(ops.len());
        let happened = ops.get(..happened).unwrap_or_default();
        let mut content = self.synced.clone();
        for op in happened {
            op.apply(&mut content);
        }
        let stable = stable_len(&self.synced, happened.iter().copied());
        self.forget_doubtful(&mut content, fate);
        damage_tail(&mut content, stable, fate);
        self.reserve(&mut content, fate);
        content
    }

    /// Finishes, half finishes or drops the operation that a kill interrupted.
    pub(super) fn after_kill(&mut self, in_flight: Option<&FileOp>, fate: &mut Fate) {
        match in_flight {
            Some(FileOp::Append(bytes)) => {
                let written = fate.survivors(bytes.len());
                let written = bytes.get(..written).unwrap_or_default();
                self.apply(FileOp::Append(written.to_vec()));
            }
            Some(FileOp::Truncate(len)) if fate.survivors(1) == 1 => {
                self.apply(FileOp::Truncate(*len));
            }
            _ => {}
        }
        let mut zeros = Vec::new();
        self.reserve(&mut zeros, fate);
        if !zeros.is_empty() {
            self.apply(FileOp::Append(zeros));
        }
    }

    fn forget_doubtful(&self, content: &mut [u8], fate: &mut Fate) {
        let end = self.doubtful.end.min(content.len());
        if let Some(bytes) = content.get_mut(self.doubtful.start..end)
            && !matches!(fate, Fate::Everything)
        {
            bytes.fill_with(|| fate.byte());
        }
    }

    fn reserve(&self, content: &mut Vec<u8>, fate: &mut Fate) {
        if self.log {
            let zeros = fate.survivors(MAX_RESERVED);
            content.resize(content.len().saturating_add(zeros), 0);
        }
    }
}

/// How many leading bytes are as they were when last synced, whatever the disk still does.
fn stable_len<'a>(synced: &[u8], ops: impl IntoIterator<Item = &'a FileOp>) -> usize {
    ops.into_iter().fold(synced.len(), |stable, op| match op {
        FileOp::Append(_) => stable,
        FileOp::Truncate(len) => stable.min(*len),
    })
}

fn damage_tail(content: &mut Vec<u8>, stable: usize, fate: &mut Fate) {
    let unsynced = content.len().saturating_sub(stable);
    let damage = fate.damage();
    let intact = stable.saturating_add(match damage {
        Damage::None => return,
        _ => fate.survivors(unsynced),
    });
    let tail = content.get_mut(intact..).unwrap_or_default();
    match damage {
        Damage::None => {}
        Damage::Cut => content.truncate(intact),
        Damage::Zeroed => tail.fill(0),
        Damage::Garbage => tail.fill_with(|| fate.byte()),
    }
}
