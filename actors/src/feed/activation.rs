//! Which markets are followed: what the configuration says, unless somebody decided otherwise by hand.

use super::FeedConfig;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use tickroom_storage::MarketCode;
use tickroom_storage::market::Market;
use tokio::sync::Notify;

/// A market that the exchange lists or that somebody decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As the exchange names it; a market that it does not list has its code for a name.
    pub market: Market,
    /// Whether the exchange lists it, as far as is known.
    pub listed: bool,
    /// Whether it is followed.
    pub active: bool,
    /// Whether that was decided by hand.
    pub by_hand: bool,
}

/// The decisions, and the list that they are about. It outlives the feed.
#[derive(Default)]
pub struct Activation {
    state: Mutex<State>,
    /// Wakes the feed after a decision.
    pub(super) changed: Notify,
}

#[derive(Default)]
struct State {
    decided: BTreeMap<MarketCode, bool>,
    listed: BTreeMap<MarketCode, Market>,
}

impl State {
    fn wants(&self, config: &FeedConfig, code: &MarketCode) -> bool {
        self.decided.get(code).copied().unwrap_or_else(|| config.wants(code))
    }

    fn candidate(&self, config: &FeedConfig, code: &MarketCode) -> Candidate {
        let listed = self.listed.get(code);
        let market = listed.cloned().unwrap_or_else(|| Market {
            code: code.clone(),
            korean_name: code.to_string(),
            english_name: code.to_string(),
            warning: false,
        });
        Candidate {
            market,
            listed: listed.is_some(),
            active: self.wants(config, code),
            by_hand: self.decided.contains_key(code),
        }
    }
}

impl Activation {
    /// What earlier runs were told, and the markets that they knew.
    pub(crate) fn restore(&self, decided: Vec<(MarketCode, bool)>, known: Vec<Market>) {
        let mut state = self.state.lock();
        state.decided.extend(decided);
        state.listed.extend(known.into_iter().map(|market| (market.code.clone(), market)));
    }

    /// Puts what the exchange lists now in the place of what it listed before.
    pub(super) fn set_listed(&self, markets: Vec<Market>) {
        self.state.lock().listed = markets.into_iter().map(|market| (market.code.clone(), market)).collect();
    }

    /// Follows a market from now on, or follows it no more.
    pub(crate) fn decide(&self, code: MarketCode, active: bool) {
        self.state.lock().decided.insert(code, active);
        self.changed.notify_one();
    }

    /// The listed markets that are to be followed.
    pub(crate) fn wanted(&self, config: &FeedConfig) -> Vec<Market> {
        let state = self.state.lock();
        state.listed.values().filter(|market| state.wants(config, &market.code)).cloned().collect()
    }

    /// The codes that are to be followed. Those that were asked for by name are among them even if the exchange does not
    /// list them: that they deliver nothing is reported.
    pub(crate) fn codes(&self, config: &FeedConfig) -> Vec<MarketCode> {
        self.all(config)
            .into_iter()
            .filter(|candidate| candidate.active)
            .map(|candidate| candidate.market.code)
            .collect()
    }

    /// All markets that could be followed, by code.
    pub fn all(&self, config: &FeedConfig) -> Vec<Candidate> {
        let state = self.state.lock();
        let mut codes: Vec<_> =
            state.listed.keys().chain(state.decided.keys()).chain(&config.markets).collect();
        codes.sort();
        codes.dedup();
        codes.into_iter().map(|code| state.candidate(config, code)).collect()
    }

    /// One of them.
    pub fn candidate(&self, config: &FeedConfig, code: &MarketCode) -> Option<Candidate> {
        let state = self.state.lock();
        let is_known = state.listed.contains_key(code)
            || state.decided.contains_key(code)
            || config.markets.contains(code);
        is_known.then(|| state.candidate(config, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> MarketCode {
        text.parse().unwrap()
    }

    fn market(text: &str) -> Market {
        Market { code: code(text), korean_name: "".into(), english_name: "".into(), warning: false }
    }

    fn config(markets: &[&str]) -> FeedConfig {
        let markets = markets.iter().map(|text| code(text)).collect();
        FeedConfig { markets, ..FeedConfig::new("ws://a", "http://b") }
    }

    fn codes(activation: &Activation, config: &FeedConfig) -> Vec<String> {
        activation.codes(config).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_decision_goes_before_the_configuration_and_lasts_through_new_lists() {
        let (activation, all) = (Activation::default(), config(&[]));
        activation.set_listed(vec![market("KRW-BTC"), market("KRW-ETH"), market("BTC-ETH")]);
        assert_eq!(codes(&activation, &all), ["KRW-BTC", "KRW-ETH"]);
        activation.decide(code("KRW-ETH"), false);
        activation.decide(code("BTC-ETH"), true);
        activation.set_listed(vec![market("KRW-ETH"), market("KRW-XRP"), market("BTC-ETH")]);
        assert_eq!(codes(&activation, &all), ["BTC-ETH", "KRW-XRP"]);
        let eth = activation.candidate(&all, &code("KRW-ETH")).unwrap();
        assert_eq!((eth.listed, eth.active, eth.by_hand), (true, false, true));
        assert_eq!(activation.candidate(&all, &code("KRW-BTC")), None, "delisted, and nobody's wish");
    }

    #[test]
    fn what_is_asked_for_by_name_is_followed_whether_listed_or_not() {
        let (activation, named) = (Activation::default(), config(&["KRW-BTC", "KRW-NEW"]));
        activation.set_listed(vec![market("KRW-BTC"), market("KRW-ETH")]);
        assert_eq!(codes(&activation, &named), ["KRW-BTC", "KRW-NEW"]);
        assert_eq!(activation.wanted(&named), [market("KRW-BTC")]);
        assert!(!activation.candidate(&named, &code("KRW-NEW")).unwrap().listed);
    }
}
