//! The description of the HTTP API for programs: OpenAPI 3.1, made of the handlers themselves.
//!
//! | file | what it holds |
//! |---|---|
//! | `problem` | what can go wrong, by `code` |
//! | `schema` | the values that bodies, queries and answers are made of |
//! | `finish` | what all operations have in common |
//!
//! [`crate::router`] says which URL leads to which handler, and each handler's attribute says it again for the document;
//! a test holds the two together.

mod finish;
pub(crate) mod problem;
pub(crate) mod schema;

use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use self::finish::Finish;
use crate::auth::{ACCESS_TOKEN, REFRESH_TOKEN};
use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Tickroom", description = include_str!("openapi/introduction.md")),
    servers((url = "/", description = "This server")),
    tags(
        (name = "auth", description = "Accounts, logins, tickets for sockets"),
        (name = "user", description = "Who is who: profiles and pictures"),
        (name = "follow", description = "Who follows whom"),
        (name = "post", description = "Posts, their likes and views, timelines"),
        (name = "comment", description = "Comments on posts, and replies to them"),
        (name = "tag", description = "What posts are about"),
        (name = "notification", description = "What one is told"),
        (name = "activity", description = "What one did"),
        (name = "room", description = "Rooms, what was said in them, and who keeps order"),
        (name = "market", description = "Markets and their prices"),
        (name = "candle", description = "What was traded in windows of time"),
        (name = "admin", description = "What administrators do"),
        (name = "ops", description = "What operators and their machines ask"),
        (name = "page", description = "The page and this document"),
    ),
    paths(
        routes::auth::register,
        routes::auth::login,
        routes::auth::refresh,
        routes::auth::logout,
        routes::auth::ticket,
        routes::auth::mail::verify,
        routes::auth::mail::resend_verification,
        routes::auth::mail::request_reset,
        routes::auth::mail::confirm_reset,
        routes::auth::session::list,
        routes::auth::session::end_others,
        routes::auth::session::end,
        routes::user::find,
        routes::user::me,
        routes::user::update,
        routes::user::show,
        routes::account::delete,
        routes::account::change_password,
        routes::picture::replace,
        routes::picture::remove,
        routes::picture::show,
        routes::follow::begin,
        routes::follow::end,
        routes::follow::followers,
        routes::follow::following,
        routes::post::list,
        routes::post::create,
        routes::post::show,
        routes::post::edit,
        routes::post::delete,
        routes::post::like,
        routes::post::unlike,
        routes::post::view,
        routes::timeline::list,
        routes::comment::list,
        routes::comment::create,
        routes::comment::replies,
        routes::comment::edit,
        routes::comment::delete,
        routes::comment::like,
        routes::comment::unlike,
        routes::tag::list,
        routes::room::list,
        routes::room::show,
        routes::room::messages,
        routes::room::chat,
        routes::moderation::delete_message,
        routes::moderation::standing,
        routes::moderation::bans,
        routes::moderation::ban,
        routes::moderation::unban,
        routes::moderation::mutes,
        routes::moderation::mute,
        routes::moderation::unmute,
        routes::moderation::set_slow_mode,
        routes::moderation::moderators,
        routes::moderation::appoint,
        routes::moderation::dismiss,
        routes::moderation::entries,
        routes::market::list,
        routes::market::ticker,
        routes::market::tickers,
        routes::candle::list,
        routes::candle::minutes,
        routes::centrifuge::connect,
        routes::activity::list,
        routes::notification::list,
        routes::notification::unread_count,
        routes::notification::read,
        routes::notification::read_all,
        routes::notification::delete,
        routes::notification::settings,
        routes::notification::change_settings,
        routes::notification::stream,
        routes::dead_letter::list,
        routes::dead_letter::replay,
        routes::dead_letter::delete,
        routes::admin::users,
        routes::admin::set_role,
        routes::admin::suspend,
        routes::admin::lift_suspension,
        routes::activation::list,
        routes::activation::put,
        routes::activation::delete,
        routes::backfill::list,
        routes::backfill::create,
        routes::backfill::cancel,
        routes::ops::live,
        routes::ops::ready,
        routes::ops::metrics,
        routes::ops::version,
        routes::ui::index,
        routes::ui::asset,
        routes::docs::document,
        routes::docs::browser,
    ),
    components(schemas(crate::error::Problem)),
    modifiers(&Finish, &Logins),
)]
struct Document;

/// The document, as it is served.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The ways to show who one is.
struct Logins;

impl utoipa::Modify for Logins {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The `access_token` of a login."))
            .build();
        let cookie = |name: &str, meaning: &str| {
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(name, meaning)))
        };
        let ticket = ApiKeyValue::with_description(
            "ticket",
            "A ticket of `POST /api/auth/ticket`, good for one socket.",
        );
        let schemes = [
            ("bearer", SecurityScheme::Http(bearer)),
            ("cookie", cookie(ACCESS_TOKEN, "Set by a login in a browser.")),
            ("refresh_cookie", cookie(REFRESH_TOKEN, "Set by a login in a browser, for renewing it.")),
            ("ticket", SecurityScheme::ApiKey(ApiKey::Query(ticket))),
        ];
        let components = openapi.components.get_or_insert_default();
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The lines of a doc comment as one text.
fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
