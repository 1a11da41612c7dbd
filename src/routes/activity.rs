//! `/api/activity`: what one did.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tickroom_storage::event::Event;
use tickroom_storage::{EventId, TimestampMs};

use super::page;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Query};

/// The query of `GET /api/activity`.
#[derive(Deserialize)]
pub struct ActivityQuery {
    cursor: Option<String>,
    limit: Option<u16>,
}

/// Something that one did.
#[derive(Serialize)]
pub struct ActivityView {
    id: EventId,
    /// `post_created`, `comment_liked`, …; more may be added.
    kind: Box<str>,
    /// What it was done to, by its ids; which there are depends on the kind.
    details: Box<RawValue>,
    created_at: TimestampMs,
}

impl TryFrom<Event> for ActivityView {
    type Error = ApiError;

    fn try_from(event: Event) -> Result<Self, ApiError> {
        let Event { id, kind, payload, time, .. } = event;
        let details = RawValue::from_string(payload.into()).map_err(ApiError::internal)?;
        Ok(Self { id, kind, details, created_at: time })
    }
}

/// A page of what one did, newest first.
#[derive(Serialize)]
pub struct ActivitiesView {
    activities: Vec<ActivityView>,
    /// What to pass as `cursor` to go on; null at the end.
    next_cursor: Option<EventId>,
}

/// `GET /api/activity?cursor=&limit=`: what one did, newest first.
///
/// # Errors
///
/// 401 for nobody, 422 for a query that makes no sense.
pub async fn list(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<ActivitiesView>, ApiError> {
    let mut violations = Violations::default();
    let before = page::cursor(&mut violations, query.cursor.as_deref());
    let limit = page::items_limit(&mut violations, query.limit);
    violations.into_result()?;
    let mut events = app.activity.page(me.user_id, before, limit.saturating_add(1)).await?;
    let next_cursor = page::cut(&mut events, limit, |event| event.id);
    let activities = events.into_iter().map(ActivityView::try_from).collect::<Result<_, _>>()?;
    Ok(Json(ActivitiesView { activities, next_cursor }))
}
