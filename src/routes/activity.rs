//! `/api/activity`: what one did.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tickroom_storage::event::Event;
use tickroom_storage::{EventId, TimestampMs};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Query};
use crate::openapi::{problem, schema};

/// The query of `GET /api/activity`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ActivityQuery {
    #[param(value_type = Option<schema::Cursor>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

/// Something that one did.
#[derive(Serialize, ToSchema)]
pub struct ActivityView {
    #[schema(value_type = schema::Id)]
    id: EventId,
    /// `post_created`, `comment_liked`, …; more may be added.
    #[schema(value_type = String, example = "post_created")]
    kind: Box<str>,
    /// What it was done to, by its ids; which there are depends on the kind.
    #[schema(value_type = Object)]
    details: Box<RawValue>,
    #[schema(value_type = schema::Time)]
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
#[derive(Serialize, ToSchema)]
pub struct ActivitiesView {
    activities: Vec<ActivityView>,
    /// What to pass as `cursor` to go on; null at the end.
    #[schema(value_type = Option<schema::Cursor>)]
    next_cursor: Option<EventId>,
}

/// What one did, newest first.
///
/// # Errors
///
/// 401 for nobody, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/activity", tag = "activity",
    params(ActivityQuery),
    responses((status = 200, body = ActivitiesView), problem::LoggedIn),
)]
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
