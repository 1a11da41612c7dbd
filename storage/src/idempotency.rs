//! Writes that a client sends twice because it did not hear the first answer.
//!
//! The first answer is stored in the transaction that it tells of, so there is never one without the other, and whoever
//! repeats the request while the first is still under way waits for it.

use std::sync::Arc;

use crate::engine::{Database, Insert, OnConflict, Transaction};
use crate::limits::{IDEMPOTENCY_KEY_CHARS_MAX, IDEMPOTENCY_WINDOW, PURGE_ROWS_MAX};
use crate::{StorageError, TimestampMs, UserId, text_type};

text_type! {
    /// What a client calls its request: 1 to 128 printable ASCII characters.
    IdempotencyKey(Arc<str>), parse_key, IdempotencyKeyError
}

/// A text is no [`IdempotencyKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {IDEMPOTENCY_KEY_CHARS_MAX} printable ASCII characters")]
pub struct IdempotencyKeyError;

fn parse_key(text: &str) -> Result<Arc<str>, IdempotencyKeyError> {
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let fits = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&text.len());
    if is_printable && fits { Ok(text.into()) } else { Err(IdempotencyKeyError) }
}

/// A request that may come twice.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// Whose it is: keys of different people never meet.
    pub user_id: UserId,
    /// What its sender calls it.
    pub key: IdempotencyKey,
    /// A hash of all that makes it this request.
    pub fingerprint: String,
    /// What is answered when it comes for the first time.
    pub answer: String,
}

/// What became of a request that may come twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It had been done before, and nothing was done now.
    Repeated {
        /// What was made then.
        made_id: i64,
        /// What was answered then.
        answer: String,
    },
    /// Its key belongs to another request, and nothing was done.
    KeyReused,
}

const INSERT: Insert = Insert {
    table: "idempotency_keys",
    columns: &["user_id", "request_key", "fingerprint", "made_id", "answer", "created_at"],
    on_conflict: OnConflict::Skip,
};

const EXPIRE: &str =
    "delete from idempotency_keys where user_id = $1 and request_key = $2 and created_at <= $3";

const FIRST: &str =
    "select fingerprint, made_id, answer from idempotency_keys where user_id = $1 and request_key = $2";

/// The derived table is for MySQL, which cannot delete from what it reads otherwise.
const PURGE: &str = "
    delete from idempotency_keys where created_at <= $1 and (user_id, request_key) in (
        select user_id, request_key from (
            select user_id, request_key from idempotency_keys where created_at <= $2 order by created_at limit $3
        ) oldest
    )";

/// Takes the key for this request, in the transaction that does it. Unless the outcome is [`Done`](Outcome::Done), the
/// caller does nothing.
pub(crate) async fn claim(
    database: &Database,
    transaction: &mut Transaction,
    request: &Idempotency,
    made_id: i64,
    now: TimestampMs,
) -> Result<Outcome, StorageError> {
    let Idempotency { user_id, key, fingerprint, answer } = request;
    let expire = database.query(EXPIRE).bind(*user_id).bind(key).bind(start_of_window(now));
    expire.execute(&mut **transaction).await?;
    let insert = sqlx::query(database.insert(&INSERT, 1)).bind(*user_id).bind(key).bind(&**fingerprint);
    let insert = insert.bind(made_id).bind(&**answer).bind(now);
    if insert.execute(&mut **transaction).await?.rows_affected() > 0 {
        return Ok(Outcome::Done);
    }
    let select = database.query_as::<(String, i64, String)>(FIRST).bind(*user_id).bind(key);
    let (first, made_id, answer) = select.fetch_one(&mut **transaction).await?;
    let is_same = first == *fingerprint;
    Ok(if is_same { Outcome::Repeated { made_id, answer } } else { Outcome::KeyReused })
}

/// Forgets requests that are too old to be repeated. Returns how many.
///
/// # Errors
///
/// Only the engine's.
pub async fn purge(database: &Database, now: TimestampMs) -> Result<u64, StorageError> {
    let before = start_of_window(now);
    let mut purged = 0;
    loop {
        let delete = database.query(PURGE).bind(before).bind(before).bind(i64::from(PURGE_ROWS_MAX));
        let rows = delete.execute(database.writer()).await?.rows_affected();
        purged += rows;
        if rows < u64::from(PURGE_ROWS_MAX) {
            return Ok(purged);
        }
    }
}

fn start_of_window(now: TimestampMs) -> TimestampMs {
    now.minus(IDEMPOTENCY_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_printable_ascii() {
        for good in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", &"x".repeat(128)] {
            assert_eq!(good.parse::<IdempotencyKey>().unwrap().as_str(), good);
        }
        for bad in ["", "tab\t", "é", "\0", &"x".repeat(129)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(IdempotencyKeyError), "{bad:?}");
        }
    }
}
