//! What is done with links in mails: asking for one, and following it.
//!
//! Who asks for a link is never told whether there is an account: 202, always and at once.

use axum::{
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, LOCATION},
    },
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tickroom_storage::user::Email;
use utoipa::{IntoParams, ToSchema};

use super::NO_STORE;
use crate::{
    auth::{Auth, password::Password},
    error::{ApiError, Violations},
    extract::{Json, Query},
    language::Language,
    middleware::client_ip::ClientIp,
    openapi::{problem, schema},
};

/// The query of `GET /api/auth/verify`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    token: String,
}

/// The answer to it, for programs.
#[derive(Serialize, ToSchema)]
pub struct VerifiedView {
    verified: bool,
}

/// `POST /api/auth/resend-verification` and `/password-reset`.
#[derive(Deserialize, ToSchema)]
pub struct MailboxBody {
    #[serde(default)]
    #[schema(value_type = schema::Email, required)]
    email: String,
}

impl MailboxBody {
    fn check(&self) -> Result<Email, ApiError> {
        let mut violations = Violations::default();
        let email = violations.check("email", self.email.parse());
        email.ok_or_else(|| violations.into())
    }
}

/// `POST /api/auth/password-reset/confirm`.
#[derive(Deserialize, ToSchema)]
pub struct ResetBody {
    #[serde(default)]
    #[schema(value_type = String, required)]
    token: SecretString,
    #[serde(default)]
    #[schema(value_type = schema::NewPassword, required)]
    password: SecretString,
}

/// Follows the link of a verification mail, as often as one likes. Browsers are sent to the page, which says how it
/// went (`/?verified=1` or `0`); with `Accept: application/json` the answer is `{"verified": true}`.
///
/// # Errors
///
/// For programs, 400 `link_invalid`.
#[utoipa::path(
    get, path = "/api/auth/verify", tag = "auth",
    params(VerifyQuery),
    responses(
        (status = 200, body = VerifiedView),
        (status = 303, headers(("Location" = String))),
        problem::LinkInvalid,
    ),
)]
pub async fn verify(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Query(query): Query<VerifyQuery>,
) -> Result<Response, ApiError> {
    let outcome = auth.verify_address(&query.token).await;
    if wants_json(&headers) {
        outcome?;
        return Ok((NO_STORE, Json(VerifiedView { verified: true })).into_response());
    }
    let page = match outcome {
        Ok(()) => "/?verified=1",
        Err(refused) if refused.status().is_client_error() => "/?verified=0",
        Err(ours) => return Err(ours),
    };
    Ok((StatusCode::SEE_OTHER, NO_STORE, [(LOCATION, page)]).into_response())
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|types| types.contains("json"))
}

/// Sends the verification mail again, if there is an account that waits for one. 202, whether or not.
///
/// # Errors
///
/// 422 for what is no address, 429 for too many mails, 503 when too many wait.
#[utoipa::path(
    post, path = "/api/auth/resend-verification", tag = "auth",
    request_body = MailboxBody,
    responses((status = 202), problem::Mails),
)]
pub async fn resend_verification(
    State(auth): State<Auth>,
    ClientIp(client): ClientIp,
    language: Language,
    Json(body): Json<MailboxBody>,
) -> Result<StatusCode, ApiError> {
    let email = body.check()?;
    auth.mail_limit().take(client)?;
    auth.resend_verification(email, language)?;
    Ok(StatusCode::ACCEPTED)
}

/// Sends a link to choose a new password, if there is an account. 202, whether or not.
///
/// # Errors
///
/// As [`resend_verification`].
#[utoipa::path(
    post, path = "/api/auth/password-reset", tag = "auth",
    request_body = MailboxBody,
    responses((status = 202), problem::Mails),
)]
pub async fn request_reset(
    State(auth): State<Auth>,
    ClientIp(client): ClientIp,
    language: Language,
    Json(body): Json<MailboxBody>,
) -> Result<StatusCode, ApiError> {
    let email = body.check()?;
    auth.mail_limit().take(client)?;
    auth.request_password_reset(email, language)?;
    Ok(StatusCode::ACCEPTED)
}

/// Replaces the password with the token of such a link, and ends all logins of the account. 204.
///
/// # Errors
///
/// 400 `link_invalid`, 422 for a password that will not do, 429 for too many tries.
#[utoipa::path(
    post, path = "/api/auth/password-reset/confirm", tag = "auth",
    request_body = ResetBody,
    responses((status = 204), problem::LinkInvalid, problem::RateLimited),
)]
pub async fn confirm_reset(
    State(auth): State<Auth>,
    ClientIp(client): ClientIp,
    Json(body): Json<ResetBody>,
) -> Result<impl IntoResponse, ApiError> {
    let mut violations = Violations::default();
    let password = violations.check("password", Password::try_from(body.password));
    let password = password.ok_or_else(|| ApiError::from(violations))?;
    auth.login_limit().take(client)?;
    auth.reset_password(body.token.expose_secret(), password, client).await?;
    Ok((auth.clear_cookies()?, StatusCode::NO_CONTENT))
}
