//! Serves a root until it is killed; says on standard output where.

use nanotdb::Store;
use nanotdb::server::{Server, Settings};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args_os().nth(1).ok_or("usage: serve-until-killed ROOT")?;
    let root = Path::new(&root);
    let store = Store::open(root)?;
    let mut settings = Settings::of_root(root, store.settings())?;
    settings.listen = "127.0.0.1:0".into();
    let server = Server::start(store.engine(), settings)?;
    println!("{}", server.address());
    Ok(server.wait_for_signal()?)
}
