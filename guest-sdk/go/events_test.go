package observer_test

import (
	"math"
	"strings"
	"testing"

	"wasmhost/observer"
	"wasmhost/observer/cbor"
	"wasmhost/observer/internal/event"
	"wasmhost/observer/internal/panics"
)

func writeID(writer *cbor.Writer, key string, serial uint64, name string) {
	writer.Text(key).Map(3)
	writer.Text("type").Map(3)
	writer.Text("name").Text(name).Text("version").Text("1.0.0").Text("manufacturer").Text("lab")
	writer.Text("realm").Map(1).Text("realm-id").Uint(math.MaxUint32)
	writer.Text("serial-number").Uint(serial)
}

// encode makes an event whose payload is written last.
func encode(writePayload func(*cbor.Writer)) []byte {
	var writer cbor.Writer
	writer.Map(6).Text("at").Uint(math.MaxUint64)
	writer.Text("ctx").Map(2)
	writeID(&writer, "self-id", math.MaxUint64, "Échø 中继 🛰")
	writer.Text("request-id").Text("")
	writer.Text("seq").Uint(0).Text("src").Text("node-a").Text("hook").Text("on_webrtc_connected")
	writer.Text("event")
	writePayload(&writer)
	return writer.Bytes()
}

func peer(writer *cbor.Writer) {
	writer.Map(4)
	writeID(writer, "peer", 7, "Peer")
	writer.Text("later").Array(1).Uint(1)
	writer.Text("status").Text("recovering")
	writer.Text("relayed").Bool(true)
}

// panicOf is what a function panics with.
func panicOf(f func()) (cause any) {
	defer func() { cause = recover() }()
	f()
	return nil
}

const broken = panics.Exact("on-webrtc-connected: the event is not what the contract says")

func open(bytes []byte) event.Frame { return event.Open("on-webrtc-connected", bytes) }

func TestAPeerEventIsReadFieldByField(t *testing.T) {
	frame := open(encode(peer))
	ctx, payload := observer.Context(frame.Context), observer.PeerEvent(frame.Payload)
	self := ctx.SelfID()
	if self.SerialNumber() != math.MaxUint64 || self.Realm().RealmID() != math.MaxUint32 {
		t.Error("numbers at their limits are not read")
	}
	if name := self.Type().Name(); name != "Échø 中继 🛰" {
		t.Errorf("the name is %q", name)
	}
	if _, known := ctx.CallerID(); known || ctx.RequestID() != "" {
		t.Error("there is no caller, and the request's id is empty")
	}
	if source, known := event.Source(); !known || source != "node-a" {
		t.Errorf("the source is %q", source)
	}
	if relayed, known := payload.Relayed(); !known || !relayed {
		t.Error("it is relayed")
	}
	if status, known := payload.Status(); !known || status.String() != "recovering" {
		t.Errorf("the status is %v", status)
	}
	if payload.Peer().SerialNumber() != 7 {
		t.Error("the peer is number 7")
	}
}

func TestReadingAllocatesForStringsOnly(t *testing.T) {
	bytes := encode(peer)
	allocations := testing.AllocsPerRun(10, func() {
		frame := open(bytes)
		observer.PeerEvent(frame.Payload).Relayed()
		observer.Context(frame.Context).SelfID().Realm().RealmID()
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestAnEventCutShortOrWithSomethingBehindItIsBroken(t *testing.T) {
	bytes := encode(peer)
	for size := range bytes {
		if cause := panicOf(func() { open(bytes[:size]) }); cause != broken {
			t.Fatalf("%d of %d bytes: %v", size, len(bytes), cause)
		}
	}
	if cause := panicOf(func() { open(append(bytes, 0)) }); cause != broken {
		t.Errorf("surplus: %v", cause)
	}
}

func TestAPayloadThatBreaksTheContractIsAPanic(t *testing.T) {
	frame := open(encode(func(writer *cbor.Writer) {
		writer.Map(3).Text("peer").Uint(7).Text("status").Text("asleep").Text("relayed").Uint(1)
	}))
	payload := observer.PeerEvent(frame.Payload)
	for _, read := range []func(){
		func() { payload.Peer().SerialNumber() },
		func() { payload.Status() },
		func() { payload.Relayed() },
		func() { observer.CredentialEvent(frame.Payload).NewExpiry() },
		func() { observer.ErrorEvent(frame.Payload).Category() },
	} {
		if cause := panicOf(read); cause != broken {
			t.Errorf("panics with %v", cause)
		}
	}
}

func TestAnEventThatIsOverIsNotRead(t *testing.T) {
	frame := open(encode(peer))
	event.Close()
	for range 2 {
		cause := panicOf(func() { observer.PeerEvent(frame.Payload).Relayed() })
		if words, ok := cause.(string); !ok || !strings.Contains(words, "after its hook has returned") {
			t.Errorf("panics with %v", cause)
		}
		open(encode(peer))
	}
}
