/**
 * Numbers of 64 bits in halves, the lower first, as they come through to QuickJS whole.
 *
 * Each half is the signed number of 32 bits that has its bits: that is what QuickJS is given, and all it takes.
 */

const MOST = 2n ** 64n - 1n;

export function whole([low, high]) {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function halves(number) {
  const value = BigInt(number);
  if (value < 0n || value > MOST) throw new RangeError(`${value} does not fit 64 bits without a sign`);
  return [Number(value & 0xffff_ffffn) | 0, Number(value >> 32n) | 0];
}
