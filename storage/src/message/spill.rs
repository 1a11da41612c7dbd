//! The file that stands in for the message log while that is down: a message is acknowledged once it is in one of the
//! two, so what is in here must get out again, whatever happens in between.
//!
//! The file is a row of [records](record), appended to and drained from the front. Its space is reclaimed when all of
//! them are drained. How far it was drained is not written down: after a restart everything in the file is drained
//! again, and the log recognises what it has.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::Message;
use crate::limits::SPILL_LOCK_WAIT;
use crate::{ErrorKind, Offset, RoomName};

mod record;
#[cfg(test)]
mod tests;

/// Why the spill file did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// The file would exceed its bound. Nothing of the batch is in it.
    #[error("the spill file is full at {max_bytes} bytes")]
    Full {
        /// The bound.
        max_bytes: u64,
    },
    /// Another process drains it.
    #[error("the spill file is in use by another process")]
    InUse,
    /// A record that was whole cannot be read again.
    #[error("the spill file has changed on disk")]
    Corrupt,
    /// The file system.
    #[error("the spill file cannot be read or written")]
    Io(#[from] io::Error),
}

impl SpillError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Full { .. } | Self::Io(_) => ErrorKind::Unavailable,
            Self::InUse => ErrorKind::Conflict,
            Self::Corrupt => ErrorKind::Corrupt,
        }
    }
}

/// Messages waiting in a local file for the log to come back.
///
/// An operation whose future is dropped halfway counts as not done. What it leaves on disk is overwritten by the next
/// one, or drained after a restart like any message that was written but never acknowledged.
#[derive(Debug)]
pub struct Spill {
    /// A blocking write takes the lock along: if its caller goes away, the next operation still waits for its end.
    file: Arc<Mutex<File>>,
    /// What the file may grow to.
    max_bytes: u64,
    /// Where the oldest record begins that is not drained.
    drained: u64,
    /// Where the next record goes. What lies beyond was never acknowledged.
    end: u64,
    /// The sizes of the records between the two, oldest first.
    pending: VecDeque<u64>,
    /// The highest offset of each room in the file.
    tails: HashMap<RoomName, Offset>,
    /// What opening the file cut off its end.
    cut_bytes: u64,
}

impl Spill {
    /// Opens the file, makes it and its folders where they do not exist, and reads what is in it.
    ///
    /// What is no whole record at the end (a write that a crash cut short) is cut off, logged, and counted in
    /// [`cut_bytes`](Self::cut_bytes); it was never acknowledged. A record that rots later, in the middle of the file, is cut
    /// off with all that follows it, and that may have been: such a count is for a human to look at.
    ///
    /// # Errors
    ///
    /// `InUse` when another process holds the file.
    pub async fn open(path: impl Into<PathBuf>, max_bytes: u64) -> Result<Self, SpillError> {
        let path = path.into();
        let file = blocking(move || create(&path)).await?;
        lock(&file).await?;
        let (file, found) = blocking(move || {
            let found = scan(&file)?;
            cut(&file, found.end)?;
            Ok((file, found))
        })
        .await?;
        if found.cut_bytes > 0 {
            tracing::warn!(cut_bytes = found.cut_bytes, kept_bytes = found.end, "spill file had a torn end");
        }
        let Scan { pending, tails, end, cut_bytes } = found;
        let file = Arc::new(Mutex::new(file));
        Ok(Self { file, max_bytes, drained: 0, end, pending, tails, cut_bytes })
    }

    /// Adds a batch, all of it or nothing. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// `Full` when the file would exceed its bound, `Io` when the disk fails.
    pub async fn append(&mut self, batch: &[Arc<Message>]) -> Result<(), SpillError> {
        if batch.is_empty() {
            return Ok(());
        }
        let (messages, end, max_bytes) = (batch.to_vec(), self.end, self.max_bytes);
        let sizes = self.with_file(move |file| write(file, end, max_bytes, &messages)).await?;
        self.end += sizes.iter().sum::<u64>();
        self.pending.extend(sizes);
        for message in batch {
            raise(&mut self.tails, message);
        }
        Ok(())
    }

    /// Up to `max` of the oldest messages that are not drained, in the order in which they came.
    ///
    /// # Errors
    ///
    /// `Corrupt` when they are no longer what was written.
    pub async fn peek(&mut self, max: usize) -> Result<Vec<Arc<Message>>, SpillError> {
        let (start, count) = (self.drained, self.pending.len().min(max));
        let bytes: u64 = self.pending.iter().take(count).sum();
        self.with_file(move |file| read(file, start, bytes, count)).await
    }

    /// Counts the `n` oldest messages as drained: the log has them. With the last one the file is emptied.
    ///
    /// # Errors
    ///
    /// `Io` when the file cannot be emptied. They still count as drained, and come again only after a restart.
    pub async fn advance(&mut self, n: usize) -> Result<(), SpillError> {
        let count = self.pending.len().min(n);
        self.drained += self.pending.drain(..count).sum::<u64>();
        if count == 0 || !self.pending.is_empty() {
            return Ok(());
        }
        (self.drained, self.end) = (0, 0);
        self.tails.clear();
        self.with_file(|file| Ok(cut(file, 0)?)).await
    }

    /// Messages that are not drained.
    pub fn pending(&self) -> u64 {
        self.pending.len().try_into().unwrap_or(u64::MAX)
    }

    /// The size of the file, drained messages included.
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// What opening the file cut off its end: 0 unless the last write before was cut short.
    pub fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// The highest offset of each room that is still in the file, so that a room which starts while the log is down
    /// goes on after it.
    pub fn tails(&self) -> &HashMap<RoomName, Offset> {
        &self.tails
    }

    /// Runs file work where it may block.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> Result<T, SpillError> + Send + 'static,
    ) -> Result<T, SpillError> {
        let file = Arc::clone(&self.file).lock_owned().await;
        blocking(move || work(&file)).await
    }
}

/// What is in a file.
#[derive(Default)]
struct Scan {
    pending: VecDeque<u64>,
    tails: HashMap<RoomName, Offset>,
    end: u64,
    cut_bytes: u64,
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpillError> + Send + 'static,
) -> Result<T, SpillError> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

fn create(path: &Path) -> Result<File, SpillError> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    // A new file outlives a crash only once its folder is on the disk too. Only Unix can open a folder for that.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(file)
}

/// Two writers would overwrite each other's records.
async fn lock(file: &File) -> Result<(), SpillError> {
    let deadline = Instant::now() + SPILL_LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(SpillError::InUse),
            Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(50)).await,
        }
    }
}

fn scan(file: &File) -> Result<Scan, SpillError> {
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut found = Scan::default();
    while let Some((message, size)) = record::read(&mut reader, length - found.end)? {
        found.end += size;
        found.pending.push_back(size);
        raise(&mut found.tails, &message);
    }
    found.cut_bytes = length - found.end;
    Ok(found)
}

/// Writes a batch at `end` and returns the sizes of its records. If that fails, the file ends at `end` again.
fn write(file: &File, end: u64, max_bytes: u64, batch: &[Arc<Message>]) -> Result<Vec<u64>, SpillError> {
    let mut bytes = Vec::new();
    let sizes =
        batch.iter().map(|message| record::encode(message, &mut bytes)).collect::<io::Result<Vec<u64>>>()?;
    if end + sizes.iter().sum::<u64>() > max_bytes {
        return Err(SpillError::Full { max_bytes });
    }
    write_durably(file, end, &bytes).inspect_err(|_| {
        // If this fails too, the next write cuts the rest off, and until then it counts for nothing.
        let _ = cut(file, end);
    })?;
    Ok(sizes)
}

fn write_durably(mut file: &File, end: u64, bytes: &[u8]) -> io::Result<()> {
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn read(mut file: &File, start: u64, length: u64, count: usize) -> Result<Vec<Arc<Message>>, SpillError> {
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::new(file.take(length));
    let mut left = length;
    let next = |_| {
        let (message, size) = record::read(&mut reader, left)?.ok_or(SpillError::Corrupt)?;
        left -= size;
        Ok(Arc::new(message))
    };
    (0..count).map(next).collect()
}

fn cut(file: &File, end: u64) -> io::Result<()> {
    file.set_len(end)?;
    file.sync_data()
}

fn raise(tails: &mut HashMap<RoomName, Offset>, message: &Message) {
    match tails.get_mut(&message.room) {
        Some(tail) => *tail = message.offset.max(*tail),
        None => {
            tails.insert(message.room.clone(), message.offset);
        }
    }
}
