//! What holds in a room, and what was done: lists for those who keep order, and for everybody what concerns herself.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tickroom_storage::moderation::{Entry, Sanction, SanctionKind};
use tickroom_storage::{MessageId, ModerationId, TimestampMs, UserId};
use utoipa::{IntoParams, ToSchema};

use super::super::post::AuthorView;
use super::super::{page, room};
use super::kept;
use crate::app::App;
use crate::auth::{Authenticated, Identity};
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};
use crate::openapi::{problem, schema};

/// The query of the lists.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ModerationQuery {
    #[param(value_type = Option<schema::Id>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

impl ModerationQuery {
    fn check(&self) -> Result<(Option<ModerationId>, u16), ApiError> {
        let mut violations = Violations::default();
        let cursor = page::cursor(&mut violations, self.cursor.as_deref());
        let limit = page::items_limit(&mut violations, self.limit);
        violations.into_result().map(|()| (cursor, limit))
    }
}

/// That somebody is banned or muted.
#[derive(Serialize, ToSchema)]
pub struct SanctionView {
    user: AuthorView,
    /// Who imposed it.
    #[schema(value_type = schema::Id)]
    by: UserId,
    reason: Option<String>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    /// `null` for good.
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<TimestampMs>,
}

impl From<Sanction> for SanctionView {
    fn from(sanction: Sanction) -> Self {
        let Sanction { user, by, created_at, ends_at, reason, .. } = sanction;
        let reason = reason.map(|reason| reason.to_string());
        Self { user: user.into(), by, reason, created_at, ends_at }
    }
}

/// A page of bans or mutes, the latest first.
#[derive(Serialize, ToSchema)]
pub struct SanctionsView {
    sanctions: Vec<SanctionView>,
    /// What to pass as `cursor` to go on; `null` at the end.
    next_cursor: Option<String>,
}

/// Something that was done to keep order.
#[derive(Serialize, ToSchema)]
pub struct ModerationEntryView {
    #[schema(value_type = schema::Id)]
    id: ModerationId,
    #[schema(value_type = schema::ModerationAction)]
    action: &'static str,
    by: AuthorView,
    /// To whom; for a message, who had said it.
    #[schema(value_type = Option<schema::Id>)]
    user_id: Option<UserId>,
    /// The message.
    #[schema(value_type = Option<schema::Id>)]
    message_id: Option<MessageId>,
    /// Of the slow mode.
    #[schema(value_type = Option<schema::SlowModeSeconds>)]
    seconds: Option<i64>,
    reason: Option<String>,
    /// Of a ban or mute; `null` for good.
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<TimestampMs>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
}

impl From<Entry> for ModerationEntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            action: entry.action.as_str(),
            by: entry.by.into(),
            user_id: entry.target,
            message_id: entry.message,
            seconds: entry.seconds,
            reason: entry.reason.map(|reason| reason.to_string()),
            ends_at: entry.ends_at,
            created_at: entry.created_at,
        }
    }
}

/// A page of what was done, the latest first.
#[derive(Serialize, ToSchema)]
pub struct ModerationView {
    entries: Vec<ModerationEntryView>,
    /// What to pass as `cursor` to go on; `null` at the end.
    next_cursor: Option<String>,
}

/// Who keeps order in a room, the longest first.
#[derive(Serialize, ToSchema)]
pub struct ModeratorsView {
    moderators: Vec<AuthorView>,
}

/// What holds for the caller.
#[derive(Serialize, ToSchema)]
pub struct HeldView {
    #[schema(value_type = schema::SanctionKind)]
    kind: &'static str,
    /// `null` for good.
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<TimestampMs>,
}

/// What the caller is and may in a room.
#[derive(Serialize, ToSchema)]
pub struct StandingView {
    /// Whether the caller is one of the room's moderators. Administrators keep order everywhere without being one.
    moderator: bool,
    /// What the caller may not do.
    sanctions: Vec<HeldView>,
    /// How long everybody but moderators waits between two messages.
    #[schema(value_type = schema::SlowModeSeconds)]
    slow_mode_seconds: u64,
}

/// Who may not come into a room, the latest first.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/rooms/{name}/bans", tag = "room",
    params(("name" = schema::RoomName, Path), ModerationQuery),
    responses((status = 200, body = SanctionsView), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn bans(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(name): Path<String>,
    Query(query): Query<ModerationQuery>,
) -> Result<Json<SanctionsView>, ApiError> {
    sanctions(&app, &identity, &name, SanctionKind::Ban, &query).await
}

/// Who may not speak in a room, the latest first.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/rooms/{name}/mutes", tag = "room",
    params(("name" = schema::RoomName, Path), ModerationQuery),
    responses((status = 200, body = SanctionsView), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn mutes(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(name): Path<String>,
    Query(query): Query<ModerationQuery>,
) -> Result<Json<SanctionsView>, ApiError> {
    sanctions(&app, &identity, &name, SanctionKind::Mute, &query).await
}

async fn sanctions(
    app: &App,
    identity: &Identity,
    name: &str,
    kind: SanctionKind,
    query: &ModerationQuery,
) -> Result<Json<SanctionsView>, ApiError> {
    let slot = kept(app, identity, name).await?;
    let (before, limit) = query.check()?;
    let now = TimestampMs::now();
    let mut found = app.moderation.sanctions(&slot.name, kind, now, before, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit, |last| last.id.to_string());
    Ok(Json(SanctionsView { sanctions: found.into_iter().map(Into::into).collect(), next_cursor }))
}

/// What was done to keep order in a room, and by whom, the latest first.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/rooms/{name}/moderation", tag = "room",
    params(("name" = schema::RoomName, Path), ModerationQuery),
    responses((status = 200, body = ModerationView), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn entries(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(name): Path<String>,
    Query(query): Query<ModerationQuery>,
) -> Result<Json<ModerationView>, ApiError> {
    let slot = kept(&app, &identity, &name).await?;
    let (before, limit) = query.check()?;
    let mut found = app.moderation.entries(&slot.name, before, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit, |last| last.id.to_string());
    Ok(Json(ModerationView { entries: found.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Who keeps order in a room, the longest first.
///
/// # Errors
///
/// 404 for a room that does not exist.
#[utoipa::path(
    get, path = "/api/rooms/{name}/moderators", tag = "room",
    params(("name" = schema::RoomName, Path)),
    responses((status = 200, body = ModeratorsView), problem::NotFound),
)]
pub async fn moderators(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<ModeratorsView>, ApiError> {
    let slot = room::find(&app, &name)?;
    let moderators = app.moderation.moderators(&slot.name).await?;
    Ok(Json(ModeratorsView { moderators: moderators.into_iter().map(Into::into).collect() }))
}

/// What the caller is and may in a room.
///
/// # Errors
///
/// 401 for nobody, 404 for a room that does not exist.
#[utoipa::path(
    get, path = "/api/rooms/{name}/me", tag = "room",
    params(("name" = schema::RoomName, Path)),
    responses((status = 200, body = StandingView), problem::LoggedIn, problem::NotFound),
)]
pub async fn standing(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(name): Path<String>,
) -> Result<Json<StandingView>, ApiError> {
    let slot = room::find(&app, &name)?;
    let now = TimestampMs::now();
    let standing = app.moderation.standing(&slot.name, identity.user_id, now).await?;
    let held = standing.sanctions.into_iter();
    Ok(Json(StandingView {
        moderator: standing.is_moderator,
        sanctions: held.map(|(kind, ends_at)| HeldView { kind: kind.as_str(), ends_at }).collect(),
        slow_mode_seconds: standing.slow_mode.as_secs(),
    }))
}
