//! `/api/admin/dead-letters`: events that could not be processed.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tickroom_storage::dead_letter::DeadLetter;
use tickroom_storage::{EventId, TimestampMs, UserId};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::app::App;
use crate::auth::Admin;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};
use crate::openapi::{problem, schema};

/// The query of `GET /api/admin/dead-letters`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeadLettersQuery {
    #[param(value_type = Option<schema::Cursor>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

/// An event that was put aside.
#[derive(Serialize, ToSchema)]
pub struct DeadLetterView {
    #[schema(value_type = schema::Id)]
    id: EventId,
    #[schema(value_type = schema::Id)]
    actor_id: UserId,
    #[schema(value_type = String)]
    kind: Box<str>,
    version: i16,
    /// As it came, which may not be JSON.
    #[schema(value_type = String)]
    payload: Box<str>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    #[schema(value_type = String)]
    reason: Box<str>,
    #[schema(value_type = schema::Time)]
    failed_at: TimestampMs,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(DeadLetter { event, reason, failed_at }: DeadLetter) -> Self {
        Self {
            id: event.id,
            actor_id: event.actor,
            kind: event.kind,
            version: event.version,
            payload: event.payload,
            created_at: event.time,
            reason,
            failed_at,
        }
    }
}

/// A page of them, newest first.
#[derive(Serialize, ToSchema)]
pub struct DeadLettersView {
    dead_letters: Vec<DeadLetterView>,
    /// What to pass as `cursor` to go on; null at the end.
    #[schema(value_type = Option<schema::Cursor>)]
    next_cursor: Option<EventId>,
}

/// Events that could not be processed, the newest first.
///
/// # Errors
///
/// 401 for nobody, 403 for who is no administrator, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/admin/dead-letters", tag = "admin",
    operation_id = "dead_letters",
    params(DeadLettersQuery),
    responses((status = 200, body = DeadLettersView), problem::Administrator),
)]
pub async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Query(query): Query<DeadLettersQuery>,
) -> Result<Json<DeadLettersView>, ApiError> {
    let mut violations = Violations::default();
    let before = page::cursor(&mut violations, query.cursor.as_deref());
    let limit = page::items_limit(&mut violations, query.limit);
    violations.into_result()?;
    let mut letters = app.dead_letters.page(before, limit.saturating_add(1)).await?;
    let next_cursor = page::cut(&mut letters, limit, |letter| letter.event.id);
    let dead_letters = letters.into_iter().map(DeadLetterView::from).collect();
    Ok(Json(DeadLettersView { dead_letters, next_cursor }))
}

/// Has an event processed again. 204; if it fails again, it comes back.
///
/// # Errors
///
/// 401, 403, 404.
#[utoipa::path(
    post, path = "/api/admin/dead-letters/{id}/replay", tag = "admin",
    operation_id = "replay_dead_letter",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound),
)]
pub async fn replay(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<EventId>,
) -> Result<StatusCode, ApiError> {
    app.dead_letters.replay(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Throws an event away.
///
/// # Errors
///
/// 401, 403, 404.
#[utoipa::path(
    delete, path = "/api/admin/dead-letters/{id}", tag = "admin",
    operation_id = "delete_dead_letter",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound),
)]
pub async fn delete(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<EventId>,
) -> Result<StatusCode, ApiError> {
    app.dead_letters.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
