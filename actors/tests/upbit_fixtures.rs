//! Recorded frames of the real exchange, where they are at hand. They may not be shipped, so they lie outside of the
//! repository, and on a machine without them there is nothing to read.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use tickroom_actors::feed::upbit::{self, Frame, Kind, Ticker};

fn fixtures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/upbit/fixtures");
    folder.is_dir().then_some(folder)
}

/// Files named after the socket's ticker in DEFAULT format, line by line.
fn ticker_lines(folder: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut lines = Vec::new();
    for path in files.filter(|path| path.is_file() && name(path).contains("ticker")) {
        let text = std::fs::read_to_string(&path).unwrap();
        lines.extend(text.lines().map(|line| (name(&path), line.to_owned())));
    }
    lines
}

#[test]
fn every_recorded_ticker_line_parses() {
    let Some(folder) = fixtures() else { return };
    let lines = ticker_lines(&folder);
    assert!(lines.len() >= 9, "{} lines", lines.len());
    let mut tickers = 0;
    for (file, line) in &lines {
        let frame = upbit::parse(line).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_socket_default = !file.contains("rest") && !file.contains("simple");
        if let Frame::Data(found) = frame {
            tickers += found.len();
            for (kind, code, json) in found {
                assert_eq!(kind, Kind::Ticker);
                let ticker: Ticker<'_> = serde_json::from_str(json).unwrap();
                assert_eq!(ticker.code, code.as_str());
                assert!(ticker.timestamp_ms() > 0 && ticker.trade_price.is_some(), "{file}");
                assert_eq!(serde_json::to_string(&ticker).unwrap(), json, "{file}: leaves as it came");
            }
        } else {
            assert!(!is_socket_default, "{file} holds no ticker");
        }
    }
    assert!(tickers >= 7, "{tickers} tickers");
}

#[test]
fn the_recorded_list_of_markets_reads() {
    let Some(folder) = fixtures() else { return };
    for (file, warned) in [("market-all.json", 0), ("market-all-details.json", 1)] {
        let markets = upbit::parse_markets(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        assert!(!markets.is_empty(), "{file}");
        assert!(markets.iter().filter(|market| market.warning).count() >= warned, "{file}");
    }
}

#[test]
fn every_recorded_minute_of_the_socket_parses() {
    let Some(folder) = fixtures() else { return };
    for file in ["candle-1m-ws.json", "candle-1m-ws-sequence.jsonl"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for line in text.lines() {
            let Ok(Frame::Data(found)) = upbit::parse(line) else { panic!("{file}: {line}") };
            let [(kind, code, json)] = found.as_slice() else { panic!("{file}: {line}") };
            assert_eq!((*kind, code.as_str().split('-').next()), (Kind::Minute, Some("KRW")));
            assert_eq!(*json, line);
        }
    }
}
