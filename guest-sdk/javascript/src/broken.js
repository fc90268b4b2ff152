/** What reading throws where the event's bytes are not what the contract says. */
export class BrokenEvent extends Error {
  name = "BrokenEvent";
}

/** @returns {never} */
export function broken() {
  throw new BrokenEvent("the event is not what the contract says");
}
