//! The databases below the stores.

mod mongo;
mod sql;

pub use sql::Database;

pub(crate) use mongo::{Mongo, in_time};
pub(crate) use sql::{Insert, OnConflict, Transaction, Turn, Word};
