//! The wish to end: Ctrl+C, or what a service manager sends.

use nanotdb::signal::asked_to_end;
use std::io;
use std::sync::mpsc::{Receiver, channel};

/// Gets a message when somebody wants the program to end.
pub(crate) fn asked() -> io::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ask, asked) = channel();
    let wait = move || {
        if runtime.block_on(asked_to_end()).is_ok() {
            // Nobody listens once the program is ending anyway.
            let _ = ask.send(());
        }
    };
    std::thread::Builder::new().name("nanotdb-stop".into()).spawn(wait)?;
    Ok(asked)
}
