//! Every problem that a handler may answer with, and which of them go together.
//!
//! An operation lists by these names what its handler answers beside what its shape tells already, such as 422 for a
//! query; [`super::finish`] adds that and makes responses of it, one for each status. The doc of a problem is what the
//! document says of it.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

/// Defines problems by status and `code`.
macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:literal $code:literal;)+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) enum $name {}

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    let key = format!("{} {}", $status, $code);
                    let meaning = super::prose(&[$($doc),+]);
                    BTreeMap::from([(key, Response::new(meaning).into())])
                }
            }
        )+
    };
}

/// Defines what goes together.
macro_rules! groups {
    ($($(#[doc = $doc:literal])+ $name:ident = $($part:ident),+;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($part::responses()),+].into_iter().flatten().collect()
            }
        }
    )+};
}

problems! {
    /// Two of a Bearer token, a ticket and a gateway's claim were sent. Send one.
    AmbiguousCredentials = 400 "ambiguous_credentials";
    /// A parameter in the path has not the form that it must have.
    InvalidPath = 400 "invalid_path";
    /// The `Idempotency-Key` is not 1 to 128 printable ASCII characters.
    InvalidIdempotencyKey = 400 "invalid_idempotency_key";
    /// The link is too old, was used before, or was never given.
    LinkInvalid = 400 "link_invalid";
    /// The body is not JSON.
    MalformedJson = 400 "malformed_json";
    /// The request is no WebSocket handshake of RFC 6455.
    NotAWebsocketHandshake = 400 "not_a_websocket_handshake";
    /// The body ended before it was whole.
    UnreadableBody = 400 "unreadable_body";

    /// The mail address or the password is wrong.
    InvalidCredentials = 401 "invalid_credentials";
    /// The token has expired; refresh it.
    TokenExpired = 401 "token_expired";
    /// The token, or ticket, is none that this server gave.
    TokenInvalid = 401 "token_invalid";
    /// The login of the token has ended.
    TokenRevoked = 401 "token_revoked";
    /// Nobody is logged in.
    Unauthenticated = 401 "unauthenticated";

    /// The account is suspended.
    AccountSuspended = 403 "account_suspended";
    /// The mail address of the account was not proved yet.
    EmailNotVerified = 403 "email_not_verified";
    /// This is for administrators.
    Forbidden = 403 "forbidden";
    /// The token does not permit this.
    InsufficientScope = 403 "insufficient_scope";
    /// Only who wrote this may change it.
    NotAuthor = 403 "not_author";
    /// Only who keeps order in the room may do this.
    NotModerator = 403 "not_moderator";
    /// The request depends on cookies, and comes from a page that may not use them.
    OriginForbidden = 403 "origin_forbidden";
    /// The password is not the one of the account.
    WrongPassword = 403 "wrong_password";

    /// What the path names, or what it would act upon, does not exist.
    NotFound = 404 "not_found";

    /// The body took too long to arrive.
    BodyTooSlow = 408 "body_too_slow";

    /// This server has no exchange to ask.
    NoExchange = 409 "no_exchange";
    /// Administrators do this to others' accounts, never to their own.
    OwnAccount = 409 "own_account";
    /// This is about somebody who keeps order in the room, and has to be dismissed first.
    Protected = 409 "protected";
    /// The room has as many moderators, or bans and mutes, as it may.
    RoomFull = 409 "room_full";
    /// Somebody else has it already; `errors` names the field.
    Taken = 409 "taken";
    /// Nobody may follow more people.
    TooManyFollows = 409 "too_many_follows";

    /// The body is larger than this resource accepts.
    BodyTooLarge = 413 "body_too_large";

    /// The body is of a type that this resource does not take.
    UnsupportedMediaType = 415 "unsupported_media_type";

    /// Nobody follows herself.
    CannotFollowOneself = 422 "cannot_follow_oneself";
    /// The `Idempotency-Key` belongs to another request.
    IdempotencyKeyReused = 422 "idempotency_key_reused";
    /// The picture has too many pixels.
    PictureTooLarge = 422 "picture_too_large";
    /// The picture is damaged.
    PictureUnreadable = 422 "picture_unreadable";
    /// The input is not what it must be; `errors` names every field that is wrong.
    ValidationFailed = 422 "validation_failed";

    /// Too many requests of this kind; `Retry-After` says when to come back.
    RateLimited = 429 "rate_limited";
    /// This user has as many sockets open as one may.
    TooManySockets = 429 "too_many_sockets";

    /// Something went wrong on the server.
    Internal = 500 "internal";

    /// The server has too much to do; `Retry-After` says when to come back.
    Busy = 503 "busy";
    /// More mail waits to be sent than the server keeps.
    MailBusy = 503 "mail_busy";
    /// Something that the server needs does not answer.
    Unavailable = 503 "unavailable";
}

groups! {
    /// Of handlers that take a `MaybeAuthenticated`: one need not show who one is, but may not show nonsense.
    Visitor = AmbiguousCredentials, TokenExpired, TokenInvalid, TokenRevoked, RateLimited;
    /// Of handlers that take an `Authenticated`.
    LoggedIn = Visitor, Unauthenticated, InsufficientScope;
    /// Of handlers that take an `Admin`.
    Administrator = LoggedIn, Forbidden;
    /// Of handlers that take a `RequestKey`.
    Idempotent = InvalidIdempotencyKey, IdempotencyKeyReused;
    /// Of handlers that send a mail.
    Mails = RateLimited, MailBusy;
    /// Of what takes a picture.
    Picture = UnreadableBody, BodyTooSlow, BodyTooLarge, UnsupportedMediaType, PictureTooLarge, PictureUnreadable;
    /// Of handlers that open a socket.
    Socket = NotAWebsocketHandshake, TooManySockets;

    /// Of all operations.
    Anything = Internal;
    /// Of operations that work with what is stored.
    Stored = Busy, Unavailable;
    /// Of operations with a JSON body.
    Json = MalformedJson, UnreadableBody, BodyTooSlow, BodyTooLarge, UnsupportedMediaType, ValidationFailed;
}
