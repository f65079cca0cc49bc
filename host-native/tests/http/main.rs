//! The server as programs meet it.

mod damage;
mod delete;
mod engine;
mod guard;
mod hostile;
mod reference;
mod store;
mod support;
