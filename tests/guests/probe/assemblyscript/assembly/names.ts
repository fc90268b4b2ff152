// Enumerations as the contract spells them.

import { ErrorCategory, PeerStatus } from "wasmhost";

export function statusName(status: PeerStatus): string {
  switch (status) {
    case PeerStatus.Idle:
      return "idle";
    case PeerStatus.Connecting:
      return "connecting";
    case PeerStatus.Connected:
      return "connected";
    default:
      return "recovering";
  }
}

export function categoryName(category: ErrorCategory): string {
  switch (category) {
    case ErrorCategory.HandlerPanic:
      return "handler-panic";
    case ErrorCategory.HandlerError:
      return "handler-error";
    case ErrorCategory.SignalingFailure:
      return "signaling-failure";
    case ErrorCategory.TransportFailure:
      return "transport-failure";
    default:
      return "data-stream-delivery-uncertain";
  }
}
