//! `/api/tags`: what posts are about.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tickroom_storage::tag::{Tag, TagCount};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::app::App;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Query};
use crate::limits::{PAGE_TAGS, PAGE_TAGS_MAX};
use crate::openapi::schema;

/// The query of `GET /api/tags`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TagsQuery {
    #[param(value_type = Option<schema::Tag>)]
    q: Option<String>,
    #[param(value_type = Option<schema::TagsLimit>)]
    limit: Option<u16>,
}

/// A tag and how many posts have it.
#[derive(Serialize, ToSchema)]
pub struct TagView {
    #[schema(value_type = schema::Tag)]
    name: Tag,
    post_count: u64,
}

/// The most used tags.
#[derive(Serialize, ToSchema)]
pub struct TagsView {
    tags: Vec<TagView>,
}

/// The most used tags, or of those that begin with `q`; for completion, so there is one page.
///
/// # Errors
///
/// 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/tags", tag = "tag",
    params(TagsQuery),
    responses((status = 200, body = TagsView)),
)]
pub async fn list(
    State(app): State<App>,
    Query(query): Query<TagsQuery>,
) -> Result<Json<TagsView>, ApiError> {
    let mut violations = Violations::default();
    let prefix = query.q.and_then(|q| violations.check("q", q.parse()));
    let limit = page::limit(&mut violations, query.limit.unwrap_or(PAGE_TAGS), PAGE_TAGS_MAX);
    violations.into_result()?;
    let tags = app.tags.popular(prefix.as_ref(), limit).await?;
    let tags = tags.into_iter().map(|TagCount { tag: name, post_count }| TagView { name, post_count });
    Ok(Json(TagsView { tags: tags.collect() }))
}
