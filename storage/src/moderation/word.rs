//! What is done to keep order, by name.

use std::fmt;
use std::str::FromStr;

/// Defines an enum whose variants have a name in databases and JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $error:ident, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As databases and JSON have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        /// The text is none of these words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("expected one of {}", [$($word),+].join(", "))]
        pub struct $error;

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or($error)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What somebody may not do in a room.
    SanctionKind, SanctionKindError,
    /// Be in it.
    Ban = "ban",
    /// Speak.
    Mute = "mute",
}

words! {
    /// Something that is done to keep order.
    Action, ActionError,
    /// Somebody is kept out.
    Ban = "ban",
    /// Somebody may come in again.
    Unban = "unban",
    /// Somebody may not speak.
    Mute = "mute",
    /// Somebody may speak again.
    Unmute = "unmute",
    /// Everybody waits between two messages, or no more.
    SlowMode = "slow_mode",
    /// Somebody keeps order from now on.
    Appoint = "appoint",
    /// Somebody keeps order no more.
    Dismiss = "dismiss",
    /// Somebody's message was taken back by another.
    DeleteMessage = "delete_message",
}

impl SanctionKind {
    pub(super) const fn imposed(self) -> Action {
        match self {
            Self::Ban => Action::Ban,
            Self::Mute => Action::Mute,
        }
    }

    pub(super) const fn lifted(self) -> Action {
        match self {
            Self::Ban => Action::Unban,
            Self::Mute => Action::Unmute,
        }
    }
}
