//! Accounts from their beginning to their end. What a mail is about is stored before the mail is on its way, and what
//! ends logins runs to its end whether or not the client waits for it.

use std::net::IpAddr;

use secrecy::SecretString;
use tickroom_storage::{
    StorageError, TimestampMs, UserId,
    account::{EndedLogins, MailPurpose, NewMailToken},
    user::{Email, NewUser, Role, User, UserName},
};
use tracing::Instrument;

use super::{Auth, Identity, family::to_the_end, guess::Account, later, password::Password, secret};
use crate::{
    error::{ApiError, Violation, Violations},
    language::Language,
    limits::{LINK_TOKEN_BYTES_MAX, PASSWORD_RESET_TTL, VERIFICATION_TTL},
    mail::{Letter, Place},
};

/// Who wants an account, all fields checked.
pub struct Registration {
    /// What others will see.
    pub name: UserName,
    /// What they will log in with.
    pub email: Email,
    /// How they will prove it.
    pub password: Password,
    /// The language of the mail.
    pub language: Language,
}

impl Auth {
    /// Makes an account, and sends the mail that asks to prove its address where that is required. Neither is without
    /// the other, except that the mail takes its own time.
    ///
    /// # Errors
    ///
    /// 409 naming the field when the name or address is taken, 503 when too many hashes or mails wait.
    pub async fn register(&self, registration: Registration) -> Result<User, ApiError> {
        let Registration { name, email, password, language } = registration;
        let place = match self.0.is_verification_required {
            true => Some(self.0.mailer.reserve()?),
            false => None,
        };
        let user = NewUser {
            id: self.0.ids.next(),
            name,
            email,
            password_hash: self.0.passwords.hash(password).await?,
            role: Role::User,
            verified_at: None,
            created_at: self.now(),
        };
        let (token, link) = self.new_link(user.id, MailPurpose::Verify)?;
        let auth = self.clone();
        let created = to_the_end(async move {
            // No look before the leap: the unique indexes decide, also between two who register at once.
            let user = auth.0.accounts.register(&user, place.is_some().then_some(&link)).await?;
            if let Some(place) = place {
                auth.send_verification(place, &user, &token, language);
            }
            Ok(user)
        });
        created.await.map_err(|error| match error {
            StorageError::Taken { field: "name" } => ApiError::taken("username"),
            other => other.into(),
        })
    }

    /// Sends the mail of the registration again, if there is an account that waits for it. What comes back does not
    /// tell, nor does how long it takes: all of that happens afterwards.
    ///
    /// # Errors
    ///
    /// 429 when the mailbox gets too many, 503 when too many mails wait.
    pub fn resend_verification(&self, email: Email, language: Language) -> Result<(), ApiError> {
        self.mail_in_background(email, MailPurpose::Verify, language)
    }

    /// Sends a link to choose a new password, if there is such an account; with the same silence.
    ///
    /// # Errors
    ///
    /// As [`resend_verification`](Self::resend_verification).
    pub fn request_password_reset(&self, email: Email, language: Language) -> Result<(), ApiError> {
        self.mail_in_background(email, MailPurpose::Reset, language)
    }

    /// Takes the address for proved to whose mailbox this token was sent, as often as it comes: programs that look
    /// into mails follow links, too.
    ///
    /// # Errors
    ///
    /// 400 `link_invalid`.
    pub async fn verify_address(&self, token: &str) -> Result<(), ApiError> {
        let user = self.owner_of_link(&link_hash(token)?, MailPurpose::Verify).await?;
        Ok(self.0.accounts.verify(user, self.now()).await?)
    }

    /// Replaces the password of whoever got this token, and ends all her logins.
    ///
    /// # Errors
    ///
    /// 400 `link_invalid`, 422 for a password that is like the account's name or address.
    pub async fn reset_password(
        &self,
        token: &str,
        password: Password,
        client: IpAddr,
    ) -> Result<(), ApiError> {
        let hash = link_hash(token)?;
        // Looked at first, so that a made-up link costs no hash of a password.
        let user = self.owner_of_link(&hash, MailPurpose::Reset).await?;
        let user = self.living(user).await?.ok_or_else(link_invalid)?;
        refuse_like(&password, "password", &user)?;
        let password_hash = self.0.passwords.hash(password).await?;
        let (auth, now) = (self.clone(), self.now());
        let reset = to_the_end(async move {
            let ended = auth.0.accounts.reset_password(&hash, &password_hash, now).await?;
            Ok(ended.map(|ended| auth.tell(ended)))
        });
        reset.await?.ok_or_else(link_invalid)?;
        self.0.guesses.prove(Account::of(user.email.as_str()), client);
        tracing::info!(user_id = %user.id, "password reset by mail");
        Ok(())
    }

    /// Replaces one's own password and ends all one's other logins.
    ///
    /// # Errors
    ///
    /// 403 `wrong_password`, 422 for a new one that is like the account's name or address, 429 for guessing.
    pub async fn change_password(
        &self,
        identity: &Identity,
        current: SecretString,
        new: Password,
        client: IpAddr,
    ) -> Result<(), ApiError> {
        let user = self.prove(identity.user_id, current, client).await?;
        refuse_like(&new, "new_password", &user)?;
        let password_hash = self.0.passwords.hash(new).await?;
        let keep = identity.family;
        self.change(move |auth, now| async move {
            auth.0.accounts.set_password(user.id, &password_hash, keep, now).await
        })
        .await?;
        tracing::info!(user_id = %identity.user_id, "password changed");
        Ok(())
    }

    /// Deletes one's own account.
    ///
    /// # Errors
    ///
    /// 403 `wrong_password`, 429 for guessing.
    pub async fn delete_account(
        &self,
        identity: &Identity,
        password: SecretString,
        client: IpAddr,
    ) -> Result<(), ApiError> {
        let user = self.prove(identity.user_id, password, client).await?.id;
        self.change(move |auth, now| async move { auth.0.accounts.delete(user, now).await }).await?;
        tracing::info!(user_id = %user, "account deleted by its owner");
        Ok(())
    }

    /// Gives somebody another role. Whoever loses one is logged out.
    ///
    /// # Errors
    ///
    /// 404 for nobody, 409 for oneself: who takes the last administrator's role leaves a place that nobody runs.
    pub async fn set_role(&self, admin: &Identity, user: UserId, role: Role) -> Result<(), ApiError> {
        refuse_oneself(admin, user)?;
        self.change(move |auth, now| async move { auth.0.accounts.set_role(user, role, now).await }).await?;
        tracing::info!(user_id = %user, role = role.as_str(), by = %admin.user_id, "role set");
        Ok(())
    }

    /// Keeps somebody out, and ends her logins.
    ///
    /// # Errors
    ///
    /// 404 for nobody, 409 for oneself.
    pub async fn suspend(&self, admin: &Identity, user: UserId) -> Result<(), ApiError> {
        refuse_oneself(admin, user)?;
        self.change(move |auth, now| async move { auth.0.accounts.suspend(user, now).await }).await?;
        tracing::info!(user_id = %user, by = %admin.user_id, "account suspended");
        Ok(())
    }

    /// Lets somebody in again.
    ///
    /// # Errors
    ///
    /// 404 for nobody.
    pub async fn lift_suspension(&self, admin: &Identity, user: UserId) -> Result<(), ApiError> {
        self.0.accounts.lift_suspension(user).await?;
        tracing::info!(user_id = %user, by = %admin.user_id, "suspension lifted");
        Ok(())
    }

    /// Makes a change that ends logins, and tells their sockets.
    async fn change<F>(&self, change: impl FnOnce(Self, TimestampMs) -> F) -> Result<(), ApiError>
    where
        F: Future<Output = Result<EndedLogins, StorageError>> + Send + 'static,
    {
        let (auth, change) = (self.clone(), change(self.clone(), self.now()));
        let told = to_the_end(async move {
            auth.tell(change.await?);
            Ok(())
        });
        Ok(told.await?)
    }

    fn tell(&self, EndedLogins { user, families }: EndedLogins) {
        for family in families {
            self.0.families.ended(user, family);
        }
    }

    /// The account, if this is its password.
    async fn prove(&self, user: UserId, password: SecretString, client: IpAddr) -> Result<User, ApiError> {
        let user = self.living(user).await?.ok_or_else(|| ApiError::not_found("user"))?;
        let email = user.email.as_str().to_owned();
        if self.verify_password(&email, Some(&user), password, client).await? {
            return Ok(user);
        }
        // Not 401: the login stands, and nobody should be sent to log in again.
        Err(ApiError::forbidden("wrong_password", "this is not the password of your account"))
    }

    /// The person behind an id, unless the account was deleted.
    pub(super) async fn living(&self, user: UserId) -> Result<Option<User>, ApiError> {
        Ok(self.0.users.by_id(user).await?.filter(|user| user.deleted_at.is_none()))
    }

    async fn owner_of_link(&self, hash: &str, purpose: MailPurpose) -> Result<UserId, ApiError> {
        let owner = self.0.accounts.owner_of_link(hash, purpose, self.now()).await?;
        owner.ok_or_else(link_invalid)
    }

    fn mail_in_background(
        &self,
        email: Email,
        purpose: MailPurpose,
        language: Language,
    ) -> Result<(), ApiError> {
        self.0.mailbox_limit.take(&Account::of(email.as_str()))?;
        let (auth, place) = (self.clone(), self.0.mailer.reserve()?);
        let work = async move {
            if let Err(error) = auth.mail_link(place, &email, purpose, language).await {
                // Nobody waits for an answer in which this would be logged.
                error.log_cause();
            }
        };
        tokio::spawn(work.in_current_span());
        Ok(())
    }

    /// Sends a link to this address, if it is one that waits for it.
    async fn mail_link(
        &self,
        place: Place,
        email: &Email,
        purpose: MailPurpose,
        language: Language,
    ) -> Result<(), ApiError> {
        let Some(user) = self.0.users.by_email(email).await? else {
            return Ok(());
        };
        if purpose == MailPurpose::Verify && user.verified_at.is_some() {
            return Ok(());
        }
        let (token, link) = self.new_link(user.id, purpose)?;
        self.0.accounts.add_link(&link).await?;
        match purpose {
            MailPurpose::Verify => self.send_verification(place, &user, &token, language),
            MailPurpose::Reset => {
                // Behind the #, the token reaches no server's log and no other page.
                let link = format!("{}/#reset={token}", self.0.public_url);
                place.send(Letter::password_reset(user.email, &user.name, link, language));
            }
        }
        Ok(())
    }

    fn send_verification(&self, place: Place, user: &User, token: &str, language: Language) {
        let link = format!("{}/api/auth/verify?token={token}", self.0.public_url);
        place.send(Letter::verification(user.email.clone(), &user.name, link, language));
    }

    /// A new token, and what is stored of it.
    fn new_link(&self, user_id: UserId, purpose: MailPurpose) -> Result<(String, NewMailToken), ApiError> {
        let token = secret::generate()?;
        let ttl = match purpose {
            MailPurpose::Verify => VERIFICATION_TTL,
            MailPurpose::Reset => PASSWORD_RESET_TTL,
        };
        let (hash, created_at) = (secret::fingerprint(&token), self.now());
        Ok((token, NewMailToken { hash, user_id, purpose, created_at, expires_at: later(created_at, ttl) }))
    }

    /// Whether this is the account's password; what guessing costs is charged. Without an account it takes as long, is
    /// false, and costs the same.
    pub(super) async fn verify_password(
        &self,
        email: &str,
        user: Option<&User>,
        password: SecretString,
        client: IpAddr,
    ) -> Result<bool, ApiError> {
        let (account, guesses) = (Account::of(email), &self.0.guesses);
        guesses.check_pair(account, client, self.now())?;
        if let Err(refused) = guesses.check_account(account, self.now())
            && !self.is_known(account, user, client).await?
        {
            return Err(refused);
        }
        let matches = self.0.passwords.verify(password, user.map(|user| user.password_hash.clone())).await?;
        if matches {
            guesses.succeeded(account, client);
        } else {
            guesses.failed(account, client, self.now());
        }
        Ok(matches)
    }

    async fn is_known(
        &self,
        account: Account,
        user: Option<&User>,
        client: IpAddr,
    ) -> Result<bool, ApiError> {
        let Some(user) = user else {
            return Ok(false);
        };
        let is_proved = self.0.guesses.is_proved(account, client);
        Ok(is_proved || self.0.families.know_address(user.id, client).await?)
    }
}

fn refuse_like(password: &Password, field: &'static str, user: &User) -> Result<(), ApiError> {
    let mut violations = Violations::default();
    let fits = password.check_owner(Some(&user.name), Some(&user.email));
    violations.check::<(), Violation>(field, fits.map_err(Into::into));
    violations.into_result()
}

fn refuse_oneself(admin: &Identity, user: UserId) -> Result<(), ApiError> {
    if admin.user_id != user {
        return Ok(());
    }
    Err(ApiError::conflict("own_account", "ask another administrator to do this to your own account"))
}

/// What is stored of the token in a link.
fn link_hash(token: &str) -> Result<String, ApiError> {
    if token.len() > LINK_TOKEN_BYTES_MAX {
        return Err(link_invalid());
    }
    Ok(secret::fingerprint(token))
}

fn link_invalid() -> ApiError {
    ApiError::bad_request("link_invalid", "this link is too old, was used before, or is none of ours")
}
