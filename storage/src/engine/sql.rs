//! One relational database behind a URL, whichever it is.

use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use sqlx::any::{AnyArguments, AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::migrate::Migrator;
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Executor, FromRow, SqlStr};
use tokio::sync::Notify;
use tokio::time::timeout;

use self::dialect::Dialect;
use crate::limits::{ACQUIRE_TIMEOUT, REMOTE_OPERATION_TIMEOUT};
use crate::{IdGenerator, StorageError};

mod dialect;
mod error;
mod migration;
mod search;
mod transaction;
mod value;

pub(crate) use dialect::{Insert, OnConflict};
pub(crate) use search::Word;
pub(crate) use transaction::{Transaction, Turn};

use self::search::Search;

/// A relational database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    dialect: Dialect,
    /// Every statement that changes something goes through here. SQLite has one writer at a time; there this pool has
    /// one connection, so that writers queue up fairly in memory instead of polling the file's lock until one of them
    /// runs out of patience.
    writer: AnyPool,
    /// Statements that only look. On SQLite they see the last commit and never wait for the writer.
    reader: AnyPool,
    /// What concerns events, over all stores of this database.
    events: Arc<Events>,
}

/// What all stores share that write events.
#[derive(Debug, Default)]
struct Events {
    /// One generator for all of them, so that a later event of somebody has the higher id.
    ids: IdGenerator,
    /// Rings when a commit has brought new ones.
    committed: Notify,
}

impl Database {
    /// Opens the database at `url`, makes it if it is a file that does not exist, and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// `Invalid` for a URL of an unknown engine, `Unavailable` when it cannot be reached or opened.
    pub async fn connect(url: &str) -> Result<Self, StorageError> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of_url(url)?;
        let url = dialect.prepare_url(url).await?;
        // Whoever handles a failure logs it. Statements show at the level `trace` only, by which tests count them.
        let options = url
            .parse::<AnyConnectOptions>()?
            .log_statements(LevelFilter::Trace)
            .log_slow_statements(LevelFilter::Off, Duration::MAX);

        prepare(dialect, &options).await?;
        let writer = pool(dialect, dialect.writers()).connect_with(options.clone()).await?;
        let reader = match dialect.readers() {
            Some(readers) => pool(dialect, readers).connect_with(options).await?,
            None => writer.clone(),
        };
        Ok(Self { dialect, writer, reader, events: Arc::default() })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// `Unavailable` when it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.reader.execute("select 1").await?;
        Ok(())
    }

    /// Waits for what is under way and closes all connections; whoever comes after gets `Unavailable`.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    pub(crate) fn reader(&self) -> &AnyPool {
        &self.reader
    }

    pub(crate) fn writer(&self) -> &AnyPool {
        &self.writer
    }

    /// Begins a unit of work that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction, StorageError> {
        let inner = self.writer.begin_with(self.dialect.begin()).await?;
        Ok(Transaction::new(inner, self.clone()))
    }

    /// Completes when events have been committed since the last time; one caller at a time. Another process's
    /// commits do not ring here.
    pub(crate) async fn events_committed(&self) {
        self.events.committed.notified().await;
    }

    /// Does something whose caller has somewhere else to go when a server takes it and says nothing. What was under way is
    /// given up: it may have happened or not.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        if !self.dialect.is_remote() {
            return work.await;
        }
        let outcome = timeout(REMOTE_OPERATION_TIMEOUT, work).await;
        outcome.unwrap_or_else(|elapsed| Err(StorageError::Unavailable(elapsed.into())))
    }

    /// A statement, with `$1` for its first parameter on every engine.
    pub(crate) fn query<'q>(&self, text: &'static str) -> Query<'q, Any, AnyArguments> {
        sqlx::query(self.dialect.sql(text))
    }

    /// A statement whose rows are records.
    pub(crate) fn query_as<'q, R>(&self, text: &'static str) -> QueryAs<'q, Any, R, AnyArguments>
    where
        R: for<'r> FromRow<'r, AnyRow>,
    {
        sqlx::query_as(self.dialect.sql(text))
    }

    /// A statement whose rows are single values.
    pub(crate) fn query_scalar<'q, V>(&self, text: &'static str) -> QueryScalar<'q, Any, V, AnyArguments>
    where
        (V,): for<'r> FromRow<'r, AnyRow>,
    {
        sqlx::query_scalar(self.dialect.sql(text))
    }

    /// A `select` by which a transaction locks what it finds until it ends, in the order of the rows.
    pub(crate) fn locking(&self, text: &'static str) -> SqlStr {
        self.dialect.locking(text)
    }

    /// The statement that inserts so many rows.
    pub(crate) fn insert(&self, insert: &Insert, rows: usize) -> SqlStr {
        self.dialect.insert(insert, rows)
    }

    /// A statement that ends in a list of so many parameters, as in `… where id in (…)`.
    pub(crate) fn among(&self, text: &str, parameters: usize) -> SqlStr {
        self.dialect.among(text, parameters)
    }

    /// A statement that was put together from our own pieces, with `?` for each parameter and for nothing else.
    pub(crate) fn assembled(&self, text: String) -> SqlStr {
        self.dialect.assembled(text)
    }

    /// How this engine searches texts.
    pub(crate) fn search(&self) -> &'static Search {
        self.dialect.search()
    }

    /// Whether `error` means that the value of this unique column is taken.
    pub(crate) fn is_taken(&self, error: &sqlx::Error, table: &str, column: &str) -> bool {
        let database_error = error.as_database_error().filter(|error| error.is_unique_violation());
        database_error.is_some_and(|error| self.dialect.names_column(error, table, column))
    }
}

fn pool(dialect: Dialect, connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(dialect.is_remote())
        .after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(dialect.session()).await.map(|_| ()) })
        })
}

/// Brings the tables up to date, on a connection of its own: a pool would try a database that it cannot open again and
/// again, and in the end not say why.
async fn prepare(dialect: Dialect, options: &AnyConnectOptions) -> Result<(), StorageError> {
    let connection = timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let mut connection = connection.map_err(|elapsed| StorageError::Unavailable(elapsed.into()))??;
    connection.execute(dialect.migration_session()).await?;
    Migrator::with_migrations(dialect.migrations()).run(&mut connection).await?;
    Ok(connection.close().await?)
}
