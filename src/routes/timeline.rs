//! `/api/timeline`: posts of those whom one follows, and one's own.

use axum::extract::State;
use serde::Deserialize;
use tickroom_storage::TimestampMs;

use super::post::{PostsView, Sort};
use super::{page, post};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Query};

/// The query of `GET /api/timeline`.
#[derive(Deserialize)]
pub struct TimelineQuery {
    #[serde(default)]
    sort: Sort,
    cursor: Option<String>,
    limit: Option<u16>,
}

/// `GET /api/timeline?sort=&cursor=&limit=`: the newest first, or the most popular of the last seven days.
///
/// # Errors
///
/// 401 for nobody, 422 for a query that makes no sense.
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
