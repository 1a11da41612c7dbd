//! Who is there: accounts, logins, tokens.
//!
//! | file | what it holds |
//! |---|---|
//! | [`identity`] | who somebody is, once that is known |
//! | [`authenticated`] | the extractors by which handlers ask |
//! | `credential` | what a request shows, and which of it counts |
//! | `identify` | from a credential to an identity |
//! | [`password`] | argon2id, at a pace that the server can keep |
//! | `access_token` | the JWT of a quarter of an hour |
//! | `account` | made, verified, given another password or role, deleted |
//! | `login` | begun, carried on and ended |
//! | `session` | the list of one's own logins |
//! | `guess` | what a wrong password costs |
//! | `family` | which of them still stand |
//! | `ticket`, `cookie`, `secret`, [`signing_key`] | the rest of what travels or is kept |
//!
//! A login starts a *family*: one refresh token at a time, replaced whenever it is used, and the access tokens made
//! with each. Using a replaced refresh token again means that two parties have it, so the family ends for both.

mod access_token;
mod account;
pub mod authenticated;
mod cookie;
mod credential;
mod family;
mod guess;
mod identify;
pub mod identity;
mod login;
pub mod password;
mod secret;
mod session;
pub mod signing_key;
#[cfg(test)]
mod tests;
mod ticket;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tickroom_storage::{
    FamilyId, IdGenerator, TimestampMs, UserId,
    account::Accounts,
    token::Tokens,
    user::{User, Users},
};

use self::{
    access_token::AccessTokens,
    cookie::CookieMaker,
    family::Families,
    guess::{Account, Guesses},
    password::Passwords,
    signing_key::SigningKeyError,
    ticket::Tickets,
};
use crate::{
    config::Config,
    error::ApiError,
    limits::PASSWORD_HASHES_ADMITTED,
    mail::Mailer,
    middleware::{
        client_ip::Networks,
        origin::Origins,
        rate_limit::{AddressLimit, KeyedLimit},
    },
};

pub use self::{
    account::Registration,
    authenticated::{
        Admin, Authenticated, MaybeAuthenticated, MaybeSocketIdentity, SocketIdentity, StreamIdentity,
    },
    cookie::{ACCESS_TOKEN, CookieSlot, REFRESH_TOKEN, SetCookies},
    family::OnRevoked,
    identity::{Identity, Scope, Scopes},
    login::{Device, Grant},
};
pub(crate) use credential::is_ambient;

/// How many mailboxes one client address may fill: as many people as may live behind it.
const MAILBOXES_PER_CLIENT: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// What time it is. Tests wind it by hand.
pub type Clock = Arc<dyn Fn() -> TimestampMs + Send + Sync>;

/// What [`Auth`] works with.
pub struct Dependencies {
    /// The people.
    pub users: Users,
    /// What becomes of their accounts.
    pub accounts: Accounts,
    /// Their logins.
    pub tokens: Tokens,
    /// How they are written to.
    pub mailer: Mailer,
    /// Names for new ones of both.
    pub ids: Arc<IdGenerator>,
    /// For all expiry.
    pub clock: Clock,
    /// Called on logout and on theft.
    pub on_revoked: OnRevoked,
}

/// Why there can be no authentication, and so no server.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Tokens cannot be signed.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// Passwords cannot be hashed.
    #[error("cannot hash passwords")]
    Passwords(#[source] ApiError),
}

/// The service. Clones share everything.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    users: Users,
    accounts: Accounts,
    mailer: Mailer,
    ids: Arc<IdGenerator>,
    clock: Clock,
    passwords: Passwords,
    access_tokens: AccessTokens,
    families: Families,
    tickets: Tickets,
    cookies: CookieMaker,
    origins: Origins,
    trusted_proxies: Networks,
    identity_gateways: Networks,
    /// What links in mails begin with; without a trailing slash.
    public_url: String,
    is_verification_required: bool,
    guesses: Guesses,
    login_limit: AddressLimit,
    registration_limit: AddressLimit,
    refresh_limit: AddressLimit,
    mail_limit: AddressLimit,
    mailbox_limit: KeyedLimit<Account>,
    write_limit: KeyedLimit<UserId>,
}

impl Auth {
    /// Reads or makes the signing key, and hashes once: this blocks for some milliseconds.
    ///
    /// # Errors
    ///
    /// When the key cannot be read or made.
    pub fn new(config: &Config, dependencies: Dependencies) -> Result<Self, SetupError> {
        let Dependencies { users, accounts, tokens, mailer, ids, clock, on_revoked } = dependencies;
        let (settings, server) = (&config.auth, &config.server);
        let key = match &settings.signing_key {
            Some(key) => key.clone(),
            None => signing_key::load_or_create(&config.storage.data_dir)?,
        };
        let mails_per_client = settings.mails_per_hour.saturating_mul(MAILBOXES_PER_CLIENT);
        Ok(Self(Arc::new(Inner {
            users,
            accounts,
            mailer,
            families: Families::new(tokens, on_revoked),
            ids,
            clock,
            passwords: Passwords::new(PASSWORD_HASHES_ADMITTED).map_err(SetupError::Passwords)?,
            access_tokens: AccessTokens::new(&key, server.public_url.to_string()),
            tickets: Tickets::new(),
            cookies: CookieMaker {
                secure: settings.secure_cookies,
                access_ttl: settings.access_token_ttl,
                refresh_ttl: settings.refresh_token_ttl,
            },
            origins: Origins::new(server, settings.secure_cookies),
            trusted_proxies: Networks::new(&server.trusted_proxies),
            identity_gateways: Networks::new(&server.identity_gateways),
            public_url: server.public_url.to_string(),
            is_verification_required: settings.is_verification_required,
            guesses: Guesses::new(),
            login_limit: AddressLimit::per_minute(settings.login_attempts_per_minute),
            registration_limit: AddressLimit::per_hour(settings.registrations_per_hour),
            refresh_limit: AddressLimit::per_minute(settings.refreshes_per_minute),
            mail_limit: AddressLimit::per_hour(mails_per_client),
            mailbox_limit: KeyedLimit::per_hour(settings.mails_per_hour),
            write_limit: KeyedLimit::per_minute(server.writes_per_minute),
        })))
    }

    /// A ticket by which `identity` can open one socket.
    ///
    /// # Errors
    ///
    /// 500 without randomness.
    pub fn issue_ticket(&self, identity: Identity) -> Result<String, ApiError> {
        self.0.tickets.issue(identity, self.now())
    }

    /// Shows this user's next requests and sockets under the name and picture that she has now, whatever her tokens say.
    pub fn profile_changed(&self, user: UserId) {
        self.0.families.changed(user);
    }

    /// The cookies that bring `grant` to a browser.
    ///
    /// # Errors
    ///
    /// 500 if a token does not fit into a header, which none of ours do not.
    pub fn set_cookies(&self, grant: &Grant) -> Result<SetCookies, ApiError> {
        self.0.cookies.set(grant)
    }

    /// The cookies that make a browser forget its login.
    ///
    /// # Errors
    ///
    /// As [`set_cookies`](Self::set_cookies).
    pub fn clear_cookies(&self) -> Result<SetCookies, ApiError> {
        self.0.cookies.clear()
    }

    /// The budget for logins of one client.
    #[must_use]
    pub fn login_limit(&self) -> &AddressLimit {
        &self.0.login_limit
    }

    /// The budget for registrations of one client.
    #[must_use]
    pub fn registration_limit(&self) -> &AddressLimit {
        &self.0.registration_limit
    }

    /// The budget for refreshed tokens of one client.
    #[must_use]
    pub fn refresh_limit(&self) -> &AddressLimit {
        &self.0.refresh_limit
    }

    /// The budget for mails that one client asks for, to whatever mailbox.
    #[must_use]
    pub fn mail_limit(&self) -> &AddressLimit {
        &self.0.mail_limit
    }

    /// The budget for requests of one user that change something.
    #[must_use]
    pub fn write_limit(&self) -> &KeyedLimit<UserId> {
        &self.0.write_limit
    }

    /// Whether new people get a mail to prove their address.
    #[must_use]
    pub fn is_verification_required(&self) -> bool {
        self.0.is_verification_required
    }

    /// Whether people get here by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.public_url.starts_with("https://")
    }

    /// How long an access token is good for.
    #[must_use]
    pub fn access_ttl(&self) -> Duration {
        self.0.cookies.access_ttl
    }

    /// The pages that may act with cookies.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        &self.0.origins
    }

    /// The peers that may say for which address they ask.
    #[must_use]
    pub fn trusted_proxies(&self) -> &Networks {
        &self.0.trusted_proxies
    }

    /// The peers that may say who asks.
    #[must_use]
    pub fn identity_gateways(&self) -> &Networks {
        &self.0.identity_gateways
    }

    fn identity_of(&self, user: &User, family: Option<FamilyId>, now: TimestampMs) -> Identity {
        Identity {
            user_id: user.id,
            name: user.name.as_str().into(),
            profile_url: user.avatar_url.as_deref().map(Into::into),
            role: user.role,
            scopes: Scopes::of_role(user.role),
            family,
            expires_at: later(now, self.0.cookies.access_ttl),
        }
    }

    fn now(&self) -> TimestampMs {
        (self.0.clock)()
    }
}

fn unauthenticated() -> ApiError {
    ApiError::unauthorized("unauthenticated", "log in first, or send a Bearer token")
}

fn token_expired() -> ApiError {
    ApiError::unauthorized("token_expired", "this token has expired")
}

fn token_revoked() -> ApiError {
    ApiError::unauthorized("token_revoked", "the login of this token has ended")
}

fn token_invalid() -> ApiError {
    ApiError::unauthorized("token_invalid", "this is no token of ours")
}

fn later(now: TimestampMs, ttl: Duration) -> TimestampMs {
    now.plus_millis(millis(ttl))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
