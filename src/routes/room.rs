//! `/api/rooms` and `/ws/chat`: rooms, what was said in them, and saying something.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tickroom_actors::room::{Position, RoomSlot};
use tickroom_actors::session::Dialect;
use tickroom_storage::message::{Message, PageBound};
use tickroom_storage::{MessageId, Offset, RoomName, TimestampMs, UserId};
use utoipa::{IntoParams, ToSchema};

use super::open_socket;
use crate::app::App;
use crate::auth::SocketIdentity;
use crate::error::{ApiError, Violation, Violations};
use crate::extract::{Json, Path, Query};
use crate::limits::{PAGE_MESSAGES, PAGE_MESSAGES_MAX};
use crate::openapi::{problem, schema};
use crate::socket::Handshake;

/// How the original's clients name the room.
const X_ROOM_NAME: HeaderName = HeaderName::from_static("x-room-name");

/// A room as everybody may see it.
#[derive(Serialize, ToSchema)]
pub struct RoomView {
    #[schema(value_type = schema::RoomName)]
    name: RoomName,
    /// Sockets that listen.
    members: usize,
    /// Where it stands; unknown until somebody has entered since the server started.
    position: Option<PositionView>,
    /// Whether its actor runs; a room in which nobody is sleeps.
    running: bool,
}

#[derive(Serialize, ToSchema)]
struct PositionView {
    #[schema(value_type = String)]
    epoch: Arc<str>,
    #[schema(value_type = schema::Offset)]
    offset: Offset,
}

impl RoomView {
    fn of(slot: &RoomSlot) -> Self {
        let view = slot.view();
        let position = view.position.map(|Position { epoch, offset }| PositionView { epoch, offset });
        Self { name: view.name, members: view.members, position, running: view.running }
    }
}

/// The answer to `GET /api/rooms`.
#[derive(Serialize, ToSchema)]
pub struct RoomsView {
    rooms: Vec<RoomView>,
}

/// All rooms, by name.
#[utoipa::path(
    get, path = "/api/rooms", tag = "room",
    responses((status = 200, body = RoomsView)),
)]
pub async fn list(State(app): State<App>) -> Json<RoomsView> {
    let rooms = app.tree.services().directory.all();
    Json(RoomsView { rooms: rooms.iter().map(|slot| RoomView::of(slot)).collect() })
}

/// One room.
///
/// # Errors
///
/// 404 for a room that does not exist.
#[utoipa::path(
    get, path = "/api/rooms/{name}", tag = "room",
    params(("name" = schema::RoomName, Path)),
    responses((status = 200, body = RoomView), problem::NotFound),
)]
pub async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json<RoomView>, ApiError> {
    find(&app, &name).map(|slot| Json(RoomView::of(&slot)))
}

/// The query of `GET /api/rooms/{name}/messages`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    #[param(value_type = Option<schema::Offset>)]
    before: Option<Offset>,
    #[param(value_type = Option<schema::Offset>)]
    after: Option<Offset>,
    #[param(value_type = Option<schema::MessagesLimit>)]
    limit: Option<u16>,
}

impl PageQuery {
    fn check(&self) -> Result<(PageBound, u16), ApiError> {
        let mut violations = Violations::default();
        let limit = self.limit.unwrap_or(PAGE_MESSAGES);
        if !(1..=PAGE_MESSAGES_MAX).contains(&limit) {
            let detail = format!("expected 1 to {PAGE_MESSAGES_MAX}, got {limit}");
            violations.add("limit", Violation { code: "out_of_range", detail: detail.into() });
        }
        let bound = match (self.before, self.after) {
            (None, None) => PageBound::Latest,
            (Some(before), None) => PageBound::Before(before),
            (None, Some(after)) => PageBound::After(after),
            (Some(_), Some(_)) => {
                let detail = "expected either before or after, got both";
                violations.add("before", Violation { code: "conflicting", detail: detail.into() });
                PageBound::Latest
            }
        };
        violations.into_result().map(|()| (bound, limit))
    }
}

/// A message as it was said.
#[derive(Serialize, ToSchema)]
pub struct MessageView {
    #[schema(value_type = schema::Id)]
    id: MessageId,
    #[schema(value_type = schema::RoomName)]
    room: RoomName,
    #[schema(value_type = schema::Offset)]
    offset: Offset,
    sender: SenderView,
    #[schema(value_type = String)]
    content: Box<str>,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
}

#[derive(Serialize, ToSchema)]
struct SenderView {
    #[schema(value_type = schema::Id)]
    id: UserId,
    #[schema(value_type = String)]
    name: Arc<str>,
    #[schema(value_type = Option<String>)]
    profile_url: Option<Arc<str>>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let Message { id, room, offset, sender, content, created_at, .. } = message;
        let sender = SenderView { id: sender.id, name: sender.name, profile_url: sender.profile_url };
        Self { id, room, offset, sender, content, created_at }
    }
}

/// A page of messages, oldest first.
#[derive(Serialize, ToSchema)]
pub struct MessagesView {
    messages: Vec<MessageView>,
    /// What to pass as `before` (or `after`, if that was asked for) to go on; absent at the end.
    #[schema(value_type = Option<schema::Offset>)]
    next_cursor: Option<Offset>,
}

/// What was said and is stored and was not taken back, the latest page if neither bound is given.
///
/// # Errors
///
/// 404 for a room that does not exist, 422 for a query that makes no sense, 503 while the message log is down.
#[utoipa::path(
    get, path = "/api/rooms/{name}/messages", tag = "room",
    params(("name" = schema::RoomName, Path), PageQuery),
    responses((status = 200, body = MessagesView), problem::NotFound),
)]
pub async fn messages(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<MessagesView>, ApiError> {
    let slot = find(&app, &name)?;
    let (bound, limit) = query.check()?;
    let page = app.log.messages(&slot.name, bound, limit).await?;
    let is_full = page.len() >= usize::from(limit);
    let is_forward = matches!(bound, PageBound::After(_));
    let edge = if is_forward { page.last() } else { page.first() };
    // A room's first message has the offset 1: there is nothing before it.
    let goes_on = |edge: &Offset| is_full && (is_forward || edge.get() > 1);
    let next_cursor = edge.map(|message| message.offset).filter(goes_on);
    Ok(Json(MessagesView { messages: page.into_iter().map(MessageView::from).collect(), next_cursor }))
}

/// The query of `GET /ws/chat`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    #[param(value_type = Option<schema::RoomName>)]
    room: Option<String>,
    epoch: Option<String>,
    #[param(value_type = Option<schema::Offset>)]
    offset: Option<Offset>,
}

/// A socket in one room. With `epoch` and `offset` it goes on where it was.
///
/// # Errors
///
/// As problem documents before the upgrade: 400, 401, 403, 404, 422, 429 and 503. After it as frames.
#[utoipa::path(
    get, path = "/ws/chat", tag = "room",
    params(ChatQuery, ("X-Room-Name" = Option<schema::RoomName>, Header)),
    security(("bearer" = []), ("cookie" = []), ("ticket" = [])),
    responses((status = 101), problem::LoggedIn, problem::Socket, problem::OriginForbidden, problem::NotFound),
)]
pub async fn chat(
    State(app): State<App>,
    handshake: Result<Handshake, Response>,
    identity: Result<SocketIdentity, ApiError>,
    Query(query): Query<ChatQuery>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    use axum::response::IntoResponse;
    let handshake = handshake?;
    let open = || {
        let name = query.room.as_deref().or_else(|| headers.get(X_ROOM_NAME)?.to_str().ok());
        let name = name.ok_or_else(missing_room)?;
        let room = find(&app, name)?.name.clone();
        let SocketIdentity(identity) = identity?;
        let resume = resume(&query)?;
        open_socket(&app, Some(identity), Dialect::Chat { room, resume })
    };
    let session = open().map_err(ApiError::into_response)?;
    Ok(handshake.accept(session))
}

fn missing_room() -> ApiError {
    let mut violations = Violations::default();
    let detail = "name the room, as ?room=KRW-BTC or in the header X-Room-Name";
    violations.add("room", Violation { code: "required", detail: detail.into() });
    violations.into()
}

/// Both halves of a position, or neither.
fn resume(query: &ChatQuery) -> Result<Option<Position>, ApiError> {
    match (&query.epoch, query.offset) {
        (Some(epoch), Some(offset)) => Ok(Some(Position { epoch: epoch.as_str().into(), offset })),
        (None, None) => Ok(None),
        (epoch, _) => {
            let missing = if epoch.is_none() { "epoch" } else { "offset" };
            let mut violations = Violations::default();
            let detail = "epoch and offset make a position together";
            violations.add(missing, Violation { code: "required", detail: detail.into() });
            Err(violations.into())
        }
    }
}

/// The room of this name.
pub(super) fn find(app: &App, name: &str) -> Result<Arc<RoomSlot>, ApiError> {
    let slot = name.parse::<RoomName>().ok().and_then(|name| app.tree.services().directory.get(&name));
    slot.ok_or_else(|| ApiError::not_found("room"))
}
