// The probe of ../README.md in Go.
package main

import (
	"errors"
	"math"

	"wasmhost/observer"
	"wasmhost/observer/cbor"
	"wasmhost/observer/config"
	"wasmhost/observer/delivery"
	"wasmhost/observer/hooks/oncredentialexpiring"
	"wasmhost/observer/hooks/oncredentialrenewed"
	"wasmhost/observer/hooks/onerror"
	"wasmhost/observer/hooks/onmailboxbackpressure"
	"wasmhost/observer/hooks/onready"
	"wasmhost/observer/hooks/onsignalingconnected"
	"wasmhost/observer/hooks/onsignalingconnecting"
	"wasmhost/observer/hooks/onsignalingdisconnected"
	"wasmhost/observer/hooks/onstart"
	"wasmhost/observer/hooks/onstop"
	"wasmhost/observer/hooks/onwebrtcconnected"
	"wasmhost/observer/hooks/onwebrtcconnecting"
	"wasmhost/observer/hooks/onwebrtcdisconnected"
	"wasmhost/observer/hooks/onwebsocketconnected"
	"wasmhost/observer/hooks/onwebsocketconnecting"
	"wasmhost/observer/hooks/onwebsocketdisconnected"
	"wasmhost/observer/log"
	"wasmhost/observer/metrics"
	"wasmhost/observer/report"
	"wasmhost/observer/state"
)

func init() {
	onstart.Handle(onStart)
	onready.Handle(onReady)
	onstop.Handle(onStop)
	onerror.Handle(onError)
	onsignalingconnecting.Handle(onSignalingConnecting)
	onsignalingconnected.Handle(onSignalingConnected)
	onsignalingdisconnected.Handle(onSignalingDisconnected)
	onwebsocketconnecting.Handle(onPeer)
	onwebsocketconnected.Handle(onPeer)
	onwebsocketdisconnected.Handle(onPeer)
	onwebrtcconnecting.Handle(onPeer)
	onwebrtcconnected.Handle(onPeer)
	onwebrtcdisconnected.Handle(onPeer)
	oncredentialrenewed.Handle(onCredential)
	oncredentialexpiring.Handle(onCredential)
	onmailboxbackpressure.Handle(onMailboxBackpressure)
}

func main() {}

func onStart(ctx observer.Context) error {
	if words, found := config.Get("panic"); found {
		panic(words)
	}
	seen(&ctx, nothing)
	return nil
}

func onReady(observer.Context) error {
	useCapabilities()
	return nil
}

func onStop(ctx observer.Context) error {
	seen(&ctx, nothing)
	if words, found := config.Get("error"); found {
		return errors.New(words)
	}
	return nil
}

func onError(ctx observer.Context, event observer.ErrorEvent) error {
	seen(&ctx, func() {
		stream, hasStream := event.Stream()
		body.Map(4 + one(hasStream))
		body.Text("at").Uint(event.At())
		body.Text("source").Map(2)
		body.Text("kind").Text(event.Source().Kind())
		body.Text("message").Text(event.Source().Message())
		if hasStream {
			body.Text("stream").Map(3)
			body.Text("reason").Text(stream.Reason())
			body.Text("stream-id").Text(stream.StreamID())
			body.Text("session-id").Uint(stream.SessionID())
		}
		body.Text("context").Text(event.Context())
		body.Text("category").Text(event.Category().String())
	})
	return nil
}

func onSignalingConnecting(ctx *observer.Context, event observer.SignalingEvent) {
	seen(ctx, func() {
		attempt, known := event.Attempt()
		body.Map(one(known))
		if known {
			body.Text("attempt").Uint(uint64(attempt))
		}
	})
}

func onSignalingConnected(ctx *observer.Context) { seen(ctx, nothing) }

func onSignalingDisconnected(ctx observer.Context) { seen(&ctx, nothing) }

func onPeer(ctx observer.Context, event observer.PeerEvent) {
	seen(&ctx, func() {
		status, hasStatus := event.Status()
		relayed, hasRelayed := event.Relayed()
		body.Map(1 + one(hasStatus) + one(hasRelayed))
		writeID("peer", event.Peer())
		if hasStatus {
			body.Text("status").Text(status.String())
		}
		if hasRelayed {
			body.Text("relayed").Bool(relayed)
		}
	})
}

func onCredential(ctx observer.Context, event observer.CredentialEvent) {
	seen(&ctx, func() { body.Map(1).Text("new-expiry").Uint(event.NewExpiry()) })
}

func onMailboxBackpressure(ctx observer.Context, event observer.BackpressureEvent) {
	seen(&ctx, func() {
		body.Map(2)
		body.Text("queue-len").Uint(event.QueueLen())
		body.Text("threshold").Uint(event.Threshold())
	})
}

// body is what is being reported.
var body cbor.Writer

func seen(ctx *observer.Context, writeEvent func()) {
	if _, found := config.Get("mode"); found {
		useCapabilities()
	}
	source, hasSource := delivery.Source()
	body.Reset().Map(1 + one(ctx != nil) + one(hasSource))
	if ctx != nil {
		writeContext(*ctx)
	}
	if hasSource {
		body.Text("src").Text(source)
	}
	body.Text("event")
	writeEvent()
	report.Send("seen", &body)
}

func writeContext(ctx observer.Context) {
	caller, hasCaller := ctx.CallerID()
	body.Text("ctx").Map(2 + one(hasCaller))
	writeID("self-id", ctx.SelfID())
	if hasCaller {
		writeID("caller-id", caller)
	}
	body.Text("request-id").Text(ctx.RequestID())
}

func writeID(key string, id observer.ActrID) {
	kind := id.Type()
	body.Text(key).Map(3)
	body.Text("type").Map(3)
	body.Text("name").Text(kind.Name())
	body.Text("version").Text(kind.Version())
	body.Text("manufacturer").Text(kind.Manufacturer())
	body.Text("realm").Map(1).Text("realm-id").Uint(uint64(id.Realm().RealmID()))
	body.Text("serial-number").Uint(id.SerialNumber())
}

func nothing() { body.Map(0) }

func useCapabilities() {
	log.Trace("trace")
	log.Debug("debug")
	log.Info("info")
	log.Warn("warn")
	log.Error("error ✓")
	metrics.CounterAdd("ready", math.MaxUint64)
	metrics.GaugeSet("half", 0.5)
	if blob, found := state.Load(); found {
		state.Save(append(blob, '!'))
	} else {
		state.Save([]byte("?"))
	}
	reportDelivery()
	reportConfig()
	mode, _ := config.Get("mode")
	obey(mode)
}

// grown is what obey takes and keeps.
var grown [][]byte

// obey goes wrong as the operator says.
func obey(mode string) {
	switch mode {
	case "panic":
		panic("as told")
	case "loop":
		for {
		}
	case "grow":
		for {
			grown = append(grown, make([]byte, 65_536))
		}
	}
}

func reportDelivery() {
	source, _ := delivery.Source()
	body.Reset().Map(5)
	body.Text("now").Uint(delivery.Now())
	body.Text("lost").Uint(delivery.Lost())
	body.Text("random").Uint(delivery.Random())
	body.Text("source").Text(source)
	body.Text("sequence").Uint(delivery.Sequence())
	report.Send("delivery", &body)
}

func reportConfig() {
	value, _ := config.Get("value")
	body.Reset().Map(2)
	body.Text("value").Text(value)
	body.Text("number").Uint(config.Number("number", 7))
	report.Send("config", &body)
}

func one(there bool) int {
	if there {
		return 1
	}
	return 0
}
