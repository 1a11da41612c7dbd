//! `tickroom admin`: what an operator does to accounts by hand. It works on the database itself, beside a server that
//! may be running on it.

use anyhow::Context;
use secrecy::ExposeSecret;
use tickroom_storage::TimestampMs;
use tickroom_storage::account::Accounts;
use tickroom_storage::engine::Database;
use tickroom_storage::user::{Email, Role, Users};

use crate::config::Config;

/// Gives the owner of this address another role. Says what that means.
///
/// # Errors
///
/// When the database cannot be opened, or nobody has this address.
pub async fn set_role(config: &Config, email: &str, role: Role) -> anyhow::Result<String> {
    let email: Email = email.parse().with_context(|| format!("{email:?} is no mail address"))?;
    let database = Database::connect(config.storage.database_url.expose_secret()).await?;
    let user = Users::new(database.clone()).by_email(&email).await?;
    let user = user.with_context(|| format!("nobody has the address {email}"))?;
    let ended = Accounts::new(database.clone()).set_role(user.id, role, TimestampMs::now()).await?;
    database.close().await;
    Ok(match role {
        Role::Admin => {
            format!("{} <{email}> is an administrator, from the next login or refreshed token on", user.name)
        }
        Role::User => format!(
            "{} <{email}> is no administrator; logins ended: {}. A running server stops believing them within ten \
             seconds, and open sockets end with their tokens",
            user.name,
            ended.families.len()
        ),
    })
}
