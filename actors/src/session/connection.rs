//! [`Connection`]: how far a client of the Centrifuge protocol has come. Part of the slot: a session that dies leaves it.

use super::Identity;
use crate::limits::ANSWER_WITHIN;
use crate::wire::centrifuge::message::Error;
use crate::wire::centrifuge::{Format, Reply};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was agreed at the handshake.
#[derive(Clone)]
pub struct Terms {
    /// The spelling.
    pub format: Format,
    /// Whether to ask for signs of life by WebSocket pings: for tools that know nothing of the protocol's own.
    pub frame_pings: bool,
    /// Who knows whom a token stands for.
    pub authority: Arc<dyn Authority>,
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, frame_pings, .. } = self;
        f.debug_struct("Terms")
            .field("format", format)
            .field("frame_pings", frame_pings)
            .finish_non_exhaustive()
    }
}

/// Knows whom a token stands for.
#[async_trait]
pub trait Authority: Send + Sync {
    /// Whom this token stands for, now.
    ///
    /// # Errors
    ///
    /// Why it stands for nobody.
    async fn identify(&self, token: &str) -> Result<Identity, Unproven>;
}

/// Why a token does not stand for anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// It did once: the client should get another.
    Expired,
    /// It never did, or its login has ended.
    Invalid,
    /// Nobody knows at the moment.
    Unavailable,
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    /// Nothing was said.
    #[default]
    Silent,
    /// Somebody finds out who it is.
    Connecting,
    /// Not let in, and told so: nothing that follows is heard.
    Refused,
    /// Let in.
    Connected {
        /// Whether the client can bring another token when the first runs out.
        renewable: bool,
    },
}

#[derive(Default)]
pub(crate) struct Connection {
    stage: Mutex<Stage>,
    /// A ping is out.
    ping_waits: AtomicBool,
    /// Commands whose answer comes from elsewhere, and until when, in milliseconds of the tree's clock.
    awaited: Mutex<Awaited>,
}

#[derive(Default)]
struct Awaited {
    commands: VecDeque<(u64, u32)>,
    /// Whether the shard looks at the clock for them.
    is_watched: bool,
}

impl Connection {
    pub(crate) fn stage(&self) -> Stage {
        *self.stage.lock()
    }

    pub(crate) fn enter(&self, stage: Stage) {
        *self.stage.lock() = stage;
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.stage(), Stage::Connected { .. })
    }

    /// A ping goes out.
    pub(crate) fn asked(&self) {
        self.ping_waits.store(true, Ordering::SeqCst);
    }

    /// An answer to a ping came in; `false` if there was none to answer.
    pub(crate) fn was_asked(&self) -> bool {
        self.ping_waits.swap(false, Ordering::SeqCst)
    }

    /// A command will be answered from elsewhere; `true` if the shard has to be told to watch the time.
    pub(crate) fn awaits(&self, command: u32, now_ms: u64) -> bool {
        let mut awaited = self.awaited.lock();
        let until = now_ms + u64::try_from(ANSWER_WITHIN.as_millis()).unwrap_or(u64::MAX);
        awaited.commands.push_back((until, command));
        !std::mem::replace(&mut awaited.is_watched, true)
    }

    /// The answer is here; `false` if it is too late.
    pub(crate) fn answered(&self, command: u32) -> bool {
        let mut awaited = self.awaited.lock();
        let place = awaited.commands.iter().position(|(_, waiting)| *waiting == command);
        place.and_then(|place| awaited.commands.remove(place)).is_some()
    }

    /// Answers that took too long, and when to look again.
    pub(crate) fn overdue(&self, now_ms: u64) -> (Vec<Reply>, Option<u64>) {
        let mut awaited = self.awaited.lock();
        let late = awaited.commands.iter().take_while(|(until, _)| *until <= now_ms).count();
        let replies =
            awaited.commands.drain(..late).map(|(_, id)| Reply::error(id, Error::internal())).collect();
        let next = awaited.commands.front().map(|(until, _)| *until);
        awaited.is_watched = next.is_some();
        if next.is_none() {
            awaited.commands = VecDeque::new();
        }
        (replies, next)
    }

    /// When to look next, after whoever looked has died.
    pub(crate) fn watched_until(&self) -> Option<u64> {
        let awaited = self.awaited.lock();
        awaited.is_watched.then(|| awaited.commands.front().map_or(0, |(until, _)| *until))
    }
}
