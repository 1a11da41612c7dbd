//! The databases below the stores.

mod sql;

pub use sql::Database;

pub(crate) use sql::{Insert, OnConflict, Transaction, Word};
