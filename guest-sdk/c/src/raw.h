/*
 * The raw ABI: wit/capabilities.wit as the canonical ABI lowers it to core Wasm. Strings and lists
 * are a pointer and a size; a result that does not fit a core value is written to a return area.
 */
#ifndef WASMHOST_OBSERVER_RAW_H
#define WASMHOST_OBSERVER_RAW_H

#include <stddef.h>
#include <stdint.h>

#define RAW_IMPORT(interface, function)                                                            \
  __attribute__((import_module("wasmhost:observer/" interface "@0.1.0"), import_name(function)))

/* option<string> and option<list<u8>>, as an import leaves them in a return area. */
struct raw_option {
  uint8_t is_some;
  const void *data;
  size_t size;
};
_Static_assert(sizeof(struct raw_option) == 12, "the canonical layout of option<list<u8>>");

/* result<_, string>, as a lifecycle hook returns it. */
struct raw_result {
  uint8_t is_error;
  const void *data;
  size_t size;
};
_Static_assert(sizeof(struct raw_result) == 12, "the canonical layout of result<_, string>");

RAW_IMPORT("log", "write") void raw_log_write(uint32_t level, const void *message, size_t size);
RAW_IMPORT("panic", "report") void raw_panic_report(const void *message, size_t size);
RAW_IMPORT("delivery", "now") uint64_t raw_delivery_now(void);
RAW_IMPORT("delivery", "sequence") uint64_t raw_delivery_sequence(void);
RAW_IMPORT("delivery", "lost") uint64_t raw_delivery_lost(void);
RAW_IMPORT("delivery", "random") uint64_t raw_delivery_random(void);
RAW_IMPORT("config", "get")
void raw_config_get(const void *key, size_t size, struct raw_option *value);
RAW_IMPORT("state", "load") void raw_state_load(struct raw_option *blob);
RAW_IMPORT("state", "save") void raw_state_save(const void *blob, size_t size);
RAW_IMPORT("metrics", "counter-add")
void raw_metrics_counter_add(const void *name, size_t size, uint64_t by);
RAW_IMPORT("metrics", "gauge-set")
void raw_metrics_gauge_set(const void *name, size_t size, double value);
RAW_IMPORT("report", "send")
void raw_report_send(const void *topic, size_t topic_size, const void *body, size_t body_size);

#endif
