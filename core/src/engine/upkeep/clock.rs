//! The clock, before retention goes by it: what samples say of the time, and the file that
//! remembers the last run.

use crate::engine::clock_watch::{
    ClockJump, ClockWatch, Evidence, LAST_RUN, Moment, Verdict, from_bytes, to_text,
};
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::FileKind;
use crate::engine::host::{Clock, Host, Shared};
use crate::engine::root::Engine;
use crate::engine::writer::Writer;
use crate::error::Result;
use crate::partition::Partition;
use crate::settings::ClockSettings;
use crate::sorted::SortedSet;
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::Timestamp;
use core::time::Duration;

/// Begins to watch the clock. In a root without samples it is believed: nothing can be lost by that.
pub(in crate::engine) fn open_watch<H: Host>(
    host: &H,
    root: &H::Storage,
    settings: &ClockSettings,
) -> Result<ClockWatch> {
    let recorded = match root.read(&FileName::new(LAST_RUN)?)? {
        None => None,
        Some(bytes) => match from_bytes(&bytes) {
            Ok(time) => Some(time),
            Err(detail) => {
                host.note(&Event::LastRunUnknown { detail: &detail });
                None
            }
        },
    };
    let now = moment(host.clock());
    let accept_after = u64::try_from(settings.accept_after.as_nanos()).unwrap_or(0);
    let accept_after = Duration::from_nanos(accept_after);
    let max_jump_ns = settings.max_jump.as_nanos();
    let mut watch = ClockWatch::new(max_jump_ns, accept_after, recorded, now.monotonic);
    if recorded.is_none() && !has_samples(host)? {
        watch.believe(now);
    }
    Ok(watch)
}

/// Whether any database has files that hold samples. Looked at before the first run only.
fn has_samples<H: Host>(host: &H) -> Result<bool> {
    for name in host.databases()? {
        let storage = host.database(&name, false)?;
        for file in storage.list()? {
            let is_log = file.as_str().rsplit('.').next() == Some("wal");
            let holds_samples = is_log || FileKind::parse(file.as_str()).is_some();
            if holds_samples && storage.open(&file)?.len()? > 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn moment(clock: &impl Clock) -> Moment {
    Moment { wall: clock.now(), monotonic: clock.monotonic() }
}

impl<H: Host> Engine<H> {
    /// What was wrong with the clock when it was last looked at: with the last tick, before
    /// retention, and by [`check_clock`](Self::check_clock). Never waits for a disk.
    pub fn clock_jump(&self) -> Option<ClockJump> {
        self.clock.read(ClockWatch::jump)
    }

    /// What is wrong with the clock, if it shows a time so far after the last run and the newest
    /// samples of open databases that nothing is deleted or archived by it: more than
    /// `clock.max_jump`. It is believed, and nothing is wrong with it any more, once the engine has
    /// run for `clock.accept_after` or [`confirm_clock`](Self::confirm_clock) was called.
    pub fn check_clock(&self) -> Option<ClockJump> {
        let verdict = self.clock.write(|watch| {
            watch.judge(moment(self.host().clock()), |has_last_run| {
                let max_jump_ns = self.settings().clock.max_jump.as_nanos();
                let open = self.open_databases();
                let each = open.iter().filter_map(|db| db.newest_period(max_jump_ns, has_last_run));
                each.max().map_or(Evidence::Unknown, Evidence::Since)
            })
        });
        tell(self.host(), verdict)
    }

    /// The time that decides what has expired: that of the clock, or, while it is not believed, the
    /// latest that it was expected to show.
    pub(in crate::engine) fn retention_clock(&self) -> Timestamp {
        self.check_clock().map_or_else(|| self.now(), |jump| jump.expected)
    }

    /// Says that the clock is right, however far it has jumped, and remembers it: what has expired
    /// by it may go.
    ///
    /// # Errors
    ///
    /// When that cannot be written; the clock is believed all the same, until the engine is closed.
    pub fn confirm_clock(&self) -> Result<()> {
        let now = moment(self.host().clock());
        self.clock.write(|watch| watch.believe(now));
        if self.options().read_only {
            return Ok(());
        }
        self.write_last_run(now.wall)
    }

    /// Remembers the time of this run now and then, while the clock is believed. Nobody's samples
    /// depend on it, so nobody fails for it; it is tried again with the next tick that is due.
    pub(in crate::engine) fn record_run(&self) {
        let Some(time) = self.clock.read(ClockWatch::record_due) else { return };
        if let Err(error) = self.write_last_run(time) {
            self.host().note(&Event::LastRunNotWritten { error: &error });
        }
    }

    fn write_last_run(&self, time: Timestamp) -> Result<()> {
        // Before it is written: a full disk is not asked twice a second.
        self.clock.write(|watch| watch.note_recorded(time));
        let name = FileName::new(LAST_RUN)?;
        Ok(self.host().root()?.replace(&name, to_text(time).as_bytes())?)
    }
}

impl<H: Host> Database<H> {
    /// As [`Engine::check_clock`], by what this database knows.
    pub(in crate::engine) fn check_clock(&self) -> Option<ClockJump> {
        let max_jump_ns = self.clock().read(ClockWatch::max_jump_ns);
        let verdict = self.clock().write(|watch| {
            watch.judge(moment(self.host().clock()), |has_last_run| {
                let newest = self.newest_period(max_jump_ns, has_last_run);
                newest.map_or(Evidence::Unknown, Evidence::Since)
            })
        });
        tell(self.host(), verdict)
    }

    /// As [`Engine::retention_clock`].
    pub(in crate::engine) fn retention_clock(&self) -> Timestamp {
        let jump = self.check_clock();
        jump.map_or_else(|| self.host().clock().now(), |jump| jump.expected)
    }

    /// A time until which samples came, by which to judge the clock. Samples of a period that begins
    /// further than `max_jump_ns` after those before are no witnesses: the clock that they have
    /// their times from may be the one in question. Where a last run is known, the same goes for
    /// samples that have none before them.
    fn newest_period(&self, max_jump_ns: i64, has_last_run: bool) -> Option<Timestamp> {
        let newest = self.writer().read(Writer::newest)?;
        let partitions: SortedSet<Partition> = self
            .readable()
            .state
            .read(|state| state.files.keys().chain(state.pages.keys()).copied().collect());
        let mut later: Option<Partition> = None;
        let mut found = None;
        for partition in partitions.iter().rev().copied() {
            let is_followed = later.is_some_and(|later: Partition| {
                later.range().from.0.saturating_sub(partition.range().to.0) <= max_jump_ns
            });
            if is_followed {
                found = later;
                break;
            }
            later = Some(partition);
        }
        // All stand alone: the earliest is the safest to go by.
        let alone = later.filter(|_| !has_last_run);
        let witness = found.or(alone)?;
        Some(witness.range().to.min(Timestamp(newest)))
    }
}

/// Tells the host what is new about the clock.
fn tell<H: Host>(host: &H, verdict: Verdict) -> Option<ClockJump> {
    match verdict {
        Verdict::Doubted(jump) => host.note(&Event::ClockJumped { jump: &jump }),
        Verdict::Accepted => host.note(&Event::ClockAccepted),
        Verdict::Believed | Verdict::StillDoubted(_) => {}
    }
    verdict.jump()
}
