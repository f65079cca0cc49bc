//! How many files the program may have open.

/// Raises the limit as far as the system allows: it is mostly 1,024 for the sake of programs that
/// use `select`, and a store has a file for each day, a server one for each connection. A library
/// leaves that to the program it is part of.
#[cfg(unix)]
pub(super) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Where this is refused, as on macOS without a number, the limit stays as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(super) fn raise_limit() {}
