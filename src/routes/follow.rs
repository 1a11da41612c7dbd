//! `/api/users/{id}/follow`, `…/followers`, `…/following`: who follows whom.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tickroom_storage::follow::{Follow, Followed};
use tickroom_storage::limits::FOLLOWING_MAX;
use tickroom_storage::{FollowId, StorageError, TimestampMs, UserId};
use utoipa::IntoParams;

use super::page;
use super::user::{PublicView, UsersView};
use crate::app::App;
use crate::auth::{Authenticated, MaybeAuthenticated};
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};
use crate::openapi::{problem, schema};

/// Follows somebody from now on. 204, also if it was so before.
///
/// # Errors
///
/// 401 for nobody, 404 for nobody to follow, 409 when one follows as many as one may, 422 for oneself.
#[utoipa::path(
    put, path = "/api/users/{id}/follow", tag = "follow",
    params(("id" = schema::Id, Path)),
    responses(
        (status = 204),
        problem::LoggedIn, problem::NotFound, problem::TooManyFollows, problem::CannotFollowOneself,
    ),
)]
pub async fn begin(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(followee): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    let follower = identity.user_id;
    if follower == followee {
        return Err(ApiError::unprocessable("cannot_follow_oneself", "nobody follows herself"));
    }
    match app.follows.follow(app.ids.next(), follower, followee, TimestampMs::now()).await? {
        Followed::Begun | Followed::Already => Ok(StatusCode::NO_CONTENT),
        Followed::TooMany => {
            let detail = format!("one may follow {FOLLOWING_MAX} people; follow somebody else no more first");
            Err(ApiError::conflict("too_many_follows", detail))
        }
    }
}

/// Follows somebody no more. 204, also if it was so before.
///
/// # Errors
///
/// 401 for nobody, 404 for nobody to follow.
#[utoipa::path(
    delete, path = "/api/users/{id}/follow", tag = "follow",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotFound),
)]
pub async fn end(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(followee): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    app.follows.unfollow(identity.user_id, followee).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of both lists.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FollowsQuery {
    #[param(value_type = Option<schema::Id>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::UsersLimit>)]
    limit: Option<u16>,
}

impl FollowsQuery {
    fn check(&self) -> Result<(Option<FollowId>, u16), ApiError> {
        let mut violations = Violations::default();
        let limit = page::users_limit(&mut violations, self.limit);
        let cursor = page::cursor(&mut violations, self.cursor.as_deref());
        violations.into_result().map(|()| (cursor, limit))
    }
}

/// Who follows somebody, the newest first.
///
/// # Errors
///
/// 404 for nobody, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/users/{id}/followers", tag = "follow",
    params(("id" = schema::Id, Path), FollowsQuery),
    responses((status = 200, body = UsersView), problem::Visitor, problem::NotFound),
)]
pub async fn followers(
    State(app): State<App>,
    MaybeAuthenticated(viewer): MaybeAuthenticated,
    Path(of): Path<UserId>,
    Query(query): Query<FollowsQuery>,
) -> Result<Json<UsersView>, ApiError> {
    let (before, limit) = query.check()?;
    let viewer = viewer.map(|viewer| viewer.user_id);
    view(app.follows.followers(of, viewer, before, limit + 1).await, viewer, limit)
}

/// Whom somebody follows, the newest first.
///
/// # Errors
///
/// 404 for nobody, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/users/{id}/following", tag = "follow",
    params(("id" = schema::Id, Path), FollowsQuery),
    responses((status = 200, body = UsersView), problem::Visitor, problem::NotFound),
)]
pub async fn following(
    State(app): State<App>,
    MaybeAuthenticated(viewer): MaybeAuthenticated,
    Path(of): Path<UserId>,
    Query(query): Query<FollowsQuery>,
) -> Result<Json<UsersView>, ApiError> {
    let (before, limit) = query.check()?;
    let viewer = viewer.map(|viewer| viewer.user_id);
    view(app.follows.following(of, viewer, before, limit + 1).await, viewer, limit)
}

fn view(
    page: Result<Vec<Follow>, StorageError>,
    viewer: Option<UserId>,
    limit: u16,
) -> Result<Json<UsersView>, ApiError> {
    let mut page = page?;
    let next_cursor = page::cut(&mut page, limit, |last| last.id.to_string());
    let users = page.into_iter().map(|follow| PublicView::seen_by(viewer, follow.profile)).collect();
    Ok(Json(UsersView { users, next_cursor }))
}
