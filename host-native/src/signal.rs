//! The wish of whoever runs the program that it end.

use std::io;

/// Returns when the process is asked to end: by an interrupt, or where there is that, SIGTERM. To be
/// awaited in a runtime of `tokio` that has its drivers.
///
/// # Errors
///
/// When the system has no way to tell.
#[cfg(unix)]
pub async fn asked_to_end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
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
