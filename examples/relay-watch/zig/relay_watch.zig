//! relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold. See
//! ../README.md for its configuration and its report, which is the same, byte for byte, in every language.

const wasmhost = @import("wasmhost");

const Context = wasmhost.Context;
const PeerEvent = wasmhost.PeerEvent;

pub const panic = wasmhost.panic;

comptime {
    wasmhost.exportObserver(RelayWatch);
}

/// Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten.
const most_realms = 64;

const wanted = "a share from 0 to 1 with at most three decimals is wanted";

const Realm = struct {
    id: u32,
    total: u64 = 0,
    relayed: u64 = 0,
    /// The share is at or over the threshold, as reported last.
    above: bool = false,
    /// When it last had a connection, on the observer's own clock of connections.
    last: u64 = 0,
};

const RelayWatch = struct {
    /// The threshold in thousandths.
    threshold: u64 = 0,
    min_connections: u64 = 0,
    /// Connections counted so far.
    clock: u64 = 0,
    realms: [most_realms]Realm = undefined,
    known: usize = 0,

    pub fn init(self: *RelayWatch) void {
        const share = wasmhost.config.get("threshold") orelse "0.3";
        self.threshold = permille(share) orelse wasmhost.config.refuse("threshold", share, wanted);
        self.min_connections = wasmhost.config.getInt(u64, "min-connections", 10);
    }

    pub fn onWebrtcConnected(self: *RelayWatch, ctx: *const Context, event: *const PeerEvent) void {
        // A node that does not say whether a connection is relayed is no evidence either way.
        const relayed = event.relayed orelse return;
        const realm = self.find(ctx.self_id.realm.realm_id);
        self.clock += 1;
        realm.last = self.clock;
        realm.total += 1;
        realm.relayed += @intFromBool(relayed);
        if (realm.total < self.min_connections) return;
        const above = realm.relayed * 1000 >= self.threshold * realm.total;
        if (above == realm.above) return;
        realm.above = above;
        report(realm);
    }

    fn find(self: *RelayWatch, id: u32) *Realm {
        for (self.realms[0..self.known]) |*realm| {
            if (realm.id == id) return realm;
        }
        const realm = self.vacancy();
        realm.* = .{ .id = id };
        return realm;
    }

    fn vacancy(self: *RelayWatch) *Realm {
        if (self.known < most_realms) {
            self.known += 1;
            return &self.realms[self.known - 1];
        }
        var quietest = &self.realms[0];
        for (self.realms[1..]) |*realm| {
            if (realm.last < quietest.last) quietest = realm;
        }
        return quietest;
    }
};

fn report(realm: *const Realm) void {
    var body = wasmhost.report.body();
    body.map(5);
    body.text("realm");
    body.uint(realm.id);
    body.text("total");
    body.uint(realm.total);
    body.text("crossed");
    body.text(if (realm.above) "above" else "below");
    body.text("relayed");
    body.uint(realm.relayed);
    body.text("share-permille");
    body.uint(realm.relayed * 1000 / realm.total);
    wasmhost.report.send("relay-share", body);
}

/// A share from 0 to 1, written with at most three decimals, in thousandths.
fn permille(text: []const u8) ?u64 {
    if (text.len == 0 or (text[0] != '0' and text[0] != '1')) return null;
    var value: u64 = text[0] - '0';
    var decimals: usize = 0;
    if (text.len > 1) {
        if (text[1] != '.' or text.len < 3 or text.len > 5) return null;
        for (text[2..]) |character| {
            if (character < '0' or character > '9') return null;
            value = value * 10 + (character - '0');
            decimals += 1;
        }
    }
    while (decimals < 3) : (decimals += 1) value *= 10;
    return if (value <= 1000) value else null;
}
