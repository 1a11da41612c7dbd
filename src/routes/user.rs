//! `/api/users`: who is who.

use axum::extract::State;
use serde::Serialize;
use tickroom_storage::{
    TimestampMs, UserId,
    user::{Role, User, Users},
};

use crate::{
    auth::Authenticated,
    error::ApiError,
    extract::{Json, Path},
};

/// What everybody may know of somebody.
#[derive(Serialize)]
pub struct PublicView {
    id: UserId,
    /// `null` for a deleted account: what one calls its owner is for each language to say.
    username: Option<String>,
    /// Whether the account was deleted.
    deleted: bool,
    profile_url: Option<String>,
    intro: Option<String>,
    created_at: TimestampMs,
}

/// What one may know of oneself.
#[derive(Serialize)]
pub struct OwnView {
    #[serde(flatten)]
    public: PublicView,
    email: String,
    /// When the address was proved.
    verified_at: Option<TimestampMs>,
    role: Role,
}

impl From<User> for PublicView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.deleted_at.is_none().then(|| user.name.to_string()),
            deleted: user.deleted_at.is_some(),
            profile_url: user.avatar_url,
            intro: user.intro,
            created_at: user.created_at,
        }
    }
}

impl From<User> for OwnView {
    fn from(user: User) -> Self {
        let (email, verified_at, role) = (user.email.to_string(), user.verified_at, user.role);
        Self { public: user.into(), email, verified_at, role }
    }
}

/// `GET /api/users/me`.
///
/// # Errors
///
/// 401 for nobody, 404 for somebody whose account is gone.
pub async fn me(
    State(users): State<Users>,
    Authenticated(identity): Authenticated,
) -> Result<Json<OwnView>, ApiError> {
    find(&users, identity.user_id).await.map(|user| Json(user.into()))
}

/// `GET /api/users/{id}`.
///
/// # Errors
///
/// 404 for nobody.
pub async fn show(State(users): State<Users>, Path(id): Path<UserId>) -> Result<Json<PublicView>, ApiError> {
    find(&users, id).await.map(|user| Json(user.into()))
}

async fn find(users: &Users, id: UserId) -> Result<User, ApiError> {
    users.by_id(id).await?.ok_or_else(|| ApiError::not_found("user"))
}
