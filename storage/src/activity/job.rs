//! Jobs: what an event leaves to do, page by page.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::tell::{Told, delete_notifications, insert};
use super::{Changes, Effects, Task};
use crate::engine::{Insert, OnConflict, Transaction};
use crate::event::Event;
use crate::limits::JOB_PAGE;
use crate::notification::{About, NotificationKind};
use crate::{CommentId, EventId, NotificationId, PostId, StorageError, TimestampMs, UserId};

const INSERT: Insert = Insert {
    table: "notification_job",
    columns: &["event_id", "task", "actor_id", "post_id", "comment_id", "occurred_at", "done_up_to"],
    on_conflict: OnConflict::Skip,
};

const SELECT: &str = "
    select task, actor_id, post_id, comment_id, occurred_at, done_up_to
    from notification_job where event_id = $1";

/// Followers who want to know, and those who do not, in the order of their ids.
const FOLLOWERS: &str = "
    select f.follower_id, m.kind from follow f
    left join notification_mute m on m.user_id = f.follower_id and m.kind = 'post'
    where f.followee_id = $1 and f.follower_id > $2 order by f.follower_id limit $3";

const ABOUT_POST: &str = "select id, user_id, read_at from notification where post_id = $1 limit $2";
const ABOUT_COMMENT: &str = "select id, user_id, read_at from notification where comment_id = $1 limit $2";

impl Task {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TellFollowers => "followers",
            Self::WithdrawPost => "post",
            Self::WithdrawComment => "comment",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::TellFollowers, Self::WithdrawPost, Self::WithdrawComment];
        all.into_iter().find(|task| task.as_str() == text)
    }
}

/// A job as it stands.
struct Job {
    task: Task,
    actor: UserId,
    post: Option<PostId>,
    comment: Option<CommentId>,
    time: TimestampMs,
    done_up_to: UserId,
}

impl FromRow<'_, AnyRow> for Job {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let task = row.try_get::<&str, _>("task")?;
        let task =
            Task::parse(task).ok_or_else(|| sqlx::Error::Decode(format!("no task {task:?}").into()))?;
        Ok(Self {
            task,
            actor: row.try_get("actor_id")?,
            post: row.try_get("post_id")?,
            comment: row.try_get("comment_id")?,
            time: row.try_get("occurred_at")?,
            done_up_to: row.try_get("done_up_to")?,
        })
    }
}

/// Notes what the event leaves to do.
pub(super) async fn begin(
    transaction: &mut Transaction,
    event: &Event,
    effects: &Effects,
) -> Result<(), StorageError> {
    let Some(task) = effects.job else { return Ok(()) };
    if task == Task::WithdrawPost {
        let text = "delete from notification_job where post_id = $1 and task = 'followers'";
        let delete = transaction.database().query(text).bind(effects.about.post);
        delete.execute(&mut **transaction).await?;
    }
    let insert = sqlx::query(transaction.database().insert(&INSERT, 1))
        .bind(event.id)
        .bind(task.as_str())
        .bind(event.actor)
        .bind(effects.about.post)
        .bind(effects.about.comment)
        .bind(event.time)
        .bind(0_i64);
    insert.execute(&mut **transaction).await?;
    Ok(())
}

/// Does one page. A job that is not there is done.
pub(super) async fn step(
    transaction: &mut Transaction,
    event: EventId,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let select = transaction.database().query_as::<Job>(SELECT).bind(event);
    let Some(job) = select.fetch_optional(&mut **transaction).await? else { return Ok(()) };
    let progress = match job.task {
        Task::TellFollowers => tell_followers(transaction, event, &job, changes).await?,
        Task::WithdrawPost => withdraw(transaction, ABOUT_POST, job.post.map(PostId::get), changes).await?,
        Task::WithdrawComment => {
            withdraw(transaction, ABOUT_COMMENT, job.comment.map(CommentId::get), changes).await?
        }
    };
    let database = transaction.database();
    let end = match progress {
        Progress::UpTo(follower) => {
            let update = "update notification_job set done_up_to = $1 where event_id = $2";
            database.query(update).bind(follower).bind(event)
        }
        Progress::More => return Ok(()),
        Progress::Done => database.query("delete from notification_job where event_id = $1").bind(event),
    };
    end.execute(&mut **transaction).await?;
    Ok(())
}

enum Progress {
    /// Followers up to this one have been told.
    UpTo(UserId),
    /// The next page is another one by itself.
    More,
    Done,
}

async fn tell_followers(
    transaction: &mut Transaction,
    event: EventId,
    job: &Job,
    changes: &mut Changes,
) -> Result<Progress, StorageError> {
    let select = transaction.database().query_as(FOLLOWERS);
    let select = select.bind(job.actor).bind(job.done_up_to).bind(i64::from(JOB_PAGE));
    let page: Vec<(UserId, Option<NotificationKind>)> = select.fetch_all(&mut **transaction).await?;
    let willing = page.iter().filter(|(_, muted)| muted.is_none());
    let readers: Vec<_> = willing.map(|(reader, _)| (*reader, NotificationKind::Post)).collect();
    let about = About { post: job.post, comment: job.comment, message: None };
    let told = Told { event, actor: job.actor, about: &about, time: job.time };
    insert(transaction, &told, &readers, changes).await?;
    Ok(match page.last() {
        Some((last, _)) if page.len() >= usize::from(JOB_PAGE) => Progress::UpTo(*last),
        _ => Progress::Done,
    })
}

async fn withdraw(
    transaction: &mut Transaction,
    text: &'static str,
    thing: Option<i64>,
    changes: &mut Changes,
) -> Result<Progress, StorageError> {
    let select = transaction.database().query_as(text).bind(thing).bind(i64::from(JOB_PAGE));
    let page: Vec<(NotificationId, UserId, Option<TimestampMs>)> =
        select.fetch_all(&mut **transaction).await?;
    let ids: Vec<NotificationId> = page.iter().map(|(id, ..)| *id).collect();
    delete_notifications(transaction, &ids).await?;
    changes.recount.extend(page.iter().filter(|(.., read)| read.is_none()).map(|(_, reader, _)| *reader));
    Ok(if page.len() >= usize::from(JOB_PAGE) { Progress::More } else { Progress::Done })
}
