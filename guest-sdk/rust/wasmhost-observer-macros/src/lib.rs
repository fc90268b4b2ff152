//! The `#[observer]` attribute. It is documented, and to be used, where `wasmhost-observer` re-exports it.

mod hooks;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::{Error, ImplItem, ItemImpl, Type, parse_macro_input};

use hooks::{Context, HOOKS, Hook};

/// See `wasmhost_observer::observer`.
#[proc_macro_attribute]
pub fn observer(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = Tokens::from(arguments);
    let item = parse_macro_input!(item as ItemImpl);
    let exports = if arguments.is_empty() {
        exports(&item)
    } else {
        Err(Error::new_spanned(
            arguments,
            "#[observer] takes no arguments",
        ))
    };
    let exports = exports.unwrap_or_else(Error::into_compile_error);
    quote!(#item #exports).into()
}

/// The exports that an `impl` asks for by the methods it has.
fn exports(item: &ItemImpl) -> Result<Tokens, Error> {
    let is_observer = item.trait_.as_ref().is_some_and(|(_, path, _)| {
        path.segments
            .last()
            .is_some_and(|segment| segment.ident == "Observer")
    });
    if !is_observer {
        return Err(Error::new_spanned(
            &item.self_ty,
            "#[observer] belongs on an `impl Observer for …`",
        ));
    }
    let hooks: Vec<&Hook> = item.items.iter().filter_map(hook_of).collect();
    if hooks.is_empty() {
        return Err(Error::new_spanned(
            &item.self_ty,
            "an observer needs at least one hook, such as on_start",
        ));
    }
    let observer = &item.self_ty;
    let exports = hooks.into_iter().map(|hook| export(hook, observer));
    Ok(quote! {
        #[allow(dead_code, unsafe_code)] // on other targets nobody calls them; the unsafe is ours
        const _: () = {
            static INSTANCE: ::wasmhost_observer::glue::Instance<#observer> =
                ::wasmhost_observer::glue::Instance::new();
            #(#exports)*
        };
    })
}

fn hook_of(item: &ImplItem) -> Option<&'static Hook> {
    match item {
        ImplItem::Fn(method) => HOOKS.iter().find(|hook| method.sig.ident == hook.method),
        _ => None,
    }
}

/// The export of one hook. On other targets, where an observer's own tests run, it is there but not by that
/// name, because a linker may not like it.
///
/// For a lifecycle hook the one that frees its result comes with it.
fn export(hook: &Hook, observer: &Type) -> Tokens {
    let name = hook.name();
    let export_name = hook.export_name();
    let method = format_ident!("{}", hook.method);
    let context = match hook.context {
        Context::Always => quote!(&frame.context()),
        Context::Early => quote!(frame.early_context()),
    };
    let payload = hook.has_payload.then(|| quote!(, &frame.payload()));
    // SAFETY of both: the host calls an export with a list that it made for this call, and the post-return
    // once it has read the result.
    let serve = quote! {
        unsafe {
            INSTANCE.serve(data, size, #name, |observer, frame| {
                <#observer as ::wasmhost_observer::Observer>::#method(observer, #context #payload)
            })
        }
    };
    if !hook.fallible {
        return quote! {
            #[cfg_attr(target_arch = "wasm32", unsafe(export_name = #export_name))]
            unsafe extern "C" fn #method(data: *mut u8, size: usize) {
                #serve
            }
        };
    }
    let post_name = format!("cabi_post_{export_name}");
    let post = format_ident!("{}_post", hook.method);
    quote! {
        #[cfg_attr(target_arch = "wasm32", unsafe(export_name = #export_name))]
        unsafe extern "C" fn #method(data: *mut u8, size: usize) -> *const ::core::ffi::c_void {
            ::wasmhost_observer::glue::lower(#serve).cast()
        }

        #[cfg_attr(target_arch = "wasm32", unsafe(export_name = #post_name))]
        unsafe extern "C" fn #post(_: *const ::core::ffi::c_void) {
            unsafe { ::wasmhost_observer::glue::free_lowered() }
        }
    }
}
