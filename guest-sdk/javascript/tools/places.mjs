/** From a source map to the table that src/places.js reads. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** For each line of the bundle the file and line it begins with; nothing, where that is not the author's. */
export function places({ sources, mappings }, isAuthors) {
  const files = sources.filter(isAuthors);
  const numbers = sources.map((source) => files.indexOf(source));
  const lines = firstPlaces(mappings).map((place) => {
    const file = place ? numbers[place.source] : -1;
    return file < 0 ? "" : `${file}:${place.line + 1}`;
  });
  return { files, lines: lines.join(",") };
}

/** The first place of each line. Numbers are relative to those before, so that all segments have to be read. */
function firstPlaces(mappings) {
  const state = { source: 0, line: 0 };
  return mappings.split(";").map((line) => {
    const segments = line ? line.split(",").map(decodeNumbers) : [];
    let first;
    for (const [, source, row] of segments) {
      if (source === undefined) continue;
      state.source += source;
      state.line += row;
      first ??= { ...state };
    }
    return first;
  });
}

/** Base64 digits of five bits and a bit for "more", the lowest first; of the number the lowest bit is the sign. */
function decodeNumbers(segment) {
  const numbers = [];
  let value = 0;
  let shift = 0;
  for (const letter of segment) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = shift = 0;
  }
  return numbers;
}
