package observer

// PeerStatus is the state of a connection to a peer, as the node sees it.
type PeerStatus uint8

const (
	// StatusIdle is no connection, and none wanted.
	StatusIdle PeerStatus = iota
	// StatusConnecting is a first connection being made.
	StatusConnecting
	// StatusConnected is a connection that stands.
	StatusConnected
	// StatusRecovering is a connection that broke and is being rebuilt: not yet a disconnect for good.
	StatusRecovering
)

var statusNames = [...]string{"idle", "connecting", "connected", "recovering"}

// String is the case's name in the contract.
func (s PeerStatus) String() string { return statusNames[s] }

// ErrorCategory is where in the node an error arose.
type ErrorCategory uint8

const (
	// HandlerPanic is a message handler that panicked.
	HandlerPanic ErrorCategory = iota
	// HandlerError is a message handler that returned an error.
	HandlerError
	// SignalingFailure is a signaling connection that failed.
	SignalingFailure
	// TransportFailure is a transport that failed.
	TransportFailure
	// DataStreamDeliveryUncertain is a data stream that ended, and nobody knows what arrived.
	DataStreamDeliveryUncertain
)

var categoryNames = [...]string{
	"handler-panic", "handler-error", "signaling-failure", "transport-failure", "data-stream-delivery-uncertain",
}

// String is the case's name in the contract.
func (c ErrorCategory) String() string { return categoryNames[c] }
