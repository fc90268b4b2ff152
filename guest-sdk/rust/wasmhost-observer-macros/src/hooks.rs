//! The table of hooks, as `wit/hooks.wit` declares them.

/// Whether a hook is sure to have a context.
pub enum Context {
    /// It always has one.
    Always,
    /// It can come before the node has an identity.
    Early,
}

/// One hook.
pub struct Hook {
    /// The method of the trait `Observer` that serves it.
    pub method: &'static str,
    /// The WIT interface it belongs to.
    pub interface: &'static str,
    pub context: Context,
    pub has_payload: bool,
    /// It returns `result<_, string>`.
    pub fallible: bool,
}

impl Hook {
    /// Its name in the contract.
    pub fn name(&self) -> String {
        self.method.replace('_', "-")
    }

    /// The name of its core export.
    pub fn export_name(&self) -> String {
        format!("wasmhost:observer/{}@0.1.0#{}", self.interface, self.name())
    }
}

const fn lifecycle(method: &'static str, has_payload: bool) -> Hook {
    Hook {
        method,
        interface: "lifecycle",
        context: Context::Always,
        has_payload,
        fallible: true,
    }
}

const fn early(method: &'static str, has_payload: bool) -> Hook {
    Hook {
        method,
        interface: "signaling",
        context: Context::Early,
        has_payload,
        fallible: false,
    }
}

const fn hook(interface: &'static str, method: &'static str, has_payload: bool) -> Hook {
    Hook {
        method,
        interface,
        context: Context::Always,
        has_payload,
        fallible: false,
    }
}

/// All sixteen.
pub const HOOKS: [Hook; 16] = [
    lifecycle("on_start", false),
    lifecycle("on_ready", false),
    lifecycle("on_stop", false),
    lifecycle("on_error", true),
    early("on_signaling_connecting", true),
    early("on_signaling_connected", false),
    hook("signaling", "on_signaling_disconnected", false),
    hook("websocket", "on_websocket_connecting", true),
    hook("websocket", "on_websocket_connected", true),
    hook("websocket", "on_websocket_disconnected", true),
    hook("webrtc", "on_webrtc_connecting", true),
    hook("webrtc", "on_webrtc_connected", true),
    hook("webrtc", "on_webrtc_disconnected", true),
    hook("credential", "on_credential_renewed", true),
    hook("credential", "on_credential_expiring", true),
    hook("mailbox", "on_mailbox_backpressure", true),
];
