//! One MongoDB database behind a URL.

use std::time::Duration;

use mongodb::error::{Error, ErrorKind};
use mongodb::options::{Acknowledgment, ClientOptions, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Client, Database};

use crate::StorageError;
use crate::limits::{MONGODB_OPERATION_TIMEOUT, MONGODB_SELECTION_TIMEOUT};

/// The database when the URL names none.
const DATABASE: &str = "tickroom";

/// A MongoDB database. Clones share its connections, which are made when they are needed and again when they break.
#[derive(Clone, Debug)]
pub(crate) struct Mongo(Database);

impl Mongo {
    /// The database of this URL. Nothing is asked of the server yet; only the name of a `mongodb+srv` URL is looked up.
    ///
    /// What is read comes from the primary, whatever the URL says: a replica that is behind would tell a room to give
    /// the same offsets again. What is written is confirmed by the majority, unless the URL has another `w`.
    ///
    /// # Errors
    ///
    /// `Invalid` for a URL that makes no sense or asks for writes without confirmation.
    pub(crate) async fn connect(url: &str) -> Result<Self, StorageError> {
        Self::connect_or(url, DATABASE).await
    }

    /// As [`connect`](Self::connect), with the database to take when the URL names none.
    pub(crate) async fn connect_or(url: &str, database: &str) -> Result<Self, StorageError> {
        let mut options = ClientOptions::parse(url).await.map_err(about_the_url)?;
        options.app_name.get_or_insert_with(|| "tickroom".to_owned());
        options.connect_timeout.get_or_insert(MONGODB_SELECTION_TIMEOUT);
        options.server_selection_timeout.get_or_insert(MONGODB_SELECTION_TIMEOUT);
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.write_concern = Some(confirmed(options.write_concern.unwrap_or_default())?);
        let name = options.default_database.clone().unwrap_or_else(|| database.to_owned());
        let client = Client::with_options(options).map_err(about_the_url)?;
        Ok(Self(client.database(&name)))
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0
    }
}

/// The driver's own limits end with the choice of a server, so that every operation goes through here.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "MongoDB did not answer in time");
    tokio::time::timeout(MONGODB_OPERATION_TIMEOUT, work).await.unwrap_or_else(|_| Err(late().into()))
}

/// A write concern that leaves no doubt: an acknowledged message is stored.
fn confirmed(mut concern: WriteConcern) -> Result<WriteConcern, StorageError> {
    if concern.w == Some(Acknowledgment::Nodes(0)) {
        let problem = "expected a MongoDB URL whose writes are confirmed, got w=0";
        return Err(StorageError::Invalid(problem.to_owned()));
    }
    concern.w.get_or_insert(Acknowledgment::Majority);
    concern.w_timeout.get_or_insert(MONGODB_OPERATION_TIMEOUT - Duration::from_secs(1));
    Ok(concern)
}

/// Not the driver's words: they may quote a part of the URL, and that may be the password.
fn about_the_url(error: Error) -> StorageError {
    match *error.kind {
        ErrorKind::DnsResolve { .. } => StorageError::Unavailable(error.into()),
        _ => StorageError::Invalid("the MongoDB URL is malformed".to_owned()),
    }
}

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        use mongodb::error::ErrorKind as K;
        match *error.kind {
            // The driver looks at sizes before it sends anything.
            K::InvalidArgument { .. } => Self::Invalid("MongoDB takes no such document".to_owned()),
            K::Bson(_) => Self::Corrupt(error.into()),
            // Also when MongoDB refuses the login: it may be told another password while we run.
            K::Authentication { .. }
            | K::ConnectionPoolCleared { .. }
            | K::DnsResolve { .. }
            | K::InsertMany(_)
            | K::Io(_)
            | K::ServerSelection { .. }
            | K::Write(_) => Self::Unavailable(error.into()),
            _ if error.contains_label(mongodb::error::RETRYABLE_WRITE_ERROR) => {
                Self::Unavailable(error.into())
            }
            K::Command(ref command) if is_transient(command.code) => Self::Unavailable(error.into()),
            _ => Self::Internal(error.into()),
        }
    }
}

/// Codes of a server that is on its way up or down, looks for a primary or is overrun (MongoDB's `error_codes.yml`).
fn is_transient(code: i32) -> bool {
    // host unreachable, not found, network timeout, shutdown, write concern, exceeded time limit, not primary, interrupted
    matches!(code, 6 | 7 | 50 | 64 | 89 | 91 | 189 | 262 | 9001 | 10107 | 11600 | 11602 | 13435 | 13436)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_that_makes_no_sense_is_refused_without_showing_the_password() {
        for bad in ["mongodb://", "postgres://ann:secret@db", "mongodb://ann:sec/ret@db", "mongodb://db/?w=0"]
        {
            let error = Mongo::connect(bad).await.unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{bad}");
            assert!(!error.to_string().contains("sec"), "{error}");
        }
    }

    #[tokio::test]
    async fn writes_are_confirmed_by_the_majority_unless_the_url_says_otherwise() {
        let concern =
            async |url| Mongo::connect(url).await.unwrap().database().write_concern().cloned().unwrap();
        assert_eq!(concern("mongodb://db").await.w, Some(Acknowledgment::Majority));
        assert_eq!(concern("mongodb://db/chat?w=2").await.w, Some(Acknowledgment::Nodes(2)));
    }

    #[tokio::test]
    async fn the_url_may_name_the_database() {
        let name = async |url| Mongo::connect(url).await.unwrap().database().name().to_owned();
        assert_eq!(name("mongodb://db/?directConnection=true").await, "tickroom");
        assert_eq!(name("mongodb://db/chat").await, "chat");
    }

    #[tokio::test]
    async fn reading_elsewhere_than_on_the_primary_is_not_possible() {
        let mongo = Mongo::connect("mongodb://db/?readPreference=secondary").await.unwrap();
        let criteria = mongo.database().selection_criteria().unwrap();
        assert_eq!(*criteria, SelectionCriteria::ReadPreference(ReadPreference::Primary));
    }
}
