//! The simulated exchange as a program: a stand-in for Upbit for anyone's client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tickroom_sim::{Config, Exchange, Limits, MarketSpec, Replay};
use tracing_subscriber::EnvFilter;

/// What stands below the options.
const HINTS: &str = "\
Point a client at the addresses that it prints, in place of https://api.upbit.com/v1 and
wss://api.upbit.com/websocket/v1. The same seed gives the same years of candles. Ctrl-C ends it.
sim/README.md tells more.";

/// An exchange that speaks Upbit's public market data protocol, with made-up prices
#[derive(Parser)]
#[command(name = "tickroom-sim", version, after_help = HINTS)]
struct Options {
    /// Address to listen on. Beyond loopback, everyone who can reach it can use it
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// Port for REST and WebSocket; 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,

    /// Port on which faults are injected and trades made by hand, on loopback; none without
    #[arg(long, value_name = "PORT")]
    admin_port: Option<u16>,

    /// What prices, volumes and history are made from
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Trades per second of all markets together; 0: only those made by hand [default: 20, with --replay 0]
    #[arg(long, value_name = "TRADES")]
    rate: Option<u32>,

    /// A market and the price around which it moves, as KRW-BTC=150000000; repeat it. A dozen KRW markets without
    #[arg(long = "market", value_name = "CODE=PRICE")]
    markets: Vec<String>,

    /// That many KRW markets instead: the usual dozen, and KRW-S013 and so on
    #[arg(long, value_name = "COUNT", conflicts_with = "markets")]
    market_count: Option<usize>,

    /// Recorded trades to play, as KRW-BTC=trades.csv with the columns trade_timestamp_ms,trade_price,trade_volume
    #[arg(long = "replay", value_name = "CODE=FILE")]
    replays: Vec<String>,

    /// How many times faster than recorded
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    replay_speed: u32,

    /// Take any number of requests instead of as many as Upbit
    #[arg(long)]
    no_limits: bool,

    /// Seconds after which a socket without a frame is cut: 60 were measured on Upbit, 120 are documented
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    idle_close: u64,

    /// Send text frames instead of binary ones
    #[arg(long)]
    text_frames: bool,
}

impl Options {
    fn into_config(self) -> anyhow::Result<Config> {
        let replays =
            self.replays.iter().map(|replay| read_replay(replay)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut markets = match (self.markets.as_slice(), self.market_count) {
            ([], None) => Config::default().markets,
            ([], Some(count)) => many_markets(count),
            (named, _) => named.iter().map(|market| read_market(market)).collect::<anyhow::Result<_>>()?,
        };
        for replay in &replays {
            start_at_recording(&mut markets, replay);
        }
        let rate = self.rate.unwrap_or(if replays.is_empty() { 20 } else { 0 });
        Ok(Config {
            listen: SocketAddr::new(self.host, self.port),
            seed: self.seed,
            markets,
            trades_per_minute: rate.saturating_mul(60),
            replays,
            replay_speed: self.replay_speed,
            admin: self.admin_port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            limits: if self.no_limits { Limits::none() } else { Limits::default() },
            idle_close: Duration::from_secs(self.idle_close),
            text_frames: self.text_frames,
            ..Config::default()
        })
    }
}

fn read_market(text: &str) -> anyhow::Result<MarketSpec> {
    let (code, price) = text.split_once('=').with_context(|| format!("expected CODE=PRICE, got {text:?}"))?;
    let base = code.split('-').nth(1).with_context(|| format!("expected QUOTE-BASE, got {code:?}"))?;
    Ok(MarketSpec::new(code, base, base, price))
}

/// Names like those of real markets run out, so the rest are numbered.
fn many_markets(count: usize) -> Vec<MarketSpec> {
    let numbered = (13..).map(|number| {
        let base = format!("S{number:03}");
        MarketSpec::new(&format!("KRW-{base}"), &base, &base, "2500")
    });
    Config::default().markets.into_iter().chain(numbered).take(count).collect()
}

fn read_replay(text: &str) -> anyhow::Result<Replay> {
    let (code, path) = text.split_once('=').with_context(|| format!("expected CODE=FILE, got {text:?}"))?;
    let path = PathBuf::from(path);
    let csv = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Replay::from_csv(code, &csv).with_context(|| path.display().to_string())
}

/// Opens the market of a recording at its first price, and lists it if it is not there.
fn start_at_recording(markets: &mut Vec<MarketSpec>, replay: &Replay) {
    let Some(price) = replay.first_price() else { return };
    match markets.iter_mut().find(|spec| spec.code == replay.code()) {
        Some(spec) => spec.start_price = price.to_owned(),
        None => markets.push(MarketSpec::new(replay.code(), replay.code(), replay.code(), price)),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let exchange = Exchange::start(Options::parse().into_config()?).await?;
    println!("REST       {}", exchange.rest_url());
    println!("WebSocket  {}", exchange.ws_url());
    if let Some(url) = exchange.admin_url() {
        println!("admin      {url}");
    }
    tokio::signal::ctrl_c().await?;
    exchange.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(arguments: &[&str]) -> anyhow::Result<Config> {
        Options::parse_from([&["tickroom-sim"], arguments].concat()).into_config()
    }

    #[test]
    fn without_options_it_is_a_lively_demo_with_the_limits_of_the_exchange() {
        let config = config(&[]).unwrap();
        assert_eq!((config.markets.len(), config.trades_per_minute), (12, 1_200));
        assert_eq!((config.limits, config.admin), (Limits::default(), None));
    }

    #[test]
    fn markets_are_named_or_numbered() {
        let named = config(&["--market", "KRW-BTC=1000", "--market", "USDT-BTC=0.5"]).unwrap().markets;
        assert_eq!(
            (named.len(), named[1].code.as_str(), named[1].english_name.as_str()),
            (2, "USDT-BTC", "BTC")
        );
        let numbered = config(&["--market-count", "250"]).unwrap().markets;
        assert_eq!((numbered.len(), numbered[249].code.as_str()), (250, "KRW-S250"));
    }

    #[test]
    fn a_recording_opens_its_market_and_silences_the_walk() {
        let folder = std::env::temp_dir().join(format!("tickroom-sim-{}.csv", std::process::id()));
        std::fs::write(&folder, "trade_timestamp_ms,trade_price,trade_volume\n5,119713000.0,0.01\n").unwrap();
        let config = config(&["--replay", &format!("KRW-BTC={}", folder.display())]).unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!((config.trades_per_minute, config.markets[0].start_price.as_str()), (0, "119713000.0"));
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        for (arguments, expected) in [
            (["--market", "KRW-BTC"], "CODE=PRICE"),
            (["--market", "BTC=1"], "QUOTE-BASE"),
            (["--replay", "KRW-BTC=/nowhere.csv"], "/nowhere.csv"),
        ] {
            assert!(config(&arguments).unwrap_err().to_string().contains(expected));
        }
    }
}
