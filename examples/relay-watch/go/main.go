// Relay-watch reports when the share of relayed WebRTC connections in a realm crosses a threshold. See
// ../README.md for its configuration and its report, which is the same, byte for byte, in every language.
package main

import (
	"sync"

	"wasmhost/observer"
	"wasmhost/observer/cbor"
	"wasmhost/observer/config"
	"wasmhost/observer/hooks/onwebrtcconnected"
	"wasmhost/observer/report"
)

// Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten.
const mostRealms = 64

type realm struct {
	id      uint32
	total   uint64
	relayed uint64
	// above: the share is at or over the threshold, as reported last.
	above bool
	// last is when it last had a connection, on the observer's own clock of connections.
	last uint64
}

type relayWatch struct {
	// threshold is in thousandths.
	threshold      uint64
	minConnections uint64
	// clock counts connections.
	clock  uint64
	realms []realm
}

// watch is made with the first event, so that a config it can't use is a panic there.
var watch = sync.OnceValue(newRelayWatch)

func init() {
	onwebrtcconnected.Handle(func(ctx observer.Context, event observer.PeerEvent) {
		watch().connected(ctx, event)
	})
}

func main() {}

func newRelayWatch() *relayWatch {
	share, found := config.Get("threshold")
	if !found {
		share = "0.3"
	}
	threshold, ok := permille(share)
	if !ok {
		config.Refuse("threshold", share, "a share from 0 to 1 with at most three decimals is wanted")
	}
	return &relayWatch{
		threshold:      threshold,
		minConnections: config.Number("min-connections", 10),
		realms:         make([]realm, 0, mostRealms),
	}
}

func (w *relayWatch) connected(ctx observer.Context, event observer.PeerEvent) {
	// A node that does not say whether a connection is relayed is no evidence either way.
	relayed, known := event.Relayed()
	if !known {
		return
	}
	realm := w.find(ctx.SelfID().Realm().RealmID())
	w.clock++
	realm.last = w.clock
	realm.total++
	if relayed {
		realm.relayed++
	}
	if realm.total < w.minConnections {
		return
	}
	above := realm.relayed*1000 >= w.threshold*realm.total
	if above == realm.above {
		return
	}
	realm.above = above
	realm.report()
}

// find is the realm of a number: known, new, or in the place of the one that was quiet for longest.
func (w *relayWatch) find(id uint32) *realm {
	for place := range w.realms {
		if w.realms[place].id == id {
			return &w.realms[place]
		}
	}
	if len(w.realms) < mostRealms {
		w.realms = append(w.realms, realm{id: id})
		return &w.realms[len(w.realms)-1]
	}
	quietest := &w.realms[0]
	for place := range w.realms {
		if w.realms[place].last < quietest.last {
			quietest = &w.realms[place]
		}
	}
	*quietest = realm{id: id}
	return quietest
}

func (r *realm) report() {
	crossed := "below"
	if r.above {
		crossed = "above"
	}
	var body cbor.Writer
	body.Map(5)
	body.Text("realm").Uint(uint64(r.id))
	body.Text("total").Uint(r.total)
	body.Text("crossed").Text(crossed)
	body.Text("relayed").Uint(r.relayed)
	body.Text("share-permille").Uint(r.relayed * 1000 / r.total)
	report.Send("relay-share", &body)
}

// permille reads a share from 0 to 1, written with at most three decimals, in thousandths.
func permille(text string) (value uint64, ok bool) {
	if text == "" || text[0] != '0' && text[0] != '1' {
		return 0, false
	}
	value = uint64(text[0] - '0')
	decimals := ""
	if len(text) > 1 {
		if text[1] != '.' || len(text) < 3 || len(text) > 5 {
			return 0, false
		}
		decimals = text[2:]
	}
	for place := range 3 {
		digit := byte('0')
		if place < len(decimals) {
			digit = decimals[place]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		value = value*10 + uint64(digit-'0')
	}
	return value, value <= 1000
}
