//! The command line: what can be asked of the binary, and which settings an argument stands for.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use tickroom_storage::MarketCode;
use tickroom_storage::candle::{Interval, IntervalError};

use crate::config::Sources;
use crate::moment::Moment;

/// The exit code for a command line or a configuration that cannot be used; clap's for the former.
pub const EXIT_MISTAKES: u8 = 2;

/// The file that is read when no other is named.
const DEFAULT_FILE: &str = "tickroom.toml";

const EXAMPLES: &str = "\
Examples:
  tickroom demo                          look around: simulated prices, nothing to set up
  tickroom serve                         the real thing, on http://127.0.0.1:8080
  tickroom serve --config prod.toml --listen 0.0.0.0:8080
  TICKROOM_CHAT__MESSAGES_PER_SECOND=5 tickroom serve
  tickroom check-config --config prod.toml
  tickroom admin grant ann@example.com   make somebody who has an account an administrator
  tickroom backfill KRW-BTC --interval 1d --from 2020-01-01

Settings:
  Each is looked for in the command line, the environment, the file (--config, else tickroom.toml in this
  folder) and the defaults, in this order. In the environment, `listen` of the section [server] is
  TICKROOM_SERVER__LISTEN, with two underscores behind the section. tickroom.example.toml explains all of them.

Exit codes:
  0  stopped because it was asked to
  1  could not start, or failed while running
  2  the command line or the configuration has mistakes; all of them are on stderr";

/// A realtime discussion server for markets: one room per ticker, live prices, chat.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Run a server to look around in: simulated prices, some people to log in as, data that is thrown away.
    ///
    /// Reads no file and no environment, so that it can never touch the data of a real server.
    Demo(Demo),
    /// Print the settings that `serve` would run with and where each was written, with secrets masked.
    ///
    /// Exits with 2 and all mistakes when there are any.
    CheckConfig(Serve),
    /// Copy the messages of the system that Tickroom replaces, from its MongoDB into the message log.
    ///
    /// Stop the server first: a room that runs would give the same places. Can be repeated: what was copied is recognised,
    /// and an interrupted copy goes on. Messages keep the names of their senders and belong to no account.
    ImportMessages(ImportMessages),
    /// Say who is an administrator. Works on the database itself, whether or not a server runs on it.
    #[command(subcommand)]
    Admin(Admin),
    /// Read old candles of a market from the exchange into the database.
    ///
    /// Asks only for what is missing, so it may be stopped at any time, and run again to go on. While a server
    /// collects in the same folder, ask that one instead: POST /api/admin/backfills.
    Backfill(Backfill),
}

/// What `admin` can do.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make the owner of this address an administrator, from the next login or refreshed token on.
    Grant(Account),
    /// Take that back, and end all logins of that person. A running server notices within ten seconds.
    Revoke(Account),
}

/// Whose account, and in which database.
#[derive(Debug, Args)]
pub struct Account {
    /// The mail address of the account.
    #[arg(value_name = "MAIL")]
    pub email: String,
    /// Read the settings from this file [default: tickroom.toml in this folder, if there is one].
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The server's folder [storage.data_dir].
    #[arg(long, value_name = "PATH")]
    pub data_dir: Option<String>,
}

/// Arguments of `backfill`.
#[derive(Debug, Args)]
pub struct Backfill {
    /// The market, such as KRW-BTC.
    pub market: MarketCode,
    /// The length of the candles: 1m, 3m, 5m, 10m, 15m, 30m, 60m, 240m, 1d, 1w, 1M or 1y; or `all` of them.
    #[arg(long, value_parser = intervals)]
    pub interval: Intervals,
    /// The first day, such as 2020-01-01, or a time.
    #[arg(long)]
    pub from: Moment,
    /// The last day, or the first time that is not wanted any more [default: now].
    #[arg(long)]
    pub to: Option<Moment>,
    /// Settings that `serve` has, too.
    #[command(flatten)]
    pub serve: Serve,
}

/// One length of candles, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervals(pub Vec<Interval>);

fn intervals(text: &str) -> Result<Intervals, IntervalError> {
    match text {
        "all" => Ok(Intervals(Interval::ALL.to_vec())),
        one => one.parse().map(|interval| Intervals(vec![interval])),
    }
}

/// Arguments of `import-messages`.
#[derive(Debug, Args)]
pub struct ImportMessages {
    /// The original's MongoDB, mongodb://…; without a database in its path, chat_app.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Read everything, say what would be copied, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Read the settings from this file [default: tickroom.toml in this folder, if there is one].
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The server's folder [storage.data_dir].
    #[arg(long, value_name = "PATH")]
    pub data_dir: Option<String>,
}

/// Arguments of `serve` and `check-config`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Read the settings from this file [default: tickroom.toml in this folder, if there is one].
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Where prices come from [feed.source].
    #[arg(long, value_name = "SOURCE", value_parser = ["upbit", "sim", "off"])]
    pub feed: Option<String>,
    /// Settings that the demo has, too.
    #[command(flatten)]
    pub settings: Settings,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Make the same prices each time.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Settings that `serve` has, too.
    #[command(flatten)]
    pub settings: Settings,
}

/// Settings that are worth an argument.
#[derive(Debug, Args)]
pub struct Settings {
    /// Listen on this address and port [server.listen].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Keep files in this folder [storage.data_dir].
    #[arg(long, value_name = "PATH")]
    pub data_dir: Option<String>,
    /// Log this level, or directives such as info,tickroom_actors=debug [log.level].
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log for people or for machines [log.format].
    #[arg(long, value_name = "FORMAT", value_parser = ["pretty", "json"])]
    pub log_format: Option<String>,
}

impl Serve {
    /// File, environment and arguments.
    pub fn sources(&self) -> Sources {
        let sources = self.settings.add_to(written(self.config.as_ref()));
        add(sources, "--feed", "feed.source", self.feed.as_ref())
    }
}

impl Account {
    /// File, environment and arguments.
    pub fn sources(&self) -> Sources {
        add(written(self.config.as_ref()), "--data-dir", "storage.data_dir", self.data_dir.as_ref())
    }
}

impl ImportMessages {
    /// File, environment and arguments.
    pub fn sources(&self) -> Sources {
        add(written(self.config.as_ref()), "--data-dir", "storage.data_dir", self.data_dir.as_ref())
    }
}

/// File and environment.
fn written(config: Option<&PathBuf>) -> Sources {
    let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
    let file = config.cloned().or_else(default);
    file.map_or_else(Sources::default, |path| Sources::default().file(path)).process_environment()
}

impl Demo {
    /// Arguments only; everything is kept in `throw_away` unless a folder was named. Nobody has to prove an address.
    pub fn sources(&self, throw_away: &Path) -> Sources {
        let sources = Sources::default()
            .argument("demo", "feed.source", "sim")
            .argument("demo", "storage.data_dir", throw_away.to_string_lossy())
            .argument("demo", "auth.email_verification", "off");
        self.settings.add_to(sources)
    }
}

impl Settings {
    fn add_to(&self, sources: Sources) -> Sources {
        let sources = add(sources, "--listen", "server.listen", self.listen.as_ref());
        let sources = add(sources, "--data-dir", "storage.data_dir", self.data_dir.as_ref());
        let sources = add(sources, "--log-level", "log.level", self.log_level.as_ref());
        add(sources, "--log-format", "log.format", self.log_format.as_ref())
    }
}

fn add(sources: Sources, name: &'static str, key: &'static str, value: Option<&String>) -> Sources {
    match value {
        Some(value) => sources.argument(name, key, value),
        None => sources,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;
    use crate::config::{self, FeedSource};

    #[test]
    fn clap_finds_no_fault() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_help_is_shown() {
        let error = Cli::try_parse_from(["tickroom"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        assert_eq!(error.exit_code(), i32::from(EXIT_MISTAKES));
    }

    #[test]
    fn the_demo_is_simulated_and_keeps_to_its_folder() {
        let cli = Cli::parse_from(["tickroom", "demo", "--listen", "127.0.0.1:0", "--seed", "7"]);
        let Command::Demo(demo) = cli.command else { panic!("not a demo") };
        let config = config::load(&demo.sources(Path::new("/tmp/thrown-away"))).unwrap().config;
        assert_eq!(config.feed.source, FeedSource::Sim);
        assert_eq!(config.storage.data_dir, Path::new("/tmp/thrown-away"));
        assert_eq!(config.server.listen.port(), 0);
        assert_eq!(demo.seed, Some(7));
    }

    #[test]
    fn the_demo_reads_no_file() {
        let error = Cli::try_parse_from(["tickroom", "demo", "--config", "prod.toml"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownArgument);
    }

    #[test]
    fn a_backfill_names_market_length_and_time() {
        let text = "tickroom backfill KRW-BTC --interval 1M --from 2020-01-01 --feed sim";
        let Command::Backfill(backfill) = Cli::parse_from(text.split(' ')).command else { panic!("none") };
        assert_eq!(backfill.interval, Intervals(vec![Interval::Month]));
        assert_eq!((backfill.market.as_str(), backfill.to), ("KRW-BTC", None));
        for (from, to) in [("KRW-BTC", "btc"), ("1M", "2m"), ("2020-01-01", "yesterday")] {
            let error = Cli::try_parse_from(text.replace(from, to).split(' ')).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{to}");
        }
    }

    #[test]
    fn an_argument_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prod.toml");
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\n[feed]\nsource = \"sim\"").unwrap();
        let config = file.to_str().unwrap();
        let cli = Cli::parse_from(["tickroom", "serve", "--config", config, "--listen", "127.0.0.1:2"]);
        let Command::Serve(serve) = cli.command else { panic!("not a server") };
        let config = config::load(&serve.sources()).unwrap().config;
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!(config.feed.source, FeedSource::Sim);
    }
}
