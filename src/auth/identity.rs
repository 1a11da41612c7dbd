//! Who a request or socket speaks for, and what it may do.

use std::{fmt, str::FromStr, sync::Arc};

use axum::http::Method;
use serde::{Deserialize, Serialize};
use tickroom_storage::{FamilyId, TimestampMs, UserId, user::Role};

use crate::error::ApiError;

/// A verified sender. Cheap to clone: sockets keep one for as long as they live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whom it stands for.
    pub user_id: UserId,
    /// What others see beside a message.
    pub name: Arc<str>,
    /// The picture beside it.
    pub profile_url: Option<Arc<str>>,
    /// What the user is; what this token may do is in `scopes`.
    pub role: Role,
    /// What this token may do.
    pub scopes: Scopes,
    /// The login it descends from, by whose end it ends; `None` when a gateway vouches for the user.
    pub family: Option<FamilyId>,
    /// When it ends by itself; a socket must have renewed it by then.
    pub expires_at: TimestampMs,
}

impl Identity {
    /// Passes if this identity may do what `scope` names.
    ///
    /// # Errors
    ///
    /// 403 `insufficient_scope`.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Err(ApiError::forbidden("insufficient_scope", format!("this needs the scope {}", scope.as_str())))
    }
}

/// One thing that a token may permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To see what the user may see.
    Read,
    /// To change what the user may change.
    Write,
    /// To run the place.
    Admin,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// What a request by this method needs at least.
    #[must_use]
    pub fn of_method(method: &Method) -> Self {
        if method.is_safe() { Self::Read } else { Self::Write }
    }

    /// As tokens spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 4,
        }
    }
}

/// A set of scopes; in tokens a list of words, as OAuth has it (RFC 6749 section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scopes(u8);

impl Scopes {
    /// What everybody's tokens permit.
    pub const USER: Self = Self(Scope::Read.bit() | Scope::Write.bit());
    /// What an administrator's tokens permit.
    pub const ADMIN: Self = Self(Self::USER.0 | Scope::Admin.bit());

    /// What tokens of such a user permit.
    #[must_use]
    pub fn of_role(role: Role) -> Self {
        match role {
            Role::Admin => Self::ADMIN,
            Role::User => Self::USER,
        }
    }

    /// Is `scope` among them?
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let granted = Scope::ALL.into_iter().filter(|&scope| self.contains(scope));
        f.write_str(&granted.map(Scope::as_str).collect::<Vec<_>>().join(" "))
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

/// A word that names no scope of ours.
#[derive(Debug, thiserror::Error)]
#[error("expected scopes among read, write and admin, got {0:?}")]
pub struct UnknownScope(String);

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace().try_fold(Self(0), |scopes, word| {
            let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == word);
            let scope = scope.ok_or_else(|| UnknownScope(word.to_owned()))?;
            Ok(Self(scopes.0 | scope.bit()))
        })
    }
}

impl TryFrom<String> for Scopes {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}
