//! The binary: reads what it is asked to do, does it, and says how it went by its exit code.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tickroom::app::{Options, Server};
use tickroom::cli::{Account, Admin, Cli, Command, Demo, EXIT_MISTAKES, ImportMessages};
use tickroom::config::{self, Config, Effective, Sources};
use tickroom::{admin, backfill, demo, import, open_files, telemetry};
use tickroom_storage::user::Role;
use tokio::signal::unix::{SignalKind, signal};

/// Returns memory to the system after a storm, and is fast at small, short-lived pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::CheckConfig(arguments) => load(&arguments.sources()).map(|effective| print(&effective)),
        Command::Serve(arguments) => load(&arguments.sources()).map(|effective| run(serve(effective.config))),
        Command::Demo(arguments) => with_folder(&arguments),
        Command::ImportMessages(arguments) => import(&arguments),
        Command::Admin(Admin::Grant(account)) => set_role(&account, Role::Admin),
        Command::Admin(Admin::Revoke(account)) => set_role(&account, Role::User),
        Command::Backfill(arguments) => {
            load(&arguments.serve.sources()).map(|effective| run(backfill::run(&arguments, effective.config)))
        }
    };
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let _ = writeln!(std::io::stderr(), "tickroom: {error:#}");
            ExitCode::FAILURE
        }
        Err(mistakes) => {
            let _ = writeln!(std::io::stderr(), "{mistakes}");
            ExitCode::from(EXIT_MISTAKES)
        }
    }
}

fn load(sources: &Sources) -> Result<Effective, config::Mistakes> {
    config::load(sources)
}

/// Prints for people or pipes; one that is closed has read enough.
fn print(text: &impl std::fmt::Display) -> anyhow::Result<()> {
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(work)
}

async fn serve(config: Config) -> anyhow::Result<()> {
    telemetry::init_logging(&config.log);
    let open_files = open_files::raise_limit();
    if open_files.is_some_and(|files| files < u64::try_from(config.server.max_sockets).unwrap_or(u64::MAX)) {
        tracing::warn!(
            open_files,
            max_sockets = config.server.max_sockets,
            "fewer files than sockets may be open"
        );
    }
    let server = Server::start(config, Options::default()).await?;
    let url = server.app.config.server.public_url.as_str();
    tracing::info!(url, address = %server.address, open_files, "listening");
    until_stopped(server).await
}

fn set_role(account: &Account, role: Role) -> Result<anyhow::Result<()>, config::Mistakes> {
    let config = load(&account.sources())?.config;
    Ok(run(async { print(&admin::set_role(&config, &account.email, role).await?) }))
}

fn import(arguments: &ImportMessages) -> Result<anyhow::Result<()>, config::Mistakes> {
    let config = load(&arguments.sources())?.config;
    Ok(run(async { print(&import::messages(&config, &arguments.from, arguments.dry_run).await?) }))
}

/// A demo keeps its data in a folder that is gone afterwards, unless one was named.
fn with_folder(arguments: &Demo) -> Result<anyhow::Result<()>, config::Mistakes> {
    let folder = match tempfile::Builder::new().prefix("tickroom-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => return Ok(Err(error).context("cannot make a folder for the demo's data")),
    };
    let effective = load(&arguments.sources(folder.path()))?;
    let mut options = Options { demo_logins: demo::LOGINS.to_vec(), ..Options::default() };
    if let Some(seed) = arguments.seed {
        options.simulation.seed = seed;
    }
    Ok(run(show(effective.config, options)))
}

async fn show(config: Config, options: Options) -> anyhow::Result<()> {
    telemetry::init_logging(&config.log);
    let seed = options.simulation.seed;
    let server = Server::start(config, options).await?;
    demo::populate(&server, seed).await?;
    print(&demo::welcome(&server))?;
    until_stopped(server).await
}

/// Serves until SIGTERM, Ctrl-C or the end of the actors, then stops in order.
async fn until_stopped(server: Server) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let failed = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
        () = server.failed() => true,
    };
    tracing::info!("stopping");
    let unsaved = server.stop().await;
    anyhow::ensure!(!failed, "the actors failed, see the log");
    anyhow::ensure!(unsaved == 0, "{unsaved} messages could not be stored");
    Ok(())
}
