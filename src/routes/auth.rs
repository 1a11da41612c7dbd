//! `/api/auth`: accounts, logins, tickets.
//!
//! A browser gets its tokens as cookies that its scripts cannot read. Other clients take them from the body, where
//! they stand as well.

pub mod mail;
pub mod session;

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{CACHE_CONTROL, LOCATION, USER_AGENT},
    },
    response::IntoResponse,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tickroom_storage::user::Email;
use utoipa::ToSchema;

use super::user::OwnView;
use crate::{
    auth::{Auth, Authenticated, Device, Grant, Registration, password::Password},
    error::{ApiError, Violation, Violations},
    extract::Json,
    language::Language,
    limits::TICKET_TTL,
    mail::is_deliverable,
    middleware::client_ip::ClientIp,
    openapi::{problem, schema},
};

/// Tokens must not be found in anybody's cache (RFC 6749 section 5.1).
const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// `POST /api/auth/register`. A missing field counts as an empty one, so that all of them are told of at once.
#[derive(Deserialize, ToSchema)]
pub struct RegisterBody {
    #[serde(default)]
    #[schema(value_type = schema::Username, required)]
    username: String,
    #[serde(default)]
    #[schema(value_type = schema::Email, required)]
    email: String,
    #[serde(default)]
    #[schema(value_type = schema::NewPassword, required)]
    password: SecretString,
}

impl RegisterBody {
    /// `must_reach`: whether a mail will be sent to the address.
    fn check(self, language: Language, must_reach: bool) -> Result<Registration, ApiError> {
        let mut violations = Violations::default();
        let name = violations.check("username", self.username.parse());
        let email = violations.check("email", self.email.parse::<Email>());
        if must_reach && email.as_ref().is_some_and(|email| !is_deliverable(email.as_str())) {
            let detail = "expected an address that mail can be sent to";
            violations.add("email", Violation { code: "invalid", detail: detail.into() });
        }
        let password = Password::try_from(self.password).and_then(|password| {
            password.check_owner(name.as_ref(), email.as_ref())?;
            Ok(password)
        });
        let password = violations.check("password", password);
        match (name, email, password) {
            (Some(name), Some(email), Some(password)) => {
                violations.into_result().map(|()| Registration { name, email, password, language })
            }
            _ => Err(violations.into()),
        }
    }
}

/// `POST /api/auth/login`.
#[derive(Deserialize, ToSchema)]
pub struct LoginBody {
    #[serde(default)]
    #[schema(value_type = schema::Email, required)]
    email: String,
    #[serde(default)]
    #[schema(value_type = schema::Password, required)]
    password: SecretString,
}

impl LoginBody {
    /// Here it matters only that something was sent: what is no address or password belongs to no account.
    fn check(&self) -> Result<(), ApiError> {
        let fields = [("email", self.email.as_str()), ("password", self.password.expose_secret())];
        let mut violations = Violations::default();
        for (field, _) in fields.into_iter().filter(|(_, value)| value.is_empty()) {
            violations.add(field, Violation { code: "required", detail: "this field is required".into() });
        }
        violations.into_result()
    }
}

/// `POST /api/auth/refresh` and `/logout`, for clients without cookies.
#[derive(Deserialize, ToSchema)]
pub struct RefreshBody {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// The answer to login and refresh.
#[derive(Serialize, ToSchema)]
pub struct TokenView {
    access_token: String,
    token_type: &'static str,
    expires_in_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl TokenView {
    fn new(auth: &Auth, grant: Grant) -> Self {
        Self {
            access_token: grant.access_token,
            token_type: "Bearer",
            expires_in_s: auth.access_ttl().as_secs(),
            refresh_token: grant.refresh_token,
        }
    }
}

/// The answer to `POST /api/auth/ticket`.
#[derive(Serialize, ToSchema)]
pub struct TicketView {
    ticket: String,
    expires_in_s: u64,
}

/// Makes an account, which needs its mail address proved before the first login where the server asks for that. 201
/// with the user, 409 naming the field that is taken, 422 naming all that are wrong. After a week without proof the
/// account is gone, and name and address are free again.
///
/// # Errors
///
/// As above, and 429 for too many from one address.
#[utoipa::path(
    post, path = "/api/auth/register", tag = "auth",
    request_body = RegisterBody,
    responses(
        (status = 201, body = OwnView, headers(("Location" = String))),
        problem::Taken, problem::RateLimited, problem::MailBusy,
    ),
)]
pub async fn register(
    State(auth): State<Auth>,
    ClientIp(client): ClientIp,
    language: Language,
    Json(body): Json<RegisterBody>,
) -> Result<impl IntoResponse, ApiError> {
    let registration = body.check(language, auth.is_verification_required())?;
    // After the check: correcting a form is not registering. Before the hash: that is what costs.
    auth.registration_limit().take(client)?;
    let user = auth.register(registration).await?;
    let location = [(LOCATION, format!("/api/users/{}", user.id))];
    Ok((StatusCode::CREATED, location, Json(OwnView::from(user))))
}

/// Begins a login. 200 with tokens as cookies and body, 401 for whichever of the two was wrong.
///
/// # Errors
///
/// As above; with the right password 403 `email_not_verified` or `account_suspended`; 429 for too many from one address,
/// or too many wrong ones.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth",
    request_body = LoginBody,
    responses(
        (status = 200, body = TokenView),
        problem::InvalidCredentials, problem::EmailNotVerified, problem::AccountSuspended,
        problem::RateLimited,
    ),
)]
pub async fn login(
    State(auth): State<Auth>,
    ClientIp(client): ClientIp,
    headers: HeaderMap,
    Json(body): Json<LoginBody>,
) -> Result<impl IntoResponse, ApiError> {
    body.check()?;
    auth.login_limit().take(client)?;
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let device = Device { user_agent, address: client };
    let grant = auth.login(&body.email, body.password, device).await?;
    Ok((auth.set_cookies(&grant)?, NO_STORE, Json(TokenView::new(&auth, grant))))
}

/// Exchanges a refresh token, from the body or else the cookie, for new tokens.
///
/// A token from the cookie is answered by cookie alone: a script that could read the next one from this body would
/// have what `HttpOnly` keeps from it.
///
/// # Errors
///
/// 401 when there is none or it is no good, 429 for too many from one address.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "auth",
    request_body = Option<RefreshBody>,
    security((), ("refresh_cookie" = [])),
    responses(
        (status = 200, body = TokenView),
        problem::Unauthenticated, problem::TokenExpired, problem::TokenInvalid, problem::TokenRevoked,
        problem::RateLimited,
    ),
)]
pub async fn refresh(
    State(auth): State<Auth>,
    ClientIp(client): ClientIp,
    headers: HeaderMap,
    body: Option<Json<RefreshBody>>,
) -> Result<impl IntoResponse, ApiError> {
    auth.refresh_limit().take(client)?;
    let (grant, is_cookie) = match body {
        Some(Json(body)) => (auth.refresh(body.refresh_token.expose_secret()).await?, false),
        None => (auth.refresh_by_cookie(&headers).await?, true),
    };
    let cookies = auth.set_cookies(&grant)?;
    let mut view = TokenView::new(&auth, grant);
    if is_cookie {
        view.refresh_token = None;
    }
    Ok((cookies, NO_STORE, Json(view)))
}

/// Ends the login of every token shown, in the body, as a Bearer or as cookies. 204, also if there was none: whoever
/// wants to be logged out is.
///
/// # Errors
///
/// Only the server's own.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth",
    request_body = Option<RefreshBody>,
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 204)),
)]
pub async fn logout(
    State(auth): State<Auth>,
    headers: HeaderMap,
    body: Option<Json<RefreshBody>>,
) -> Result<impl IntoResponse, ApiError> {
    if let Some(Json(body)) = body {
        auth.end_login_of(body.refresh_token.expose_secret()).await?;
    }
    auth.end_logins_of(&headers).await?;
    Ok((auth.clear_cookies()?, StatusCode::NO_CONTENT))
}

/// Gives a ticket for one socket.
///
/// # Errors
///
/// 401 for nobody.
#[utoipa::path(
    post, path = "/api/auth/ticket", tag = "auth",
    responses((status = 200, body = TicketView), problem::LoggedIn),
)]
pub async fn ticket(
    State(auth): State<Auth>,
    Authenticated(identity): Authenticated,
) -> Result<impl IntoResponse, ApiError> {
    let ticket = auth.issue_ticket(identity)?;
    Ok((NO_STORE, Json(TicketView { ticket, expires_in_s: TICKET_TTL.as_secs() })))
}
