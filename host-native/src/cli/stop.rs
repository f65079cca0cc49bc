//! The wish to end: Ctrl+C, or what a service manager sends.

use std::io;
use std::sync::mpsc::{Receiver, channel};

/// Gets a message when somebody wants the program to end.
pub(crate) fn asked() -> io::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ask, asked) = channel();
    let wait = move || {
        if runtime.block_on(signal()).is_ok() {
            // Nobody listens once the program is ending anyway.
            let _ = ask.send(());
        }
    };
    std::thread::Builder::new().name("nanotdb-stop".into()).spawn(wait)?;
    Ok(asked)
}

#[cfg(unix)]
async fn signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
