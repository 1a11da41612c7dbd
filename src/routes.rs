//! Handlers, one file per noun. Which URL leads to which of them stands in [`crate::router`].

pub mod account;
pub mod activation;
pub mod activity;
pub mod admin;
pub mod auth;
pub mod backfill;
pub mod candle;
pub mod centrifuge;
pub mod comment;
pub mod dead_letter;
pub mod docs;
pub mod follow;
pub mod market;
pub mod moderation;
pub mod notification;
pub mod ops;
mod page;
pub mod picture;
pub mod post;
pub mod room;
pub mod tag;
pub mod timeline;
pub mod ui;
pub mod user;

use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use tickroom_actors::registry::Refused;
use tickroom_actors::session::Dialect;

use crate::app::App;
use crate::auth::Identity;
use crate::error::ApiError;
use crate::socket::OpenSession;

/// Lets a socket in, if there is room for it and they do not come too fast.
fn open_socket(app: &App, identity: Option<Identity>, dialect: Dialect) -> Result<OpenSession, ApiError> {
    app.handshakes
        .check()
        .map_err(|until| ApiError::busy_for(until.wait_time_from(DefaultClock::default().now())))?;
    let slot = app.tree.open(identity.map(Into::into), dialect).map_err(|refused| match refused {
        Refused::TooManyOfUser => ApiError::too_many_sockets(),
        Refused::Full | Refused::ShuttingDown => ApiError::busy_for(Duration::from_secs(1)),
    })?;
    Ok(OpenSession::new(Arc::clone(&app.tree), slot))
}

impl From<Identity> for tickroom_actors::session::Identity {
    fn from(identity: Identity) -> Self {
        let Identity { user_id: user, name, profile_url, family, expires_at, .. } = identity;
        Self { user, name, profile_url, family, expires_at }
    }
}
