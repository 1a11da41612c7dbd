//! Mail to people. It leaves in its own time: no request waits for a mail server, and an account is made whether one
//! answers or not.
//!
//! A [`Place`] is taken before the deed that the mail is about, so that the deed can still be refused when too much
//! mail waits. Each mail is a task that holds its place until it has left, or has failed for good. One whose turn fails
//! waits aside, so that a mailbox that is refused for now holds nobody up.
//!
//! | file | what it holds |
//! |---|---|
//! | `letter` | what is written, in Korean and English |
//! | `transport` | how it leaves: SMTP, or files in a folder |

mod letter;
#[cfg(test)]
mod tests;
mod transport;

use std::{path::Path, sync::Arc, time::Duration};

use lettre::message::Mailbox;
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::letter::Letter;
use self::transport::{SendError, Transport};
use crate::{
    config,
    error::ApiError,
    limits::{MAIL_RETRY_PAUSES, MAILS_SENDING, MAILS_WAITING_MAX, SMTP_TIMEOUT},
};

/// Why mail cannot be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("mail.smtp_url cannot be used")]
pub struct MailError(#[source] lettre::transport::smtp::Error);

/// Sends mail. Clones share everything.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    transport: Transport,
    from: Mailbox,
    /// A place for each mail that has not left; none left: 503.
    places: Arc<Semaphore>,
    /// A turn for each mail that is being sent.
    turns: Semaphore,
}

impl Mailer {
    /// By SMTP if the configuration says so, else into `outbox` in `data_dir`.
    ///
    /// # Errors
    ///
    /// When the URL of the mail server makes no sense.
    pub fn new(settings: &config::Mail, data_dir: &Path) -> Result<Self, MailError> {
        let transport = match &settings.smtp_url {
            Some(url) => Transport::smtp(url.expose_secret(), SMTP_TIMEOUT).map_err(MailError)?,
            None => Transport::folder(data_dir.join("outbox")),
        };
        metrics::describe_counter!("tickroom_mails_total", "Mails by what became of them");
        Ok(Self(Arc::new(Inner {
            transport,
            from: settings.from.clone(),
            places: Arc::new(Semaphore::new(MAILS_WAITING_MAX)),
            turns: Semaphore::new(MAILS_SENDING),
        })))
    }

    /// Room for one mail.
    ///
    /// # Errors
    ///
    /// 503 when too many wait already.
    pub fn reserve(&self) -> Result<Place, ApiError> {
        match Arc::clone(&self.0.places).try_acquire_owned() {
            Ok(permit) => Ok(Place { mailer: self.clone(), permit }),
            Err(_full) => {
                metrics::counter!("tickroom_mails_total", "outcome" => "refused").increment(1);
                Err(ApiError::mail_busy())
            }
        }
    }

    /// Waits until all mail has left, at most this long. Returns how many have not; they are lost with the process.
    pub async fn settle(&self, patience: Duration) -> usize {
        let all = u32::try_from(MAILS_WAITING_MAX).unwrap_or(u32::MAX);
        match tokio::time::timeout(patience, self.0.places.acquire_many(all)).await {
            Ok(_all) => 0,
            Err(_elapsed) => MAILS_WAITING_MAX.saturating_sub(self.0.places.available_permits()),
        }
    }

    async fn deliver(&self, letter: &Letter) {
        let mut pauses = MAIL_RETRY_PAUSES.into_iter();
        loop {
            let Err(error) = self.try_once(letter).await else {
                metrics::counter!("tickroom_mails_total", "outcome" => "sent").increment(1);
                return;
            };
            let pause = pauses.next().filter(|_| error.is_transient());
            report(&error, pause);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return,
            }
        }
    }

    async fn try_once(&self, letter: &Letter) -> Result<(), SendError> {
        // It is never closed; without a turn it would be one too many, which does no harm.
        let _turn = self.0.turns.acquire().await.ok();
        self.0.transport.send(&self.0.from, letter).await?;
        if let Transport::Folder(folder) = &self.0.transport {
            // Without a mail server the log is the mailbox: whoever runs the server can follow the link.
            tracing::info!(link = letter.link, folder = %folder.display(), "mail written to the outbox");
        }
        Ok(())
    }
}

/// Says why a mail has not left, and when it tries again. Without the link: a log is read by others than the owner of
/// the mailbox.
fn report(error: &SendError, pause: Option<Duration>) {
    let cause = std::error::Error::source(error);
    match pause {
        Some(pause) => {
            tracing::warn!(%error, cause, retry_in_s = pause.as_secs(), "mail could not be sent");
        }
        None => {
            metrics::counter!("tickroom_mails_total", "outcome" => "failed").increment(1);
            tracing::warn!(%error, cause, "mail was given up");
        }
    }
}

/// Room for one mail, given back when that has left.
pub struct Place {
    mailer: Mailer,
    permit: OwnedSemaphorePermit,
}

impl Place {
    /// Sends it, in the background.
    pub fn send(self, letter: Letter) {
        let Self { mailer, permit } = self;
        tokio::spawn(async move {
            mailer.deliver(&letter).await;
            drop(permit);
        });
    }
}

/// Whether mail can be sent to an address: stricter than what counts as one, which only asks for its shape.
#[must_use]
pub fn is_deliverable(address: &str) -> bool {
    address.parse::<lettre::Address>().is_ok()
}
