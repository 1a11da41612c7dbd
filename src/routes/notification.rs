//! `/api/notifications`: what one is told of, as pages and as a stream. Only one's own, always.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use serde::{Deserialize, Serialize};
use tickroom_actors::registry::Refused;
use tickroom_actors::wire::notification::{self as wording, Language};
use tickroom_storage::notification::{About, Notification, NotificationKind};
use tickroom_storage::{CommentId, NotificationId, Offset, PostId, RoomName, TimestampMs, UserId};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::app::App;
use crate::auth::{Authenticated, StreamIdentity};
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};
use crate::openapi::{problem, schema};
use crate::stream;

/// Where a client that comes back was.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Something that one is told.
#[derive(Serialize, ToSchema)]
pub struct NotificationView {
    #[schema(value_type = schema::Id)]
    id: NotificationId,
    #[schema(value_type = schema::NotificationKind)]
    kind: NotificationKind,
    actor: ActorView,
    /// What it says, in the language of the request.
    #[schema(example = "김철수님이 회원님을 팔로우합니다.")]
    text: String,
    /// Where to look at it: a path of this server.
    #[schema(example = "/api/users/96469263351816192")]
    link: String,
    target: TargetView,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    #[schema(value_type = Option<schema::Time>)]
    read_at: Option<TimestampMs>,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
#[schema(as = NotificationActorView)]
struct ActorView {
    #[schema(value_type = schema::Id)]
    id: UserId,
    /// Null where the account is gone.
    #[schema(value_type = Option<String>)]
    username: Option<Arc<str>>,
    #[schema(value_type = Option<String>)]
    profile_url: Option<Arc<str>>,
}

/// What it is about, as far as it applies.
#[derive(Serialize, ToSchema)]
struct TargetView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Id, required = false)]
    post_id: Option<PostId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Id, required = false)]
    comment_id: Option<CommentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::RoomName, required = false)]
    room: Option<RoomName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Offset, required = false)]
    offset: Option<Offset>,
}

impl NotificationView {
    /// A notification as its reader sees it.
    pub fn of(notification: &Notification, language: Language) -> Self {
        let Notification { id, kind, actor, actor_name, actor_avatar_url, about, .. } = notification;
        let About { post, comment, message } = about.clone();
        let (room, offset) = message.unzip();
        Self {
            id: *id,
            kind: *kind,
            actor: ActorView {
                id: *actor,
                username: actor_name.clone(),
                profile_url: actor_avatar_url.clone(),
            },
            text: wording::text(notification, language),
            link: wording::link(notification),
            target: TargetView { post_id: post, comment_id: comment, room, offset },
            created_at: notification.created_at,
            read_at: notification.read_at,
        }
    }
}

/// The language that a request asks for.
fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok());
    accepted.map_or_else(Language::default, Language::accepted)
}

/// The query of `GET /api/notifications`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationsQuery {
    /// Only those that were not read yet.
    #[serde(default)]
    unread: bool,
    #[param(value_type = Option<schema::Cursor>)]
    cursor: Option<String>,
    #[param(value_type = Option<schema::ItemsLimit>)]
    limit: Option<u16>,
}

/// A page of notifications, newest first.
#[derive(Serialize, ToSchema)]
pub struct NotificationsView {
    notifications: Vec<NotificationView>,
    /// What to pass as `cursor` to go on; null at the end.
    #[schema(value_type = Option<schema::Cursor>)]
    next_cursor: Option<NotificationId>,
}

/// What one was told, newest first.
///
/// # Errors
///
/// 401 for nobody, 422 for a query that makes no sense.
#[utoipa::path(
    get, path = "/api/notifications", tag = "notification",
    params(NotificationsQuery, ("accept-language" = Option<String>, Header, example = "en")),
    responses((status = 200, body = NotificationsView), problem::LoggedIn),
)]
pub async fn list(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Query(query): Query<NotificationsQuery>,
    headers: HeaderMap,
) -> Result<Json<NotificationsView>, ApiError> {
    let mut violations = Violations::default();
    let before = page::cursor(&mut violations, query.cursor.as_deref());
    let limit = page::items_limit(&mut violations, query.limit);
    violations.into_result()?;
    let page = app.notifications.page(me.user_id, query.unread, before, limit.saturating_add(1));
    let mut rows = page.await?;
    let next_cursor = page::cut(&mut rows, limit, |notification| notification.id);
    let language = language(&headers);
    let notifications = rows.iter().map(|row| NotificationView::of(row, language)).collect();
    Ok(Json(NotificationsView { notifications, next_cursor }))
}

/// How many are unread.
#[derive(Serialize, ToSchema)]
pub struct UnreadView {
    count: u64,
}

/// How many notifications are unread.
///
/// # Errors
///
/// 401 for nobody.
#[utoipa::path(
    get, path = "/api/notifications/unread-count", tag = "notification",
    responses((status = 200, body = UnreadView), problem::LoggedIn),
)]
pub async fn unread_count(
    State(app): State<App>,
    Authenticated(me): Authenticated,
) -> Result<Json<UnreadView>, ApiError> {
    Ok(Json(UnreadView { count: app.notifications.unread_count(me.user_id).await? }))
}

/// Marks a notification as read. 204, also when it was read before.
///
/// # Errors
///
/// 401 for nobody, 404 for one that is not there or another's.
#[utoipa::path(
    post, path = "/api/notifications/{id}/read", tag = "notification",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotFound),
)]
pub async fn read(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Path(id): Path<NotificationId>,
) -> Result<StatusCode, ApiError> {
    app.notifications.read(me.user_id, id, TimestampMs::now()).await?;
    app.tree.recount(me.user_id);
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `POST /api/notifications/read-all`.
#[derive(Deserialize, ToSchema)]
pub struct ReadAllBody {
    /// The newest one that the reader has seen: what came later stays unread.
    #[schema(value_type = schema::Id)]
    up_to: NotificationId,
}

/// How many were marked as read.
#[derive(Serialize, ToSchema)]
pub struct ReadAllView {
    read: u64,
}

/// Marks all notifications as read, up to one that the reader has seen.
///
/// # Errors
///
/// 401 for nobody, 422 without an id.
#[utoipa::path(
    post, path = "/api/notifications/read-all", tag = "notification",
    request_body = ReadAllBody,
    responses((status = 200, body = ReadAllView), problem::LoggedIn),
)]
pub async fn read_all(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Json(body): Json<ReadAllBody>,
) -> Result<Json<ReadAllView>, ApiError> {
    let read = app.notifications.read_up_to(me.user_id, body.up_to, TimestampMs::now()).await?;
    app.tree.recount(me.user_id);
    Ok(Json(ReadAllView { read }))
}

/// Throws a notification away.
///
/// # Errors
///
/// 401 for nobody, 404 for one that is not there or another's.
#[utoipa::path(
    delete, path = "/api/notifications/{id}", tag = "notification",
    params(("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotFound),
)]
pub async fn delete(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Path(id): Path<NotificationId>,
) -> Result<StatusCode, ApiError> {
    app.notifications.delete(me.user_id, id).await?;
    app.tree.recount(me.user_id);
    Ok(StatusCode::NO_CONTENT)
}

/// For each kind whether one is told: in the answer all of them, in a request those that change.
pub type SettingsView = BTreeMap<NotificationKind, bool>;

/// Of which kinds one is told.
///
/// # Errors
///
/// 401 for nobody.
#[utoipa::path(
    get, path = "/api/notifications/settings", tag = "notification",
    responses((status = 200, body = schema::NotificationSettings), problem::LoggedIn),
)]
pub async fn settings(
    State(app): State<App>,
    Authenticated(me): Authenticated,
) -> Result<Json<SettingsView>, ApiError> {
    let muted = app.notifications.muted(me.user_id).await?;
    Ok(Json(NotificationKind::ALL.into_iter().map(|kind| (kind, !muted.contains(&kind))).collect()))
}

/// Changes of which kinds one is told: those that are named, the others stay. Answers all of them. What one was told
/// before stays.
///
/// # Errors
///
/// 401 for nobody, 422 for an unknown kind.
#[utoipa::path(
    put, path = "/api/notifications/settings", tag = "notification",
    request_body = schema::NotificationSettings,
    responses((status = 200, body = schema::NotificationSettings), problem::LoggedIn),
)]
pub async fn change_settings(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Json(body): Json<SettingsView>,
) -> Result<Json<SettingsView>, ApiError> {
    let changes: Vec<_> = body.into_iter().collect();
    app.notifications.set_wanted(me.user_id, &changes).await?;
    settings(State(app), Authenticated(me)).await
}

/// What one is told from now on, as server-sent events. With `Last-Event-ID`, from there on.
/// `docs/protocol/notification.md` is its manual.
///
/// # Errors
///
/// 401 for nobody, 403 for a page of elsewhere, 429 for too many streams of one user, 503 when there is no room.
#[utoipa::path(
    get, path = "/api/notifications/stream", tag = "notification",
    params(("last-event-id" = Option<String>, Header, example = "96469263351816192")),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        problem::LoggedIn, problem::OriginForbidden, problem::TooManySockets, problem::ValidationFailed,
    ),
    security(("bearer" = []), ("cookie" = []), ("ticket" = [])),
)]
pub async fn stream(
    State(app): State<App>,
    StreamIdentity(identity): StreamIdentity,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.handshakes
        .check()
        .map_err(|until| ApiError::busy_for(until.wait_time_from(DefaultClock::default().now())))?;
    // Read before the stream is open, so that nothing falls between the two.
    let latest = app.notifications.latest(identity.user_id).await?.unwrap_or(NotificationId::new(0));
    let last_seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    // An id from the future is of another database, or made up.
    let position = last_seen.map_or(latest, |last_seen: NotificationId| last_seen.min(latest));
    let stream = app.tree.open_stream(identity.into(), position).map_err(|refused| match refused {
        Refused::TooManyOfUser => ApiError::too_many_sockets(),
        Refused::Full | Refused::ShuttingDown => ApiError::busy_for(Duration::from_secs(1)),
    })?;
    Ok(stream::respond(stream, language(&headers)))
}
