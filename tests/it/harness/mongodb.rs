//! MongoDB for tests: a database of their own on the server that all share.

use std::env;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

/// The server that all share.
const VARIABLE: &str = "TICKROOM_TEST_MONGODB_URL";

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Where the shared server listens.
pub(crate) fn shared_mongodb() -> SocketAddr {
    #[expect(clippy::disallowed_methods, reason = "where the server is, tests are told by the environment")]
    let url = env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} is not set, see ops/services"));
    let host = url.trim_start_matches("mongodb://").split(['/', '?']).next().unwrap();
    host.parse().unwrap()
}

/// The URL of a fresh database on the server at this address.
pub(crate) fn fresh_database(server: SocketAddr) -> String {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    format!("mongodb://{server}/tickroom_it_{}_{number}?directConnection=true", std::process::id())
}
