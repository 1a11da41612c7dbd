//! Pictures of people: files in a folder or in a cloud's store, named by what is in them.
//!
//! Two people may have one picture, and a file must not vanish under somebody who is just getting it. So nobody deletes
//! a file when a picture is replaced: its URL is noted as possibly unused, an upload notes its URL before it begins, and
//! [`Pictures::sweep`] deletes what has been noted for an hour and is nobody's. A crash between any two of these steps
//! leaves a note, never a file that nobody knows of.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, parse_url_opts};
use sha2::{Digest, Sha256};
use tokio::sync::RwLock;
use tokio::time::timeout;

use crate::engine::{Database, Insert, OnConflict, Transaction};
use crate::limits::{PICTURE_STORE_TIMEOUT, UNUSED_PICTURE_KEPT, UNUSED_PICTURES_SWEPT};
use crate::{StorageError, TimestampMs, text_type};

/// Where the server shows pictures. Relative, so that a server can move and what was stored still points to it.
const MEDIA: &str = "/media/";

/// The sides of the squares that every picture is kept as, in pixels.
pub const PICTURE_SIDES: [u32; 2] = [256, 64];

text_type! {
    /// The file of a picture in one size: SHA-256 of the larger one in hexadecimal, side and format, as in
    /// `9f86…-256.jpg`. Nothing else is ever looked for in the store.
    PictureName(Box<str>), parse_picture_name, PictureNameError
}

/// A text is no [`PictureName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a picture")]
pub struct PictureNameError;

/// How a picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// Without transparency.
    Jpeg,
    /// With it.
    Png,
}

/// A picture in both sizes.
#[derive(Clone, Debug)]
pub struct NewPicture {
    /// How both are encoded.
    pub format: PictureFormat,
    /// 256 pixels square.
    pub large: Bytes,
    /// 64 pixels square, made from the large one, so that the one name tells what is in both.
    pub small: Bytes,
}

impl PictureFormat {
    const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// As HTTP has it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

impl PictureName {
    /// How the file is encoded.
    pub fn format(&self) -> PictureFormat {
        if self.as_str().ends_with(".png") { PictureFormat::Png } else { PictureFormat::Jpeg }
    }

    /// Where the server shows it.
    pub fn url(&self) -> String {
        format!("{MEDIA}{self}")
    }

    /// The small picture that belongs to the large one at this URL.
    pub fn small_url(large_url: &str) -> String {
        let [large, small] = PICTURE_SIDES.map(|side| format!("-{side}."));
        large_url.replacen(&large, &small, 1)
    }

    fn new(digest: &str, side: u32, format: PictureFormat) -> Self {
        Self(format!("{digest}-{side}.{}", format.extension()).into())
    }

    fn of_url(url: &str) -> Result<Self, PictureNameError> {
        url.strip_prefix(MEDIA).ok_or(PictureNameError)?.parse()
    }

    fn path(&self) -> Path {
        Path::from(self.as_str())
    }
}

fn parse_picture_name(text: &str) -> Result<Box<str>, PictureNameError> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let (digest, rest) = text.split_once('-').ok_or(PictureNameError)?;
    let (side, extension) = rest.split_once('.').ok_or(PictureNameError)?;
    let is_side = PICTURE_SIDES.iter().any(|known| known.to_string() == side);
    let is_format = [PictureFormat::Jpeg, PictureFormat::Png].iter().any(|f| f.extension() == extension);
    let is_name = digest.len() == 64 && digest.bytes().all(digit) && is_side && is_format;
    if is_name { Ok(text.into()) } else { Err(PictureNameError) }
}

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureStore {
    /// In a folder, made when missing.
    Folder(PathBuf),
    /// Behind a URL that `object_store` knows: `s3://bucket/folder`, `gs://…`, `az://…`.
    Url(String),
}

/// All pictures. Clones share the store.
#[derive(Clone)]
pub struct Pictures {
    database: Database,
    store: Arc<dyn ObjectStore>,
    /// Held together by those who put files, alone by the one who deletes: a picture that comes back must not lose its
    /// files to a sweep that has just decided. Other servers on the same store are kept away by the hour alone.
    files: Arc<RwLock<()>>,
}

impl fmt::Debug for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pictures").field("store", &self.store.to_string()).finish_non_exhaustive()
    }
}

const NOTE: Insert = Insert {
    table: "unused_picture",
    columns: &["url", "since"],
    on_conflict: OnConflict::Replace { key: "url" },
};

const NOTED: &str = "select url from unused_picture where since <= $1 order by since limit $2";

const STILL_NOTED: &str = "select url from unused_picture where url = $1 and since <= $2";

const FORGET: &str = "delete from unused_picture where url = $1 and since <= $2";

const OWNERS: &str = "select count(*) from users where avatar_url = $1";

impl Pictures {
    /// The pictures in this store, whose owners are in this database. `options` are what the store asks for beside the
    /// URL, by the names that its environment variables have, such as `AWS_ACCESS_KEY_ID`.
    ///
    /// # Errors
    ///
    /// `Invalid` for a URL or options that the store does not take, `Unavailable` when a folder cannot be made.
    pub async fn open(
        database: Database,
        store: PictureStore,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StorageError> {
        let store: Arc<dyn ObjectStore> = match store {
            PictureStore::Folder(folder) => {
                let made = tokio::fs::create_dir_all(&folder).await;
                made.map_err(|error| StorageError::Unavailable(error.into()))?;
                Arc::new(LocalFileSystem::new_with_prefix(folder).map_err(unavailable)?.with_fsync(true))
            }
            PictureStore::Url(url) => {
                // The client needs one; it is no error that somebody has chosen it before.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let parsed = url.parse().map_err(|error| StorageError::Invalid(format!("{url}: {error}")))?;
                let (store, folder) = parse_url_opts(&parsed, options)
                    .map_err(|error| StorageError::Invalid(format!("{url}: {error}")))?;
                Arc::new(PrefixStore::new(store, folder))
            }
        };
        Ok(Self { database, store, files: Arc::default() })
    }

    /// Stores a picture and returns its URL. It is nobody's yet: unless somebody gets it within the hour by
    /// [`Users::set_avatar`](crate::user::Users::set_avatar), it is swept away.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the store does not take it.
    pub async fn put(&self, picture: NewPicture, now: TimestampMs) -> Result<String, StorageError> {
        let NewPicture { format, large, small } = picture;
        let digest: String = Sha256::digest(&large).iter().map(|byte| format!("{byte:02x}")).collect();
        let [large_name, small_name] = PICTURE_SIDES.map(|side| PictureName::new(&digest, side, format));
        let url = large_name.url();
        let _putting = self.files.read().await;
        let mut transaction = self.database.begin().await?;
        mark_unused(&self.database, &mut transaction, &url, now).await?;
        transaction.commit().await?;
        for (name, content) in [(large_name, large), (small_name, small)] {
            in_time(self.store.put(&name.path(), PutPayload::from_bytes(content))).await?;
        }
        Ok(url)
    }

    /// The file of this name.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the store does not answer.
    pub async fn get(&self, name: &PictureName) -> Result<Option<Bytes>, StorageError> {
        let path = name.path();
        let read = async { self.store.get(&path).await?.bytes().await };
        match in_time(read).await {
            Ok(content) => Ok(Some(content)),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes pictures that have been nobody's for [`UNUSED_PICTURE_KEPT`]. Says how many.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the store does not answer; what is left is left for the next sweep.
    pub async fn sweep(&self, now: TimestampMs) -> Result<usize, StorageError> {
        let kept_ms = i64::try_from(UNUSED_PICTURE_KEPT.as_millis()).unwrap_or(i64::MAX);
        let until = now.plus_millis(-kept_ms);
        let select = self.database.query_scalar::<String>(NOTED).bind(until);
        let select = select.bind(i64::from(UNUSED_PICTURES_SWEPT));
        let mut deleted = 0;
        for url in select.fetch_all(self.database.reader()).await? {
            deleted += usize::from(self.sweep_one(&url, until).await?);
        }
        Ok(deleted)
    }

    /// The note goes last: files that could not be deleted are tried again.
    async fn sweep_one(&self, url: &str, until: TimestampMs) -> Result<bool, StorageError> {
        let _deleting = self.files.write().await;
        let still = self.database.query_scalar::<String>(STILL_NOTED);
        let still = still.bind(url).bind(until).fetch_optional(self.database.reader()).await?;
        let owners = self.database.query_scalar::<i64>(OWNERS).bind(url);
        let is_unused = still.is_some() && owners.fetch_one(self.database.reader()).await? == 0;
        if is_unused {
            self.delete(url).await?;
        }
        self.database.query(FORGET).bind(url).bind(until).execute(self.database.writer()).await?;
        Ok(is_unused)
    }

    async fn delete(&self, url: &str) -> Result<(), StorageError> {
        // What is at another place is none of ours.
        let Ok(name) = PictureName::of_url(url) else {
            return Ok(());
        };
        let digest = name.as_str().split_once('-').map_or("", |(digest, _)| digest);
        for name in PICTURE_SIDES.map(|side| PictureName::new(digest, side, name.format())) {
            match in_time(self.store.delete(&name.path())).await {
                Ok(()) | Err(StorageError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Notes that a picture may be of no use from now on.
pub(crate) async fn mark_unused(
    database: &Database,
    transaction: &mut Transaction,
    url: &str,
    now: TimestampMs,
) -> Result<(), StorageError> {
    let note = sqlx::query(database.insert(&NOTE, 1)).bind(url).bind(now);
    note.execute(&mut **transaction).await?;
    Ok(())
}

async fn in_time<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, StorageError> {
    let outcome = timeout(PICTURE_STORE_TIMEOUT, work).await;
    outcome.map_err(|elapsed| StorageError::Unavailable(elapsed.into()))?.map_err(unavailable)
}

fn unavailable(error: object_store::Error) -> StorageError {
    match error {
        object_store::Error::NotFound { .. } => StorageError::NotFound { what: "picture" },
        other => StorageError::Unavailable(other.into()),
    }
}
