//! tickroom

pub mod auth;
pub mod cli;
pub mod config;
pub mod error;
pub mod extract;
pub mod limits;
pub mod middleware;
pub mod routes;
pub mod telemetry;
