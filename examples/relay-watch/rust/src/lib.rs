//! relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold. See
//! ../README.md for its configuration and its report, which is the same, byte for byte, in every language.

use std::collections::BTreeMap;

use wasmhost_observer::{Context, Observer, PeerEvent, Writer, config, observer, report};

/// Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten.
const MOST_REALMS: usize = 64;

#[derive(Default)]
struct Realm {
    total: u64,
    relayed: u64,
    /// The share is at or over the threshold, as reported last.
    above: bool,
    /// When it last had a connection, on the observer's own clock of connections.
    last: u64,
}

impl Realm {
    /// Count a connection; whether the share has crossed the threshold by it.
    fn count(&mut self, relayed: bool, threshold: u64, min_connections: u64) -> bool {
        self.total += 1;
        self.relayed += u64::from(relayed);
        let above = self.relayed * 1000 >= threshold * self.total;
        let crossed = self.total >= min_connections && above != self.above;
        if crossed {
            self.above = above;
        }
        crossed
    }

    fn report(&self, id: u32) {
        let mut body = Writer::new();
        body.map(5);
        body.text("realm").uint(id.into());
        body.text("total").uint(self.total);
        body.text("crossed")
            .text(if self.above { "above" } else { "below" });
        body.text("relayed").uint(self.relayed);
        body.text("share-permille")
            .uint(self.relayed * 1000 / self.total);
        report::send("relay-share", &body);
    }
}

struct RelayWatch {
    /// The threshold in thousandths.
    threshold: u64,
    min_connections: u64,
    /// Connections counted so far.
    clock: u64,
    realms: BTreeMap<u32, Realm>,
}

impl RelayWatch {
    fn realm(&mut self, id: u32) -> &mut Realm {
        if self.realms.len() == MOST_REALMS && !self.realms.contains_key(&id) {
            let quietest = self.realms.iter().min_by_key(|(_, realm)| realm.last);
            if let Some((&quietest, _)) = quietest {
                self.realms.remove(&quietest);
            }
        }
        self.realms.entry(id).or_default()
    }
}

#[observer]
impl Observer for RelayWatch {
    fn new() -> Self {
        let share = config::get("threshold").unwrap_or_else(|| "0.3".into());
        let Some(threshold) = permille(&share) else {
            config::refuse(
                "threshold",
                &share,
                "a share from 0 to 1 with at most three decimals is wanted",
            )
        };
        let min_connections = config::number("min-connections", 10);
        Self {
            threshold,
            min_connections,
            clock: 0,
            realms: BTreeMap::new(),
        }
    }

    fn on_webrtc_connected(&mut self, ctx: &Context, event: &PeerEvent) {
        // A node that does not say whether a connection is relayed is no evidence either way.
        let Some(relayed) = event.relayed() else {
            return;
        };
        self.clock += 1;
        let (clock, threshold, min_connections) =
            (self.clock, self.threshold, self.min_connections);
        let id = ctx.self_id().realm().realm_id();
        let realm = self.realm(id);
        realm.last = clock;
        if realm.count(relayed, threshold, min_connections) {
            realm.report(id);
        }
    }
}

/// A share from 0 to 1, written with at most three decimals, in thousandths.
fn permille(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_short = whole.len() == 1 && (1..=3).contains(&decimals.len());
    if !is_short || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = decimals.bytes().chain(*b"00").take(3);
    let thousandths = padded.fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    let value = whole.parse::<u8>().ok().map(u64::from)? * 1000 + thousandths;
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_in_thousandths() {
        for (text, expected) in [
            ("0", 0),
            ("0.3", 300),
            ("0.05", 50),
            ("0.125", 125),
            ("1", 1000),
            ("1.000", 1000),
        ] {
            assert_eq!(permille(text), Some(expected), "{text}");
        }
        for text in [
            "", ".", "0.", ".3", "1.001", "2", "-0", "+1", "0.1234", "0.3 ", "0,3", "x", "é",
        ] {
            assert_eq!(permille(text), None, "{text}");
        }
    }

    #[test]
    fn a_crossing_is_told_once_and_not_before_there_are_enough_connections() {
        let mut realm = Realm::default();
        assert!(!realm.count(true, 500, 2));
        assert!(realm.count(true, 500, 2));
        assert!(realm.above);
        assert!(!realm.count(false, 500, 2));
        assert!(!realm.count(false, 500, 2)); // 2 of 4 is at the threshold, which counts as above
        assert!(realm.count(false, 500, 2));
        assert!(!realm.above);
    }
}
