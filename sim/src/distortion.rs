//! Frames made ugly on purpose, in the ways in which the exchange's have been or may be.

use serde::{Deserialize, Serialize};

use crate::decimal::Turnover;
use crate::spelling::java_double;

/// Keys that the exchange announced to remove.
const DEPRECATED: [&str; 6] = ["is_trading_suspended", "its", "delisting_date", "dd", "market_warning", "mw"];

/// What is done to every data frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distortion {
    /// A key more, which nobody has heard of, with an object in it.
    pub unknown_keys: bool,
    /// The deprecated keys are gone.
    pub missing_keys: bool,
    /// Each frame is an array of one object, whatever the format.
    pub arrays: bool,
    /// Numbers with a fraction are spelled as Java doubles, large and small ones with an exponent.
    pub exponents: bool,
    /// After each frame comes the one before it of the same type and market once more.
    pub late_duplicates: bool,
}

impl Distortion {
    pub(crate) fn apply(self, mut json: String) -> String {
        if self.missing_keys {
            DEPRECATED.iter().for_each(|key| json = without(&json, key));
        }
        if self.exponents {
            json = with_exponents(&json);
        }
        if self.unknown_keys {
            json = json.replacen(r#""type":"#, r#""new_in_2027":{"a":[1,null]},"type":"#, 1);
            json = json.replacen(r#""ty":"#, r#""n27":{"a":[1,null]},"ty":"#, 1);
        }
        if self.arrays && !json.starts_with('[') {
            json = format!("[{json}]");
        }
        json
    }
}

/// `json` without the member `key`, whose value has neither commas nor braces and which is not the first one.
fn without(json: &str, key: &str) -> String {
    let member = format!(",\"{key}\":");
    match json.split_once(&member) {
        None => json.to_owned(),
        Some((before, rest)) => {
            let value = rest.find([',', '}']).unwrap_or(rest.len());
            format!("{before}{}", rest.split_at(value).1)
        }
    }
}

/// Every number with a fraction as a Java double. Strings in frames hold no such number.
fn with_exponents(json: &str) -> String {
    let is_part = |at: char| at.is_ascii_digit() || at == '.' || at == '-';
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(begin) = rest.find(':') {
        let (before, value) = rest.split_at(begin + 1);
        out.push_str(before);
        let length = value.find(|at| !is_part(at)).unwrap_or(value.len());
        let (number, after) = value.split_at(length);
        let double = number.contains('.').then(|| number.parse::<Turnover>().ok()).flatten();
        out.push_str(&double.map_or_else(|| number.to_owned(), java_double));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = concat!(
        r#"{"type":"ticker","code":"KRW-BTC","trade_price":150001000.00000000,"trade_volume":0.00061000,"#,
        r#""trade_time":"22:02:03","delisting_date":null,"market_warning":"NONE","timestamp":1769810523045}"#
    );

    #[test]
    fn each_distortion_does_its_own() {
        let none = Distortion::default();
        assert_eq!(none.apply(FRAME.to_owned()), FRAME);
        let cases = [
            (
                Distortion { missing_keys: true, ..none },
                FRAME.replace(r#","delisting_date":null,"market_warning":"NONE""#, ""),
            ),
            (
                Distortion { exponents: true, ..none },
                FRAME.replace("150001000.00000000", "1.50001E8").replace("0.00061000", "6.1E-4"),
            ),
            (
                Distortion { unknown_keys: true, arrays: true, ..none },
                format!("[{}]", FRAME.replace(r#"{"type""#, r#"{"new_in_2027":{"a":[1,null]},"type""#)),
            ),
        ];
        for (distortion, expected) in cases {
            let frame = distortion.apply(FRAME.to_owned());
            assert_eq!(frame, expected);
            assert!(serde_json::from_str::<serde_json::Value>(&frame).is_ok(), "{frame}");
        }
    }
}
