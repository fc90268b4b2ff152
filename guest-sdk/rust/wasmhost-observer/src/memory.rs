//! Owned memory: what the host puts into this module belongs to us, and is freed like anything else.

#[cfg(target_arch = "wasm32")]
use std::alloc::{self, Layout};
use std::mem::MaybeUninit;

use crate::raw::RawOption;

/// The canonical ABI's allocator: what the host calls to hand us a list or a string.
///
/// It may call no import, so where memory is at its limit it traps without words.
///
/// # Safety
///
/// `old` is null, or a block of `old_size` bytes that this function returned for the same `align`, a power
/// of two.
#[cfg(target_arch = "wasm32")]
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    size: usize,
) -> *mut u8 {
    if size == 0 {
        return std::ptr::without_provenance_mut(align);
    }
    // SAFETY: the host promises that `align` is a power of two, and blocks beyond half of the address space
    // can't exist, so both are valid layouts; `old` is as said above.
    let block = unsafe {
        if old_size == 0 {
            alloc::alloc(Layout::from_size_align_unchecked(size, align))
        } else {
            let layout = Layout::from_size_align_unchecked(old_size, align);
            alloc::realloc(old, layout, size)
        }
    };
    if block.is_null() {
        std::arch::wasm32::unreachable();
    }
    block
}

/// Take over a list that the host made by `cabi_realloc`.
///
/// # Safety
///
/// `data` and `size` are a `list<u8>` or a string that the host handed over, once.
pub unsafe fn take_list(data: *mut u8, size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    // SAFETY: the block was allocated for exactly `size` bytes at an alignment of 1, and is initialised.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Call an import that returns an option by a return area, and take over what it holds.
///
/// # Safety
///
/// `import` writes the whole area.
pub unsafe fn take_option(import: impl FnOnce(*mut RawOption)) -> Option<Vec<u8>> {
    let mut area = MaybeUninit::<RawOption>::zeroed();
    import(area.as_mut_ptr());
    // SAFETY: all zeros is a value of the area as well, and the import has written it.
    let option = unsafe { area.assume_init() };
    // SAFETY: the host made the list for us, just now.
    (option.is_some != 0).then(|| unsafe { take_list(option.data, option.size) })
}
