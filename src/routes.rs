//! Handlers, one file per noun. Which URL leads to which of them stands in the router.

pub mod auth;
pub mod user;
