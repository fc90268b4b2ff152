//! The raw ABI: `wit/capabilities.wit` as the canonical ABI lowers it to core Wasm.
//!
//! Strings and lists are a pointer and a size; a result that does not fit a core value is written to a
//! return area. What is not called is not imported.

/// `option<string>` and `option<list<u8>>`, as an import leaves them in a return area.
#[repr(C)]
pub struct RawOption {
    pub is_some: u8,
    pub data: *mut u8,
    pub size: usize,
}

/// `result<_, string>`, as a lifecycle hook returns it.
#[repr(C)]
pub struct RawResult {
    pub is_error: u8,
    pub data: *const u8,
    pub size: usize,
}

/// Declares imports on Wasm. Elsewhere, where `cargo test` runs an observer's own tests, there is no host:
/// the functions exist and say so.
macro_rules! imports {
    ($(
        $module:literal {
            $($function:literal as $name:ident($($param:ident: $type:ty),*) $(-> $result:ty)?;)*
        }
    )*) => {
        $(
            #[cfg(target_arch = "wasm32")]
            #[link(wasm_import_module = $module)]
            unsafe extern "C" {
                $(
                    #[link_name = $function]
                    pub fn $name($($param: $type),*) $(-> $result)?;
                )*
            }

            $(
                #[cfg(not(target_arch = "wasm32"))]
                pub unsafe fn $name($(_: $type),*) $(-> $result)? {
                    panic!(concat!($module, "#", $function, " is there inside wasmhost only"))
                }
            )*
        )*
    };
}

imports! {
    "wasmhost:observer/log@0.1.0" {
        "write" as log_write(level: u32, message: *const u8, size: usize);
    }
    "wasmhost:observer/panic@0.1.0" {
        "report" as panic_report(message: *const u8, size: usize);
    }
    "wasmhost:observer/delivery@0.1.0" {
        "now" as delivery_now() -> u64;
        "sequence" as delivery_sequence() -> u64;
        "lost" as delivery_lost() -> u64;
        "random" as delivery_random() -> u64;
    }
    "wasmhost:observer/config@0.1.0" {
        "get" as config_get(key: *const u8, size: usize, value: *mut RawOption);
    }
    "wasmhost:observer/state@0.1.0" {
        "load" as state_load(blob: *mut RawOption);
        "save" as state_save(blob: *const u8, size: usize);
    }
    "wasmhost:observer/metrics@0.1.0" {
        "counter-add" as metrics_counter_add(name: *const u8, size: usize, by: u64);
        "gauge-set" as metrics_gauge_set(name: *const u8, size: usize, value: f64);
    }
    "wasmhost:observer/report@0.1.0" {
        "send" as report_send(topic: *const u8, topic_size: usize, body: *const u8, body_size: usize);
    }
}
