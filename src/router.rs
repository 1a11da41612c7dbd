//! Every URL on one screen, by who calls it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, delete, get, patch, post, put};

use crate::app::App;
use crate::limits::{BODY_BYTES, PICTURE_BYTES_MAX, POST_BODY_BYTES};
use crate::middleware;
use crate::routes::{
    account, activation, activity, admin, auth, backfill, candle, centrifuge, comment, dead_letter, docs,
    follow, market, moderation, notification, ops, picture, post, room, tag, timeline, ui, user,
};

/// All routes, wrapped in what happens to every request.
pub fn router(app: App) -> Router {
    let routes = people().merge(news()).merge(administrators()).merge(posts()).merge(talk()).merge(prices());
    let routes =
        routes.merge(apps()).merge(operators()).merge(page()).layer(DefaultBodyLimit::max(BODY_BYTES));
    middleware::apply(routes, &app.auth).with_state(app)
}

/// Accounts and those who have them.
fn people() -> Router<App> {
    Router::new()
        .route("/api/auth/register", post(auth::register))
        .route("/api/auth/login", post(auth::login))
        .route("/api/auth/refresh", post(auth::refresh))
        .route("/api/auth/logout", post(auth::logout))
        .route("/api/auth/ticket", post(auth::ticket))
        .route("/api/auth/verify", get(auth::mail::verify))
        .route("/api/auth/resend-verification", post(auth::mail::resend_verification))
        .route("/api/auth/password-reset", post(auth::mail::request_reset))
        .route("/api/auth/password-reset/confirm", post(auth::mail::confirm_reset))
        .route("/api/auth/sessions", get(auth::session::list).delete(auth::session::end_others))
        .route("/api/auth/sessions/{id}", delete(auth::session::end))
        .route("/api/users", get(user::find))
        .route("/api/users/me", get(user::me).patch(user::update).delete(account::delete))
        .route("/api/users/me/password", put(account::change_password))
        .route(
            "/api/users/me/avatar",
            put(picture::replace).delete(picture::remove).layer(DefaultBodyLimit::max(PICTURE_BYTES_MAX)),
        )
        .route("/api/users/{id}", get(user::show))
        .route("/api/users/{id}/follow", put(follow::begin).delete(follow::end))
        .route("/api/users/{id}/followers", get(follow::followers))
        .route("/api/users/{id}/following", get(follow::following))
        .route("/media/{name}", get(picture::show))
}

/// What happened, and who is told.
fn news() -> Router<App> {
    Router::new()
        .route("/api/activity", get(activity::list))
        .route("/api/notifications", get(notification::list))
        .route("/api/notifications/unread-count", get(notification::unread_count))
        .route("/api/notifications/read-all", post(notification::read_all))
        .route("/api/notifications/settings", get(notification::settings).put(notification::change_settings))
        .route("/api/notifications/stream", get(notification::stream))
        .route("/api/notifications/{id}", delete(notification::delete))
        .route("/api/notifications/{id}/read", post(notification::read))
}

/// What only administrators may.
fn administrators() -> Router<App> {
    Router::new()
        .route("/api/admin/dead-letters", get(dead_letter::list))
        .route("/api/admin/dead-letters/{id}", delete(dead_letter::delete))
        .route("/api/admin/dead-letters/{id}/replay", post(dead_letter::replay))
        .route("/api/admin/users", get(admin::users))
        .route("/api/admin/users/{id}/role", put(admin::set_role))
        .route("/api/admin/users/{id}/suspension", put(admin::suspend).delete(admin::lift_suspension))
        .route("/api/admin/backfills", get(backfill::list).post(backfill::create))
        .route("/api/admin/backfills/{id}", delete(backfill::cancel))
        .route("/api/admin/markets", get(activation::list))
        .route("/api/admin/markets/{code}/activation", put(activation::put).delete(activation::delete))
}

/// Posts, and what is done about them.
fn posts() -> Router<App> {
    let long_body = DefaultBodyLimit::max(POST_BODY_BYTES);
    Router::new()
        .route("/api/posts", get(post::list).post(post::create).layer(long_body))
        .route("/api/posts/{id}", get(post::show).patch(post::edit).delete(post::delete).layer(long_body))
        .route("/api/posts/{id}/like", put(post::like).delete(post::unlike))
        .route("/api/posts/{id}/view", post(post::view))
        .route("/api/posts/{id}/comments", get(comment::list).post(comment::create))
        .route("/api/comments/{id}", patch(comment::edit).delete(comment::delete))
        .route("/api/comments/{id}/replies", get(comment::replies))
        .route("/api/comments/{id}/like", put(comment::like).delete(comment::unlike))
        .route("/api/tags", get(tag::list))
        .route("/api/timeline", get(timeline::list))
}

/// Rooms.
fn talk() -> Router<App> {
    Router::new()
        .route("/api/rooms", get(room::list))
        .route("/api/rooms/{name}", get(room::show))
        .route("/api/rooms/{name}/messages", get(room::messages))
        .route("/api/rooms/{name}/messages/{id}", delete(moderation::delete_message))
        .route("/api/rooms/{name}/me", get(moderation::standing))
        .route("/api/rooms/{name}/bans", get(moderation::bans))
        .route("/api/rooms/{name}/bans/{id}", put(moderation::ban).delete(moderation::unban))
        .route("/api/rooms/{name}/mutes", get(moderation::mutes))
        .route("/api/rooms/{name}/mutes/{id}", put(moderation::mute).delete(moderation::unmute))
        .route("/api/rooms/{name}/slow-mode", put(moderation::set_slow_mode))
        .route("/api/rooms/{name}/moderators", get(moderation::moderators))
        .route("/api/rooms/{name}/moderators/{id}", put(moderation::appoint).delete(moderation::dismiss))
        .route("/api/rooms/{name}/moderation", get(moderation::entries))
        .route("/ws/chat", any(room::chat))
}

/// Markets.
fn prices() -> Router<App> {
    Router::new()
        .route("/api/markets", get(market::list))
        .route("/api/markets/{code}/ticker", get(market::ticker))
        .route("/api/markets/{code}/candles", get(candle::list))
        .route("/ws/ticker", any(market::tickers))
        .route("/ws/minute", any(candle::minutes))
}

/// Apps: many channels on one socket.
fn apps() -> Router<App> {
    Router::new().route("/connection/websocket", any(centrifuge::connect))
}

/// What operators and their machines ask.
fn operators() -> Router<App> {
    Router::new()
        .route("/health/live", get(ops::live))
        .route("/health/ready", get(ops::ready))
        .route("/metrics", get(ops::metrics))
        .route("/version", get(ops::version))
}

/// The page.
fn page() -> Router<App> {
    Router::new()
        .route("/", get(ui::index))
        .route("/assets/{*path}", get(ui::asset))
        .route("/docs", get(docs::browser))
        .route("/api-docs/openapi.json", get(docs::document))
}
