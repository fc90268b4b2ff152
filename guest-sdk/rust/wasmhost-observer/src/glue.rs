//! What the exports made by `#[observer]` call. Not for observers.

use std::cell::{Cell, RefCell};

use crate::Observer;
use crate::events::Frame;
use crate::memory::take_list;
use crate::raw::{self, RawResult};

pub use crate::events::Frame as HookFrame;

/// For statics of a module that has one thread.
struct OneThread<T>(T);

// SAFETY: the host runs a guest on one thread at a time, and Wasm without the threads proposal can't make
// another. On other targets they are only ever read: no exports are there to call what writes.
unsafe impl<T> Sync for OneThread<T> {}

/// The observer itself: one in a module, made when its first hook is called.
pub struct Instance<O>(OneThread<RefCell<Option<O>>>);

impl<O: Observer> Instance<O> {
    /// No observer yet.
    #[allow(clippy::new_without_default)] // it is only ever a static
    pub const fn new() -> Self {
        Self(OneThread(RefCell::new(None)))
    }

    /// Serve one hook, named as in the contract: open the event, call the hook's method, free the event.
    ///
    /// # Safety
    ///
    /// `data` and `size` are the list that the host handed to the export, once.
    pub unsafe fn serve<R>(
        &self,
        data: *mut u8,
        size: usize,
        hook: &'static str,
        call: impl FnOnce(&mut O, &Frame<'_>) -> R,
    ) -> R {
        let mut observer = self.0.0.borrow_mut();
        if observer.is_none() {
            // First of all, so that a panic here or in `new` has words.
            report_panics();
        }
        HOOK.0.set(hook);
        // SAFETY: passed on from the caller.
        let event = unsafe { take_list(data, size) };
        let Ok(frame) = Frame::open(&event) else {
            crate::events::broken("the frame")
        };
        SOURCE
            .0
            .set(frame.source.map(|source| source as *const str));
        let result = call(observer.get_or_insert_with(O::new), &frame);
        SOURCE.0.set(None);
        result
    }
}

/// The hook that is being served, for the words of a panic.
static HOOK: OneThread<Cell<&str>> = OneThread(Cell::new("outside of a hook"));

pub(crate) fn current_hook() -> &'static str {
    HOOK.0.get()
}

/// The `src` of the event that is being served; it points into the event's own bytes.
static SOURCE: OneThread<Cell<Option<*const str>>> = OneThread(Cell::new(None));

pub(crate) fn current_source() -> Option<String> {
    // SAFETY: set only while `serve` keeps the event it points into.
    SOURCE.0.get().map(|source| unsafe { (*source).to_owned() })
}

/// From now on a panic tells the host its message and place before it traps.
fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("a panic without words");
        let words = match info.location() {
            Some(place) => format!(
                "{message} ({}:{}:{})",
                place.file(),
                place.line(),
                place.column()
            ),
            None => message.to_owned(),
        };
        // SAFETY: the words are valid for the call.
        unsafe { raw::panic_report(words.as_ptr(), words.len()) }
    }));
}

/// What the lifecycle hook that was called last returned; it stays here until the host has read it.
static RETURNED: OneThread<Cell<RawResult>> = OneThread(Cell::new(OK));

const OK: RawResult = RawResult {
    is_error: 0,
    data: std::ptr::null(),
    size: 0,
};

/// Lower a hook's result to `result<_, string>`.
pub fn lower(result: Result<(), String>) -> *const RawResult {
    RETURNED.0.set(match result {
        Ok(()) => OK,
        Err(message) => {
            let message = Box::leak(message.into_boxed_str());
            RawResult {
                is_error: 1,
                data: message.as_ptr(),
                size: message.len(),
            }
        }
    });
    RETURNED.0.as_ptr()
}

/// Free what [`lower`] has kept for the host to read.
///
/// # Safety
///
/// The host is done with it.
pub unsafe fn free_lowered() {
    let returned = RETURNED.0.replace(OK);
    if returned.is_error != 0 {
        let message = std::ptr::slice_from_raw_parts_mut(returned.data.cast_mut(), returned.size);
        // SAFETY: `lower` made it from a box of just this size, and it was put back to OK.
        drop(unsafe { Box::from_raw(message) });
    }
}
