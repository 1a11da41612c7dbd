//! How a mail leaves: by SMTP, or as a file into a folder.

use std::{io, path::PathBuf, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::AddressError,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp,
};
use tickroom_storage::TimestampMs;
use tokio::fs;

use super::Letter;
use crate::limits::{OUTBOX_FILES_MAX, SMTP_TIMEOUT};

/// Where mails go.
pub(super) enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// Nobody can be written to at this address.
    #[error("the address is none that mail can be sent to")]
    Address(#[from] AddressError),
    /// It cannot be put into the form of a mail.
    #[error("the mail cannot be composed")]
    Compose(#[from] lettre::error::Error),
    /// The server does not answer, or does not take it.
    #[error("the mail server did not take it")]
    Smtp(#[from] smtp::Error),
    /// The folder cannot be written to.
    #[error("the outbox folder cannot be written to")]
    Folder(#[from] io::Error),
}

impl SendError {
    /// Whether it may work another time.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Address(_) | Self::Compose(_) => false,
            Self::Smtp(error) => !error.is_permanent(),
            Self::Folder(_) => true,
        }
    }
}

impl Transport {
    /// By the server of this URL: `smtps://user:password@host`, or `smtp://…?tls=required`.
    pub(super) fn smtp(url: &str, timeout: Duration) -> Result<Self, smtp::Error> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?;
        Ok(Self::Smtp(builder.timeout(Some(timeout)).build()))
    }

    /// As files.
    pub(super) fn folder(path: PathBuf) -> Self {
        Self::Folder(path)
    }

    pub(super) async fn send(&self, from: &Mailbox, letter: &Letter) -> Result<(), SendError> {
        let message = compose(from, letter)?;
        match self {
            Self::Smtp(smtp) => {
                // The timeout of lettre is for each command; a server may be slow at many.
                let sent = tokio::time::timeout(6 * SMTP_TIMEOUT, smtp.send(message)).await;
                sent.map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))??;
            }
            Self::Folder(folder) => write(folder.clone(), &message.formatted()).await?,
        }
        Ok(())
    }
}

fn compose(from: &Mailbox, letter: &Letter) -> Result<Message, SendError> {
    let id = format!("<{:032x}@{}>", fastrand::u128(..), from.email.domain());
    // RFC 3834: keeps holiday notices and list managers from answering.
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
    Ok(Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, letter.to.as_str().parse()?))
        .subject(letter.subject)
        .message_id(Some(id))
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))?)
}

/// Whoever looks into the folder never sees half a mail. Names rise with time.
async fn write(folder: PathBuf, mail: &[u8]) -> io::Result<()> {
    fs::create_dir_all(&folder).await?;
    let name = format!("{}-{:08x}", TimestampMs::now().get(), fastrand::u32(..));
    let unfinished = folder.join(format!("{name}.new"));
    fs::write(&unfinished, mail).await?;
    fs::rename(&unfinished, folder.join(format!("{name}.eml"))).await?;
    forget_oldest(folder).await
}

async fn forget_oldest(folder: PathBuf) -> io::Result<()> {
    let mut files = Vec::new();
    let mut entries = fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        files.push(entry.path());
    }
    files.sort_unstable();
    let surplus = files.len().saturating_sub(OUTBOX_FILES_MAX);
    for file in files.into_iter().take(surplus) {
        match fs::remove_file(file).await {
            // Another mail's clean-up was faster.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
