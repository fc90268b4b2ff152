/** What an observer may know of the delivery it is in. */

import raw from "wasmhost:javascript/delivery@0.1.0";

import { whole } from "../halves.js";
import { currentSource } from "../source.js";

export const now = () => whole(raw.now());
export const sequence = () => whole(raw.sequence());
export const lost = () => whole(raw.lost());
export const random = () => whole(raw.random());
export const source = () => currentSource();
