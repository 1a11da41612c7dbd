//! Finding people by a part of their name.
//!
//! Every end of every folded name is a row: of `bob`, `bob`, `ob` and `b`. What is searched is the beginning of such
//! an end, so any part of a name is found by a range of an index, from one letter on and in the same way on every
//! engine. A name has 20 letters at most, and so has a person rows.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use super::name::fold;
use super::profile::{Profile, select_profiles};
use super::{UserName, Users};
use crate::engine::{Database, Insert, OnConflict, Transaction};
use crate::{StorageError, UserId};

const INSERT: Insert = Insert {
    table: "user_name_part",
    columns: &["user_id", "place", "is_whole", "part"],
    on_conflict: OnConflict::Skip,
};

const DELETE: &str = "delete from user_name_part where user_id = $1";

/// One of the two halves of a search, in the order of the index. A name that has the text twice is found at the first
/// of them only.
const SEARCH: &str = select_profiles!(
    "user_name_part.part,",
    "from user_name_part join users on users.id = user_name_part.user_id
    where user_name_part.is_whole = $2 and user_name_part.part >= $3 and user_name_part.part < $4
        and (user_name_part.part > $5 or (user_name_part.part = $6 and user_name_part.user_id > $7))
        and not exists (
            select 1 from user_name_part as earlier
            where earlier.user_id = user_name_part.user_id and earlier.place < user_name_part.place
                and earlier.part >= $8 and earlier.part < $9)
    order by user_name_part.part, user_name_part.user_id limit $10"
);

/// Where a search goes on: behind this hit. Names that begin with the text come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPlace {
    /// Whether the name begins with the text.
    pub is_whole: bool,
    /// The folded name, from the text on.
    pub part: String,
    /// Whose.
    pub user: UserId,
}

impl SearchPlace {
    fn start(is_whole: bool) -> Self {
        Self { is_whole, part: String::new(), user: UserId::new(i64::MIN) }
    }
}

/// Somebody who was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Who.
    pub profile: Profile,
    /// To go on behind this one.
    pub place: SearchPlace,
}

struct HitRow {
    part: String,
    profile: Profile,
}

impl FromRow<'_, AnyRow> for HitRow {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { part: row.try_get("part")?, profile: Profile::from_row(row)? })
    }
}

impl Users {
    /// People in whose name the text occurs, in whatever letter case, first those whose name begins with it. Up to
    /// `limit` of them, behind a place where another search ended.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn find_by_name(
        &self,
        text: &str,
        viewer: Option<UserId>,
        after: Option<SearchPlace>,
        limit: u16,
    ) -> Result<Vec<Hit>, StorageError> {
        let text = fold(text);
        // Not every engine takes a text with this sign, and no name has it.
        if text.contains('\0') || after.as_ref().is_some_and(|after| after.part.contains('\0')) {
            return Ok(Vec::new());
        }
        let after = after.unwrap_or_else(|| SearchPlace::start(true));
        let goes_on_inside = after.is_whole;
        let mut hits = self.find_half(&text, viewer, after, limit).await?;
        let found = u16::try_from(hits.len()).unwrap_or(limit);
        if goes_on_inside && found < limit {
            let start = SearchPlace::start(false);
            hits.append(&mut self.find_half(&text, viewer, start, limit - found).await?);
        }
        Ok(hits)
    }

    async fn find_half(
        &self,
        text: &str,
        viewer: Option<UserId>,
        after: SearchPlace,
        limit: u16,
    ) -> Result<Vec<Hit>, StorageError> {
        let SearchPlace { is_whole, part, user } = after;
        // The range begins where the other page ended, so that a late page costs no more than the first one.
        let begin = text.max(&*part);
        // No letter comes behind the last one that there is.
        let end = format!("{text}{}", char::MAX);
        let select = self.database.query_as::<HitRow>(SEARCH).bind(viewer).bind(i16::from(is_whole));
        let select = select.bind(begin).bind(&*end).bind(&*part).bind(&*part).bind(user);
        let select = select.bind(text).bind(&*end).bind(i64::from(limit));
        let rows = select.fetch_all(self.database.reader()).await?;
        let hit = |HitRow { part, profile }| {
            let place = SearchPlace { is_whole, part, user: profile.id };
            Hit { profile, place }
        };
        Ok(rows.into_iter().map(hit).collect())
    }
}

/// Makes a name findable, instead of the one that the person had before.
pub(super) async fn index_name(
    database: &Database,
    transaction: &mut Transaction,
    id: UserId,
    name: &UserName,
) -> Result<(), StorageError> {
    forget_name(database, transaction, id).await?;
    let folded = name.folded();
    let parts: Vec<(i16, &str)> =
        (0..).zip(folded.char_indices().map(|(start, _)| folded.get(start..).unwrap_or_default())).collect();
    let insert = sqlx::query(database.insert(&INSERT, parts.len()));
    let insert = parts.into_iter().fold(insert, |insert, (place, part)| {
        insert.bind(id).bind(place).bind(i16::from(place == 0)).bind(part)
    });
    insert.execute(&mut **transaction).await?;
    Ok(())
}

/// Makes a person findable no more.
pub(super) async fn forget_name(
    database: &Database,
    transaction: &mut Transaction,
    id: UserId,
) -> Result<(), StorageError> {
    database.query(DELETE).bind(id).execute(&mut **transaction).await?;
    Ok(())
}
