//! `/api/users/me/avatar` and `/media`: the pictures of people.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tickroom_storage::TimestampMs;
use tickroom_storage::picture::PictureName;

use super::user::{OwnView, own};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{Json, Path, in_time};
use crate::openapi::problem;

/// A name says what is in the file, so what was fetched once is good for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The body is the picture itself, whatever its `Content-Type` says. 200 with oneself.
///
/// # Errors
///
/// 401 for nobody, 408 for a body that is too slow, 413 for one that is too large, 415 for what is no picture, 422 for
/// too many pixels or a damaged picture, 429 for too many in an hour, 503 while too many are being made or the store
/// does not answer.
#[utoipa::path(
    put, path = "/api/users/me/avatar", tag = "user",
    operation_id = "replace_avatar",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = OwnView), problem::LoggedIn, problem::NotFound, problem::Picture),
)]
pub async fn replace(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
    request: Request,
) -> Result<Json<OwnView>, ApiError> {
    let user = identity.user_id;
    app.picture_limit.take(&user)?;
    let place = app.picture_maker.admit()?;
    let content = receive(request).await?;
    let picture = app.picture_maker.make(place, content).await?;
    let url = app.pictures.put(picture, TimestampMs::now()).await?;
    app.users.set_avatar(user, Some(&url), TimestampMs::now()).await?;
    app.auth.profile_changed(user);
    own(&app.users, user).await.map(Json)
}

/// 204, also if there was none.
///
/// # Errors
///
/// 401 for nobody.
#[utoipa::path(
    delete, path = "/api/users/me/avatar", tag = "user",
    operation_id = "remove_avatar",
    responses((status = 204), problem::LoggedIn),
)]
pub async fn remove(
    State(app): State<App>,
    Authenticated(identity): Authenticated,
) -> Result<StatusCode, ApiError> {
    app.users.set_avatar(identity.user_id, None, TimestampMs::now()).await?;
    app.auth.profile_changed(identity.user_id);
    Ok(StatusCode::NO_CONTENT)
}

/// The file of a picture, which never changes.
///
/// # Errors
///
/// 404 for everything else.
#[utoipa::path(
    get, path = "/media/{name}", tag = "user",
    operation_id = "picture",
    params(("name" = String, Path, example = "…-256.jpg")),
    responses(
        (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 304),
        problem::NotFound,
    ),
)]
pub async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let name: PictureName = name.parse().map_err(|_no_name| ApiError::not_found("picture"))?;
    let tag = format!("\"{name}\"");
    let stays = [(CACHE_CONTROL, FOR_EVER.to_owned()), (ETAG, tag.clone())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, stays).into_response());
    }
    let content = app.pictures.get(&name).await?.ok_or_else(|| ApiError::not_found("picture"))?;
    let kind = [(CONTENT_TYPE, name.format().media_type()), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((stays, kind, content).into_response())
}

async fn receive(request: Request) -> Result<Bytes, ApiError> {
    in_time(Bytes::from_request(request, &())).await?.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::body_too_large()
        } else {
            ApiError::bad_request("unreadable_body", rejection.body_text())
        }
    })
}
