//! `diskfs.<mount>.*`: room on mounted file systems, in bytes.

use super::settings::{self, SettingsError, Skips};
use super::{Measure, Put, count, percent};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;
use sysinfo::{Disk, DiskRefreshKind, Disks};

#[derive(Debug)]
pub(super) struct FileSystems {
    skips: Skips,
}

/// Room in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    total: u64,
    /// Of it, what is not used.
    free: u64,
    /// Of that, what somebody other than the administrator may take.
    available: u64,
}

impl FileSystems {
    pub(super) fn new(settings: &settings::Disk) -> Result<Self, SettingsError> {
        Ok(Self { skips: Skips::new("collectors.disk.skip_mounts", &settings.skip_mounts)? })
    }
}

impl Measure for FileSystems {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        let wanted = DiskRefreshKind::nothing().with_storage();
        let Ok(disks) = Disks::new_with_refreshed_list_specifics(wanted) else { return };
        let mut disks: Vec<&Disk> = disks.iter().collect();
        disks.sort_by_key(|disk| disk.mount_point().as_os_str().len());
        let (mut names, mut devices) = (BTreeSet::new(), BTreeSet::new());
        for disk in disks {
            let mount = disk.mount_point();
            if self.skips.covers(&mount.to_string_lossy()) {
                continue;
            }
            // A device that is mounted in several places has one room: the shortest path tells it.
            // What is mounted over a mount has its name, too.
            let name = name(mount);
            let is_new = devices.insert((disk.name(), disk.total_space()));
            if !is_new || !names.insert(name.clone()) {
                continue;
            }
            let (total, available) = (disk.total_space(), disk.available_space());
            let room = room(mount).unwrap_or(Room { total, free: available, available });
            room.put(&name, put);
        }
    }
}

impl Room {
    fn put(self, name: &str, put: &mut Put<'_>) {
        if self.total == 0 {
            return;
        }
        let used = self.total.saturating_sub(self.free);
        put(&format!("diskfs.{name}.bytes_total"), count(self.total));
        put(&format!("diskfs.{name}.bytes_used"), count(used));
        put(&format!("diskfs.{name}.bytes_free"), count(self.free));
        put(&format!("diskfs.{name}.bytes_avail"), count(self.available));
        // As `df` has it: of what could be used by anybody.
        let usable = used.saturating_add(self.available);
        if usable > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
            let share = used as f64 / usable as f64;
            put(&format!("diskfs.{name}.used_pct"), percent(share));
        }
    }
}

/// The mount point as part of a metric's name: `/` is `root`, `/boot/efi` is `boot_efi`.
fn name(mount: &Path) -> String {
    let mount = mount.to_string_lossy();
    match mount.trim_matches(['/', '\\']) {
        "" => "root".to_owned(),
        path => super::part(path),
    }
}

#[cfg(target_os = "linux")]
fn room(mount: &Path) -> Option<Room> {
    let about = rustix::fs::statvfs(mount).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Some(Room {
        total: bytes(about.f_blocks),
        free: bytes(about.f_bfree),
        available: bytes(about.f_bavail),
    })
}

/// Elsewhere what is free is what is available.
#[cfg(not(target_os = "linux"))]
fn room(_: &Path) -> Option<Room> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_have_names() {
        assert_eq!(name(Path::new("/")), "root");
        assert_eq!(name(Path::new("/boot/firmware")), "boot_firmware");
        assert_eq!(name(Path::new("/mnt/my.disk/")), "mnt_my_disk");
    }

    #[test]
    fn used_is_of_what_could_be_used() {
        let mut found = Vec::new();
        let room = Room { total: 1000, free: 400, available: 200 };
        room.put("root", &mut |name, value| found.push((name.to_owned(), value.as_f64())));
        let expected = [
            ("bytes_total", 1000.0),
            ("bytes_used", 600.0),
            ("bytes_free", 400.0),
            ("bytes_avail", 200.0),
            ("used_pct", 75.0),
        ];
        let expected = expected.map(|(name, value)| (format!("diskfs.root.{name}"), value));
        assert_eq!(found, expected);
        Room { total: 0, free: 0, available: 0 }.put("none", &mut |name, _| panic!("{name}"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_root_has_room() {
        let room = room(Path::new("/")).unwrap();
        assert!(room.total >= room.free && room.free >= room.available, "{room:?}");
    }
}
