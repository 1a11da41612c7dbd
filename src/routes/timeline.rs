//! `/api/timeline`: posts of those whom one follows, and one's own.

use axum::extract::State;
use serde::Deserialize;
use tickroom_storage::TimestampMs;
use utoipa::IntoParams;

use super::post::{PostsView, Sort};
use super::{page, post};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Query};
use crate::openapi::{problem, schema};

/// The query of `GET /api/timeline`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    #[serde(default)]
    #[param(value_type = Option<schema::Sort>)]
    sort: Sort,
    #[param(value_type = Option<schema::Cursor>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

/// The newest first, or the most popular of the last seven days.
///
/// # Errors
///
/// 401 for nobody, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/timeline", tag = "post",
    operation_id = "timeline",
    params(TimelineQuery),
    responses((status = 200, body = PostsView), problem::LoggedIn),
)]
pub async fn list(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Query(query): Query<TimelineQuery>,
) -> Result<Json<PostsView>, ApiError> {
    let mut violations = Violations::default();
    let order = post::order(&mut violations, query.sort, query.cursor.as_deref(), TimestampMs::now());
    let limit = page::items_limit(&mut violations, query.limit);
    violations.into_result()?;
    let posts = app.posts.timeline(identity.user_id, order, limit + 1).await?;
    Ok(Json(PostsView::of(posts, query.sort, limit)))
}
