//! `/api/rooms/{name}/…`: keeping order. A room's moderators, whom administrators appoint, and administrators themselves
//! ban, mute, slow down and take messages back; everybody takes back what she said herself.
//!
//! What is decided is stored, and the room hears of it before the answer is given: it holds for open sockets at once.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tickroom_actors::room::{NotDeleted, RoomSlot, Ruling};
use tickroom_storage::limits::{MODERATORS_MAX, SANCTIONS_MAX};
use tickroom_storage::message::Sender;
use tickroom_storage::moderation::{Decided, Decision, NewSanction, SanctionKind};
use tickroom_storage::user::Role;
use tickroom_storage::{MessageId, TimestampMs, UserId};
use utoipa::ToSchema;

use super::room;
use crate::app::App;
use crate::auth::{Admin, Authenticated, Identity, Scope};
use crate::error::{ApiError, Violation, Violations};
use crate::extract::{Json, Path, WholeNumber};
use crate::limits::{SANCTION_SECONDS_MAX, SLOW_MODE_SECONDS_MAX};
use crate::openapi::{problem, schema};

mod list;

pub use list::*;

/// `PUT /api/rooms/{name}/bans/{id}` and `…/mutes/{id}`.
#[derive(Deserialize, ToSchema)]
pub struct SanctionBody {
    /// How long it holds; for good without it.
    #[serde(default)]
    #[schema(value_type = Option<schema::SanctionSeconds>)]
    seconds: Option<WholeNumber>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Reason>)]
    reason: Option<String>,
}

impl SanctionBody {
    fn check(&self, kind: SanctionKind, user: UserId, now: TimestampMs) -> Result<NewSanction, ApiError> {
        let mut violations = Violations::default();
        let seconds = self.seconds.map(|seconds| within(seconds, 1..=SANCTION_SECONDS_MAX));
        let seconds = seconds.and_then(|seconds| violations.check("seconds", seconds));
        let reason = self.reason.as_deref().map(str::parse);
        let reason = reason.and_then(|reason| violations.check("reason", reason));
        violations.into_result()?;
        let ends_at = seconds.map(|seconds| now.plus_millis(i64::from(seconds) * 1_000));
        Ok(NewSanction { kind, user, ends_at, reason })
    }
}

/// `PUT /api/rooms/{name}/slow-mode`.
#[derive(Deserialize, ToSchema)]
pub struct SlowModeBody {
    /// How long everybody waits between two messages; 0 for not at all.
    #[schema(value_type = schema::SlowModeSeconds)]
    seconds: WholeNumber,
}

fn within(WholeNumber(number): WholeNumber, range: RangeInclusive<u32>) -> Result<u32, Violation> {
    u32::try_from(number).ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let detail = format!("expected {} to {}, got {number}", range.start(), range.end());
        Violation { code: "out_of_range", detail: detail.into() }
    })
}

/// Keeps somebody out of a room, or changes for how long. 204. Open sockets are put out at once: those of the chat socket
/// are closed with 3507, those of the Centrifuge protocol lose the channel (2000).
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room or person, 409 for somebody who does.
#[utoipa::path(
    put, path = "/api/rooms/{name}/bans/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    request_body = SanctionBody,
    responses(
        (status = 204),
        problem::LoggedIn, problem::NotModerator, problem::NotFound, problem::Protected, problem::RoomFull,
    ),
)]
pub async fn ban(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path((name, user)): Path<(String, UserId)>,
    Json(body): Json<SanctionBody>,
) -> Result<StatusCode, ApiError> {
    impose(app, &identity, &name, SanctionKind::Ban, user, &body).await
}

/// Lets somebody into a room again. 204, also when nothing stood in the way.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room.
#[utoipa::path(
    delete, path = "/api/rooms/{name}/bans/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn unban(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path((name, user)): Path<(String, UserId)>,
) -> Result<StatusCode, ApiError> {
    lift(app, &identity, &name, SanctionKind::Ban, user).await
}

/// Has somebody be silent in a room, or changes for how long. 204. What she says is refused at once, as `muted`.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room or person, 409 for somebody who does.
#[utoipa::path(
    put, path = "/api/rooms/{name}/mutes/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    request_body = SanctionBody,
    responses(
        (status = 204),
        problem::LoggedIn, problem::NotModerator, problem::NotFound, problem::Protected, problem::RoomFull,
    ),
)]
pub async fn mute(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path((name, user)): Path<(String, UserId)>,
    Json(body): Json<SanctionBody>,
) -> Result<StatusCode, ApiError> {
    impose(app, &identity, &name, SanctionKind::Mute, user, &body).await
}

/// Lets somebody speak in a room again. 204, also when nothing stood in the way.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room.
#[utoipa::path(
    delete, path = "/api/rooms/{name}/mutes/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn unmute(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path((name, user)): Path<(String, UserId)>,
) -> Result<StatusCode, ApiError> {
    lift(app, &identity, &name, SanctionKind::Mute, user).await
}

/// Has everybody but moderators wait between two messages in a room. 204. What comes sooner is refused, as `slow_mode`.
///
/// # Errors
///
/// 401 for nobody, 403 for who does not keep order, 404 for no such room, 422 for a pause that makes no sense.
#[utoipa::path(
    put, path = "/api/rooms/{name}/slow-mode", tag = "room",
    params(("name" = schema::RoomName, Path)),
    request_body = SlowModeBody,
    responses((status = 204), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn set_slow_mode(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path(name): Path<String>,
    Json(SlowModeBody { seconds }): Json<SlowModeBody>,
) -> Result<StatusCode, ApiError> {
    let slot = kept(&app, &identity, &name).await?;
    let mut violations = Violations::default();
    let seconds = violations.check("seconds", within(seconds, 0..=SLOW_MODE_SECONDS_MAX));
    let Some(seconds) = seconds else { return Err(violations.into()) };
    let decision = decision(&slot, &identity);
    to_the_end(async move {
        let _turn = slot.deciding.lock().await;
        app.moderation.set_slow_mode(&decision, seconds).await?;
        app.tree.rule(&slot, Ruling::SlowMode(Duration::from_secs(seconds.into()))).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Has somebody keep order in a room. 204, also when it is so already.
///
/// # Errors
///
/// 401 for nobody, 403 for who is no administrator, 404 for no such room or person.
#[utoipa::path(
    put, path = "/api/rooms/{name}/moderators/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound, problem::RoomFull),
)]
pub async fn appoint(
    State(app): State<App>,
    Admin(admin): Admin,
    Path((name, user)): Path<(String, UserId)>,
) -> Result<StatusCode, ApiError> {
    let slot = room::find(&app, &name)?;
    let decision = decision(&slot, &admin);
    to_the_end(async move {
        let _turn = slot.deciding.lock().await;
        held(app.moderation.appoint(&decision, user).await?)?;
        app.tree.rule(&slot, Ruling::Appointed(user)).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Has somebody keep order in a room no more. 204, also when it is so already.
///
/// # Errors
///
/// 401 for nobody, 403 for who is no administrator, 404 for no such room.
#[utoipa::path(
    delete, path = "/api/rooms/{name}/moderators/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    responses((status = 204), problem::Administrator, problem::NotFound),
)]
pub async fn dismiss(
    State(app): State<App>,
    Admin(admin): Admin,
    Path((name, user)): Path<(String, UserId)>,
) -> Result<StatusCode, ApiError> {
    let slot = room::find(&app, &name)?;
    let decision = decision(&slot, &admin);
    to_the_end(async move {
        let _turn = slot.deciding.lock().await;
        app.moderation.dismiss(&decision, user).await?;
        app.tree.rule(&slot, Ruling::Dismissed(user)).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Takes a message back: one's own, or as one who keeps order anybody's. 204 when that is stored; everybody in the room is
/// told, and nobody is shown the message again.
///
/// # Errors
///
/// 401 for nobody, 403 for who neither said it nor keeps order, 404 for no such message, also when it was taken back before.
#[utoipa::path(
    delete, path = "/api/rooms/{name}/messages/{id}", tag = "room",
    params(("name" = schema::RoomName, Path), ("id" = schema::Id, Path)),
    responses((status = 204), problem::LoggedIn, problem::NotModerator, problem::NotFound),
)]
pub async fn delete_message(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    Path((name, message)): Path<(String, MessageId)>,
) -> Result<StatusCode, ApiError> {
    let slot = room::find(&app, &name)?;
    let keeps_order = keeps_order(&app, &identity, &slot).await?;
    let decision = decision(&slot, &identity);
    let Identity { user_id: id, name, profile_url, .. } = identity;
    let by = Sender { id, name, profile_url };
    to_the_end(async move {
        let sender = take_back(&app, &slot, message, &by, keeps_order).await?;
        if sender != id
            && let Err(error) = app.moderation.note_deletion(&decision, message, sender).await
        {
            // It is done, and the log knows by whom.
            tracing::error!(room = %slot.name, %message, %error, "a deletion could not be noted");
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Asks the room first, which knows of what is not stored yet, and then the log, which knows of all that is.
async fn take_back(
    app: &App,
    slot: &RoomSlot,
    message: MessageId,
    by: &Sender,
    keeps_order: bool,
) -> Result<UserId, ApiError> {
    let mut outcome = app.tree.delete_message(slot, message, None, by.clone(), keeps_order).await;
    if outcome == Err(NotDeleted::Unknown)
        && let Some(found) = app.log.find(&slot.name, message).await?
    {
        let sender = Some(found.sender.id);
        outcome = app.tree.delete_message(slot, message, sender, by.clone(), keeps_order).await;
    }
    outcome.map_err(|not_deleted| match not_deleted {
        NotDeleted::Unknown => ApiError::not_found("message"),
        NotDeleted::Foreign => not_moderator(),
        NotDeleted::Refused(_) => ApiError::busy(),
    })
}

async fn impose(
    app: App,
    identity: &Identity,
    name: &str,
    kind: SanctionKind,
    user: UserId,
    body: &SanctionBody,
) -> Result<StatusCode, ApiError> {
    let slot = kept(&app, identity, name).await?;
    let decision = decision(&slot, identity);
    let new = body.check(kind, user, decision.at)?;
    to_the_end(async move {
        let _turn = slot.deciding.lock().await;
        held(app.moderation.impose(&decision, &new).await?)?;
        app.tree.rule(&slot, Ruling::Imposed(kind, user, new.ends_at)).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn lift(
    app: App,
    identity: &Identity,
    name: &str,
    kind: SanctionKind,
    user: UserId,
) -> Result<StatusCode, ApiError> {
    let slot = kept(&app, identity, name).await?;
    let decision = decision(&slot, identity);
    to_the_end(async move {
        let _turn = slot.deciding.lock().await;
        if app.moderation.lift(&decision, kind, user).await? {
            app.tree.rule(&slot, Ruling::Lifted(kind, user)).await;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Does something also when whoever asked for it hangs up half way: what is stored must be told.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(work).await.map_err(ApiError::internal)?
}

fn decision(slot: &RoomSlot, identity: &Identity) -> Decision {
    Decision { room: slot.name.clone(), by: identity.user_id, at: TimestampMs::now() }
}

/// The room of this name, for those who keep order in it.
async fn kept(app: &App, identity: &Identity, name: &str) -> Result<Arc<RoomSlot>, ApiError> {
    let slot = room::find(app, name)?;
    if keeps_order(app, identity, &slot).await? { Ok(slot) } else { Err(not_moderator()) }
}

async fn keeps_order(app: &App, identity: &Identity, slot: &RoomSlot) -> Result<bool, ApiError> {
    let is_admin = identity.role == Role::Admin && identity.scopes.contains(Scope::Admin);
    Ok(is_admin || app.moderation.is_moderator(&slot.name, identity.user_id).await?)
}

fn not_moderator() -> ApiError {
    ApiError::forbidden("not_moderator", "this is for the moderators of the room")
}

fn held(decided: Decided) -> Result<(), ApiError> {
    match decided {
        Decided::Done => Ok(()),
        Decided::Protected => {
            Err(ApiError::conflict("protected", "who keeps order in the room has to be dismissed first"))
        }
        Decided::TooMany => {
            let detail =
                format!("a room has at most {MODERATORS_MAX} moderators, and {SANCTIONS_MAX} bans and mutes");
            Err(ApiError::conflict("room_full", detail))
        }
    }
}
