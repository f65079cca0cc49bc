//! What the tests of full disks run on real files, in a process of its own, whose limits they set:
//! the work and the trouble. Prints how many things were refused.

#[cfg(target_os = "linux")]
fn main() {
    use nanotdb::storage::FsStorage;
    use nanotdb_tests::shortage::{Trouble, Work, hinder_everywhere};
    use std::cell::Cell;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, trouble] = arguments.as_slice() else {
        panic!("expected work and trouble, not {arguments:?}");
    };
    let work = Work::ALL.into_iter().find(|it| format!("{it:?}") == *work).expect("a work");
    let trouble = Trouble::ALL.into_iter().find(|it| format!("{it:?}") == *trouble);
    // Memory that is files as well as a disk is, where there is any: some thousand stores are made.
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let scratch = scratch.expect("a directory");
    let (path, number) = (scratch.path().to_owned(), Cell::new(0_u64));
    let fresh = std::rc::Rc::new(move |name: &str| {
        number.set(number.get() + 1);
        FsStorage::create(path.join(format!("{}-{name}", number.get()))).expect("a directory")
    });
    let refused = hinder_everywhere(work, trouble.expect("a trouble"), move |name| (*fresh)(name));
    println!("{refused}");
}

/// Other systems have other limits.
#[cfg(not(target_os = "linux"))]
fn main() {}
