//! Telling people, and taking it back.

use std::collections::HashSet;

use super::{Changes, Effects, Task};
use crate::engine::{Insert, OnConflict, Transaction};
use crate::event::Event;
use crate::limits::{INSERT_COLUMNS_MAX, INSERT_ROWS_MAX};
use crate::notification::{About, NotificationKind};
use crate::{EventId, NotificationId, StorageError, TimestampMs, UserId};

const INSERT: Insert = Insert {
    table: "notification",
    columns: &[
        "id",
        "user_id",
        "event_id",
        "kind",
        "actor_id",
        "post_id",
        "comment_id",
        "room",
        "room_offset",
        "created_at",
    ],
    on_conflict: OnConflict::Skip,
};

const _: () = assert!(INSERT.columns.len() <= INSERT_COLUMNS_MAX);

/// A row that says the same: this kind, from this actor to this reader, about the same thing.
const SAME: &str = "
    select id from notification where user_id = $1 and kind = $2 and actor_id = $3
    and coalesce(comment_id, post_id, 0) = $4";

const SAME_UNREAD: &str = "
    select id from notification where user_id = $1 and kind = $2 and actor_id = $3
    and coalesce(comment_id, post_id, 0) = $4 and read_at is null";

const LAST: &str = "select id from notification order by id desc limit 1";

/// What all notifications of one event have in common.
pub(super) struct Told<'a> {
    pub(super) event: EventId,
    pub(super) actor: UserId,
    pub(super) about: &'a About,
    pub(super) time: TimestampMs,
}

/// Tells those whom the event concerns: not the actor, nobody twice, and nobody who does not want it.
pub(super) async fn tell(
    transaction: &mut Transaction,
    event: &Event,
    effects: &Effects,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let mut readers: Vec<(UserId, NotificationKind)> = Vec::with_capacity(effects.tell.len());
    for &(reader, kind) in &effects.tell {
        if reader != event.actor && !readers.iter().any(|(known, _)| *known == reader) {
            readers.push((reader, kind));
        }
    }
    let unwilling = unwilling(transaction, &readers).await?;
    readers.retain(|reader| !unwilling.contains(reader));
    let mut news = Vec::with_capacity(readers.len());
    for (reader, kind) in readers {
        if !is_repeatable(kind) || same(transaction, SAME, event, effects, reader, kind).await?.is_empty() {
            news.push((reader, kind));
        }
    }
    let told = Told { event: event.id, actor: event.actor, about: &effects.about, time: event.time };
    insert(transaction, &told, &news, changes).await
}

/// What can be done, undone and done again, and is no news the second time.
fn is_repeatable(kind: NotificationKind) -> bool {
    use NotificationKind as K;
    matches!(kind, K::Follow | K::PostLike | K::CommentLike)
}

/// Whether what people would be told about is still there. It may be deleted before its event comes, and then nobody
/// is told; a withdrawal is about what is gone.
pub(super) async fn is_there(transaction: &mut Transaction, effects: &Effects) -> Result<bool, StorageError> {
    if matches!(effects.job, Some(Task::WithdrawPost | Task::WithdrawComment)) {
        return Ok(true);
    }
    let database = transaction.database();
    let select = match effects.about {
        About { comment: Some(comment), .. } => {
            let text = "select count(*) from comment where id = $1 and deleted_at is null";
            database.query_scalar::<i64>(text).bind(comment)
        }
        About { post: Some(post), .. } => {
            database.query_scalar("select count(*) from post where id = $1").bind(post)
        }
        _ => return Ok(true),
    };
    Ok(select.fetch_one(&mut **transaction).await? > 0)
}

/// Withdraws what the event makes untrue, unless it was read.
pub(super) async fn withdraw(
    transaction: &mut Transaction,
    event: &Event,
    effects: &Effects,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let Some((reader, kind)) = effects.withdraw else { return Ok(()) };
    let untrue = same(transaction, SAME_UNREAD, event, effects, reader, kind).await?;
    if delete_notifications(transaction, &untrue).await? > 0 {
        changes.recount.push(reader);
    }
    Ok(())
}

async fn same(
    transaction: &mut Transaction,
    text: &'static str,
    event: &Event,
    effects: &Effects,
    reader: UserId,
    kind: NotificationKind,
) -> Result<Vec<NotificationId>, StorageError> {
    let About { post, comment, .. } = &effects.about;
    let thing = comment.map(|id| id.get()).or(post.map(|id| id.get())).unwrap_or(0);
    let select = transaction.database().query_scalar(text);
    let select = select.bind(reader).bind(kind).bind(event.actor).bind(thing);
    Ok(select.fetch_all(&mut **transaction).await?)
}

/// Those of these readers who are gone, or do not want this kind.
async fn unwilling(
    transaction: &mut Transaction,
    readers: &[(UserId, NotificationKind)],
) -> Result<HashSet<(UserId, NotificationKind)>, StorageError> {
    let (mut present, mut muted) = (HashSet::new(), HashSet::new());
    for some in readers.chunks(INSERT_ROWS_MAX) {
        let text = transaction
            .database()
            .among("select id from users where deleted_at is null and id in ", some.len());
        let select = sqlx::query_scalar::<_, UserId>(text).persistent(false);
        let select = some.iter().fold(select, |select, (reader, _)| select.bind(*reader));
        present.extend(select.fetch_all(&mut **transaction).await?);
        let text = "select user_id, kind from notification_mute where user_id in ";
        let text = transaction.database().among(text, some.len());
        let select = sqlx::query_as::<_, (UserId, NotificationKind)>(text).persistent(false);
        let select = some.iter().fold(select, |select, (reader, _)| select.bind(*reader));
        muted.extend(select.fetch_all(&mut **transaction).await?);
    }
    let is_unwilling =
        |reader: &(UserId, NotificationKind)| !present.contains(&reader.0) || muted.contains(reader);
    Ok(readers.iter().copied().filter(is_unwilling).collect())
}

/// Inserts a notification for each of these; who was told of the event before is not told again.
pub(super) async fn insert(
    transaction: &mut Transaction,
    told: &Told<'_>,
    readers: &[(UserId, NotificationKind)],
    changes: &mut Changes,
) -> Result<(), StorageError> {
    if readers.is_empty() {
        return Ok(());
    }
    let first = next_id(transaction).await?;
    let rows: Vec<(i64, UserId, NotificationKind)> =
        (first..).zip(readers).map(|(id, (reader, kind))| (id, *reader, *kind)).collect();
    for some in rows.chunks(INSERT_ROWS_MAX) {
        let text = transaction.database().insert(&INSERT, some.len());
        let insert = some.iter().fold(sqlx::query(text), |insert, (id, reader, kind)| {
            let About { post, comment, message } = told.about;
            let (room, offset) = message.as_ref().map(|(room, offset)| (room, *offset)).unzip();
            let insert = insert.bind(*id).bind(*reader).bind(told.event).bind(*kind).bind(told.actor);
            insert.bind(*post).bind(*comment).bind(room).bind(offset).bind(told.time)
        });
        insert.execute(&mut **transaction).await?;
    }
    changes.told.extend(rows.into_iter().map(|(id, reader, _)| (reader, NotificationId::new(id))));
    Ok(())
}

/// An id above all there are, also when the clock was set back. It is this unit's turn, so nobody else draws one before it
/// ends, and ids rise in the order of the commits.
async fn next_id(transaction: &mut Transaction) -> Result<i64, StorageError> {
    let select = transaction.database().query_scalar::<i64>(LAST);
    let last = select.fetch_optional(&mut **transaction).await?.unwrap_or(0);
    Ok(transaction.next_id::<i64>().max(last.saturating_add(1)))
}

/// Deletes these notifications. Says how many there were.
///
/// # Errors
///
/// Only the engine's.
pub(crate) async fn delete_notifications(
    transaction: &mut Transaction,
    ids: &[NotificationId],
) -> Result<u64, StorageError> {
    let mut deleted = 0;
    for some in ids.chunks(INSERT_ROWS_MAX) {
        let text = transaction.database().among("delete from notification where id in ", some.len());
        let delete = sqlx::query(text).persistent(false);
        let delete = some.iter().fold(delete, |delete, id| delete.bind(*id));
        deleted += delete.execute(&mut **transaction).await?.rows_affected();
    }
    Ok(deleted)
}
