/*
 * wasmhost observer SDK for C: the one source, to compile along with an observer.
 *
 * It is every layer in one translation unit, lowest first, so that what an observer does not use is
 * not in its module.
 */
#include "src/memory.c"

#include "src/cbor.c"
#include "src/write.c"

#include "src/capabilities.c"
#include "src/events.c"
