//! The capabilities of `wit/capabilities.wit` as ordinary functions.

use crate::memory::take_option;
use crate::raw;

/// A string the host made; it is UTF-8 by the canonical ABI.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the host hands over UTF-8")
}

/// Lines for the operator's log.
pub mod log {
    use super::raw;

    /// How much a line matters.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Level {
        /// Finer than debug.
        Trace,
        /// For who looks for a fault.
        Debug,
        /// Worth knowing.
        Info,
        /// Worth a look.
        Warn,
        /// Something failed.
        Error,
    }

    /// Write one line.
    pub fn write(level: Level, message: &str) {
        // SAFETY: the message is valid for the call.
        unsafe { raw::log_write(level as u32, message.as_ptr(), message.len()) }
    }
}

/// What an observer may know of the delivery it is in.
pub mod delivery {
    use super::raw;

    /// The event's own time, in Unix nanoseconds. It does not move while a hook runs, and is the same in a
    /// replay.
    pub fn now() -> u64 {
        // SAFETY: takes and returns plain numbers, as do the others here.
        unsafe { raw::delivery_now() }
    }

    /// The event's sequence number, contiguous per source.
    pub fn sequence() -> u64 {
        // SAFETY: see `now`.
        unsafe { raw::delivery_sequence() }
    }

    /// How many events were lost for this observer since its previous delivery.
    pub fn lost() -> u64 {
        // SAFETY: see `now`.
        unsafe { raw::delivery_lost() }
    }

    /// The next number of a stream that a replay repeats. No secret.
    pub fn random() -> u64 {
        // SAFETY: see `now`.
        unsafe { raw::delivery_random() }
    }

    /// The emitter instance the event comes from, where it says.
    pub fn source() -> Option<String> {
        crate::glue::current_source()
    }
}

/// The operator's words for this observer.
pub mod config {
    use super::{raw, take_option, text};

    /// The value of a key.
    pub fn get(key: &str) -> Option<String> {
        // SAFETY: the key is valid for the call, and the import writes the whole area.
        unsafe { take_option(|area| raw::config_get(key.as_ptr(), key.len(), area)) }.map(text)
    }

    /// The value of a key as a whole number in decimal, `otherwise` where there is none. Anything else than
    /// such a number is a panic that names the key.
    pub fn number(key: &str, otherwise: u64) -> u64 {
        let Some(value) = get(key) else {
            return otherwise;
        };
        // `parse` would take a sign as well.
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(number) if digits => number,
            _ => refuse(key, &value, "a whole number is wanted"),
        }
    }

    /// Panic for a value that can't be used, in words the operator can act on.
    #[track_caller]
    pub fn refuse(key: &str, value: &str, wanted: &str) -> ! {
        panic!("config {key}: {wanted}, not \"{value}\"")
    }
}

/// One blob that outlives the sandbox; importing it needs the operator's grant.
pub mod state {
    use super::{raw, take_option};

    /// The blob as last saved.
    pub fn load() -> Option<Vec<u8>> {
        // SAFETY: the import writes the whole area.
        unsafe { take_option(|area| raw::state_load(area)) }
    }

    /// Replace the blob. It counts once the hook has returned.
    pub fn save(blob: &[u8]) {
        // SAFETY: the blob is valid for the call.
        unsafe { raw::state_save(blob.as_ptr(), blob.len()) }
    }
}

/// Numbers for the operator's dashboards.
pub mod metrics {
    use super::raw;

    /// Add to a counter.
    pub fn counter_add(name: &str, by: u64) {
        // SAFETY: the name is valid for the call.
        unsafe { raw::metrics_counter_add(name.as_ptr(), name.len(), by) }
    }

    /// Set a gauge.
    pub fn gauge_set(name: &str, value: f64) {
        // SAFETY: the name is valid for the call.
        unsafe { raw::metrics_gauge_set(name.as_ptr(), name.len(), value) }
    }
}

/// Findings: what an observer is for.
pub mod report {
    use super::raw;
    use crate::cbor::Writer;

    /// Send a finding; the body is one CBOR item.
    pub fn send(topic: &str, body: &Writer) {
        let body = body.as_bytes();
        // SAFETY: topic and body are valid for the call.
        unsafe { raw::report_send(topic.as_ptr(), topic.len(), body.as_ptr(), body.len()) }
    }
}
