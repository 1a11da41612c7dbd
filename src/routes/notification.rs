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

use super::page;
use crate::app::App;
use crate::auth::{Authenticated, StreamIdentity};
use crate::error::{ApiError, Violations};
use crate::extract::{Json, Path, Query};
use crate::stream;

/// Where a client that comes back was.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Something that one is told.
#[derive(Serialize)]
pub struct NotificationView {
    id: NotificationId,
    kind: NotificationKind,
    actor: ActorView,
    /// What it says, in the language of the request.
    text: String,
    /// Where to look at it: a path of this server.
    link: String,
    target: TargetView,
    created_at: TimestampMs,
    read_at: Option<TimestampMs>,
}

/// Who did it.
#[derive(Serialize)]
struct ActorView {
    id: UserId,
    /// Null where the account is gone.
    username: Option<Arc<str>>,
    profile_url: Option<Arc<str>>,
}

/// What it is about, as far as it applies.
#[derive(Serialize)]
struct TargetView {
    #[serde(skip_serializing_if = "Option::is_none")]
    post_id: Option<PostId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment_id: Option<CommentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<RoomName>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
#[derive(Deserialize)]
pub struct NotificationsQuery {
    #[serde(default)]
    unread: bool,
    cursor: Option<String>,
    limit: Option<u16>,
}

/// A page of notifications, newest first.
#[derive(Serialize)]
pub struct NotificationsView {
    notifications: Vec<NotificationView>,
    /// What to pass as `cursor` to go on; null at the end.
    next_cursor: Option<NotificationId>,
}

/// `GET /api/notifications?unread=&cursor=&limit=`: what one was told, newest first.
///
/// # Errors
///
/// 401 for nobody, 422 for a query that makes no sense.
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
#[derive(Serialize)]
pub struct UnreadView {
    count: u64,
}

/// `GET /api/notifications/unread-count`.
///
/// # Errors
///
/// 401 for nobody.
pub async fn unread_count(
    State(app): State<App>,
    Authenticated(me): Authenticated,
) -> Result<Json<UnreadView>, ApiError> {
    Ok(Json(UnreadView { count: app.notifications.unread_count(me.user_id).await? }))
}

/// `POST /api/notifications/{id}/read`: 204, also when it was read before.
///
/// # Errors
///
/// 401 for nobody, 404 for one that is not there or another's.
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
#[derive(Deserialize)]
pub struct ReadAllBody {
    /// The newest one that the reader has seen: what came later stays unread.
    up_to: NotificationId,
}

/// How many were marked as read.
#[derive(Serialize)]
pub struct ReadAllView {
    read: u64,
}

/// `POST /api/notifications/read-all`: `{"up_to": "<id>"}`.
///
/// # Errors
///
/// 401 for nobody, 422 without an id.
pub async fn read_all(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Json(body): Json<ReadAllBody>,
) -> Result<Json<ReadAllView>, ApiError> {
    let read = app.notifications.read_up_to(me.user_id, body.up_to, TimestampMs::now()).await?;
    app.tree.recount(me.user_id);
    Ok(Json(ReadAllView { read }))
}

/// `DELETE /api/notifications/{id}`: 204.
///
/// # Errors
///
/// 401 for nobody, 404 for one that is not there or another's.
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

/// `GET /api/notifications/settings`: `{"follow": true, "post": false, …}`.
///
/// # Errors
///
/// 401 for nobody.
pub async fn settings(
    State(app): State<App>,
    Authenticated(me): Authenticated,
) -> Result<Json<SettingsView>, ApiError> {
    let muted = app.notifications.muted(me.user_id).await?;
    Ok(Json(NotificationKind::ALL.into_iter().map(|kind| (kind, !muted.contains(&kind))).collect()))
}

/// `PUT /api/notifications/settings`: the kinds that are named change, the others stay. Answers all of them. What one
/// was told before stays.
///
/// # Errors
///
/// 401 for nobody, 422 for an unknown kind.
pub async fn change_settings(
    State(app): State<App>,
    Authenticated(me): Authenticated,
    Json(body): Json<SettingsView>,
) -> Result<Json<SettingsView>, ApiError> {
    let changes: Vec<_> = body.into_iter().collect();
    app.notifications.set_wanted(me.user_id, &changes).await?;
    settings(State(app), Authenticated(me)).await
}

/// `GET /api/notifications/stream`: what one is told from now on, as server-sent events. With `Last-Event-ID`, from
/// there on. `docs/protocol/notification.md` is its manual.
///
/// # Errors
///
/// 401 for nobody, 403 for a page of elsewhere, 429 for too many streams of one user, 503 when there is no room.
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
