// {{name}} tells of each WebRTC connection to a peer, and counts those that go through a relay.
package main

import (
	"wasmhost/observer"
	"wasmhost/observer/cbor"
	"wasmhost/observer/hooks/onwebrtcconnected"
	"wasmhost/observer/log"
	"wasmhost/observer/metrics"
	"wasmhost/observer/report"
)

func init() {
	onwebrtcconnected.Handle(connected)
}

func main() {} // is never called, but a program must have one

func connected(ctx observer.Context, event observer.PeerEvent) {
	peer := event.Peer()
	log.Info("connected to " + peer.Type().Name())

	// A node need not say whether a connection is relayed.
	relayed, _ := event.Relayed()
	if relayed {
		metrics.CounterAdd("relayed", 1)
	}

	var body cbor.Writer
	body.Map(2)
	body.Text("peer").Uint(peer.SerialNumber())
	body.Text("relayed").Bool(relayed)
	report.Send("connected", &body)
}
