//! `/api/admin/dead-letters`: events that could not be processed.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tickroom_storage::dead_letter::DeadLetter;
use tickroom_storage::{EventId, TimestampMs, UserId};

use super::page;
use crate::app::App;
use crate::auth::Admin;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};

/// The query of `GET /api/admin/dead-letters`.
#[derive(Deserialize)]
pub struct DeadLettersQuery {
    cursor: Option<String>,
    limit: Option<u16>,
}

/// An event that was put aside.
#[derive(Serialize)]
pub struct DeadLetterView {
    id: EventId,
    actor_id: UserId,
    kind: Box<str>,
    version: i16,
    /// As it came, which may not be JSON.
    payload: Box<str>,
    created_at: TimestampMs,
    reason: Box<str>,
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
#[derive(Serialize)]
pub struct DeadLettersView {
    dead_letters: Vec<DeadLetterView>,
    /// What to pass as `cursor` to go on; null at the end.
    next_cursor: Option<EventId>,
}

/// `GET /api/admin/dead-letters?cursor=&limit=`.
///
/// # Errors
///
/// 401 for nobody, 403 for who is no administrator, 422 for a query that makes no sense.
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

/// `POST /api/admin/dead-letters/{id}/replay`: has an event processed again. 204; if it fails again, it comes back.
///
/// # Errors
///
/// 401, 403, 404.
pub async fn replay(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<EventId>,
) -> Result<StatusCode, ApiError> {
    app.dead_letters.replay(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/admin/dead-letters/{id}`: throws an event away. 204.
///
/// # Errors
///
/// 401, 403, 404.
pub async fn delete(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<EventId>,
) -> Result<StatusCode, ApiError> {
    app.dead_letters.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
