//! Which kinds somebody wants to be told of. All, until she says otherwise.

use super::{NotificationKind, Notifications};
use crate::{StorageError, UserId};

impl Notifications {
    /// The kinds that this person does not want.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn muted(&self, reader: UserId) -> Result<Vec<NotificationKind>, StorageError> {
        let select = self.database.query_scalar("select kind from notification_mute where user_id = $1");
        Ok(select.bind(reader).fetch_all(self.database.reader()).await?)
    }

    /// Says for some kinds whether this person wants them; the others stay as they are.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn set_wanted(
        &self,
        reader: UserId,
        changes: &[(NotificationKind, bool)],
    ) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        for (kind, is_wanted) in changes {
            let delete = "delete from notification_mute where user_id = $1 and kind = $2";
            let delete = self.database.query(delete).bind(reader).bind(*kind);
            delete.execute(&mut *transaction).await?;
            if !is_wanted {
                let insert = "insert into notification_mute (user_id, kind) values ($1, $2)";
                let insert = self.database.query(insert).bind(reader).bind(*kind);
                insert.execute(&mut *transaction).await?;
            }
        }
        Ok(transaction.commit().await?)
    }
}
