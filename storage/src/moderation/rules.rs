//! What holds in a room.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::{IS_MODERATOR, Moderation, SanctionKind};
use crate::{RoomName, StorageError, TimestampMs, UserId};

/// What holds in a room: as much as it takes to keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// How long everybody waits between two messages; not at all if zero.
    pub slow_mode: Duration,
    /// Who keeps order.
    pub moderators: Vec<UserId>,
    /// Who may not do what, until when.
    pub sanctions: Vec<(SanctionKind, UserId, Option<TimestampMs>)>,
}

/// What somebody is and may in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether they keep order.
    pub is_moderator: bool,
    /// What they may not do, until when.
    pub sanctions: Vec<(SanctionKind, Option<TimestampMs>)>,
    /// How long everybody waits between two messages.
    pub slow_mode: Duration,
}

/// A row of `select kind, user_id, ends_at`.
struct SanctionRow(SanctionKind, UserId, Option<TimestampMs>);

impl FromRow<'_, AnyRow> for SanctionRow {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self(row.try_get("kind")?, row.try_get("user_id")?, row.try_get("ends_at")?))
    }
}

const SLOW_MODE: &str = "select slow_mode_s from room where name = $1";

const MODERATORS: &str = "select user_id from room_moderator where room = $1";

const SANCTIONS: &str = "
    select kind, user_id, ends_at from room_sanction where room = $1 and (ends_at is null or ends_at > $2)";

const SANCTIONS_OF: &str = "
    select kind, user_id, ends_at from room_sanction
    where room = $1 and user_id = $2 and (ends_at is null or ends_at > $3)";

impl Moderation {
    /// What holds in a room at this time.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn rules(&self, room: &RoomName, now: TimestampMs) -> Result<Rules, StorageError> {
        let moderators = self.database.query_scalar(MODERATORS).bind(room);
        let moderators = moderators.fetch_all(self.database.reader()).await?;
        let sanctions = self.database.query_as::<SanctionRow>(SANCTIONS).bind(room).bind(now);
        let sanctions = sanctions.fetch_all(self.database.reader()).await?;
        let sanctions = sanctions.into_iter().map(|SanctionRow(kind, user, ends_at)| (kind, user, ends_at));
        Ok(Rules { slow_mode: self.slow_mode(room).await?, moderators, sanctions: sanctions.collect() })
    }

    /// What somebody is and may in a room at this time.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn standing(
        &self,
        room: &RoomName,
        user: UserId,
        now: TimestampMs,
    ) -> Result<Standing, StorageError> {
        let sanctions = self.database.query_as::<SanctionRow>(SANCTIONS_OF).bind(room).bind(user).bind(now);
        let sanctions = sanctions.fetch_all(self.database.reader()).await?;
        Ok(Standing {
            is_moderator: self.is_moderator(room, user).await?,
            sanctions: sanctions.into_iter().map(|SanctionRow(kind, _, ends_at)| (kind, ends_at)).collect(),
            slow_mode: self.slow_mode(room).await?,
        })
    }

    /// Whether somebody keeps order in a room.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn is_moderator(&self, room: &RoomName, user: UserId) -> Result<bool, StorageError> {
        let select = self.database.query_scalar::<UserId>(IS_MODERATOR).bind(room).bind(user);
        Ok(select.fetch_optional(self.database.reader()).await?.is_some())
    }

    async fn slow_mode(&self, room: &RoomName) -> Result<Duration, StorageError> {
        let select = self.database.query_scalar::<i64>(SLOW_MODE).bind(room);
        let seconds = select.fetch_optional(self.database.reader()).await?.unwrap_or_default();
        Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
    }
}
