//! The wish of whoever runs the program that it end.

use std::io;

/// Returns when the process is asked to end: by an interrupt, or where there are these, SIGTERM, and
/// SIGHUP unless it is ignored, as `nohup` has it. To be awaited in a runtime of `tokio` that has its
/// drivers.
///
/// # Errors
///
/// When the system has no way to tell.
#[cfg(unix)]
pub async fn asked_to_end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = hangup_ends().then(|| signal(SignalKind::hangup())).transpose()?;
    let hung_up = async {
        match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => core::future::pending().await,
        }
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
        _ = hung_up => Ok(()),
    }
}

/// Whether SIGHUP would end the process. Where that cannot be asked it is left as it is: a program
/// that `nohup` started must go on when its terminal closes.
#[cfg(unix)]
fn hangup_ends() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Bit 0 is signal 1, SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 0)
}

/// Returns when the process is asked to end, by an interrupt. To be awaited in a runtime of `tokio`
/// that has its drivers.
///
/// # Errors
///
/// When the system has no way to tell.
#[cfg(not(unix))]
pub async fn asked_to_end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
