//! One relational database behind a URL, whichever it is.

use std::time::Duration;

use log::LevelFilter;
use sqlx::any::{AnyArguments, AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::migrate::Migrator;
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Executor, FromRow, SqlStr};

use self::dialect::Dialect;
use crate::StorageError;
use crate::limits::ACQUIRE_TIMEOUT;

mod dialect;
mod error;
mod search;
mod value;

pub(crate) use dialect::{Insert, OnConflict};
pub(crate) use search::Word;

use self::search::Search;

/// A unit of work: all of its writes happen, or none. Dropped without a commit it is rolled back.
pub(crate) type Transaction = sqlx::Transaction<'static, Any>;

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
        Ok(Self { dialect, writer, reader })
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
        Ok(self.writer.begin_with(self.dialect.begin()).await?)
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

    /// The statement that inserts so many rows.
    pub(crate) fn insert(&self, insert: &Insert, rows: usize) -> SqlStr {
        self.dialect.insert(insert, rows)
    }

    /// A statement that ends in a list of so many parameters, as in `… where id in (…)`.
    pub(crate) fn among(&self, text: &str, parameters: usize) -> SqlStr {
        self.dialect.among(text, parameters)
    }

    /// A statement that was put together from our own pieces, with `?` for each parameter.
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
    let mut connection = options.connect().await?;
    connection.execute(dialect.session()).await?;
    Migrator::with_migrations(dialect.migrations()).run(&mut connection).await?;
    Ok(connection.close().await?)
}
