/* The capabilities of wit/capabilities.wit as ordinary functions. */
#include "memory.h"
#include "raw.h"

#include "../wasmhost_observer.h"

void wh_log(wh_level level, wh_string message) {
  raw_log_write((uint32_t)level, message.data, message.size);
}

_Noreturn void wh_panic(wh_string message) {
  raw_panic_report(message.data, message.size);
  __builtin_trap();
}

wh_timestamp wh_delivery_now(void) { return raw_delivery_now(); }
uint64_t wh_delivery_sequence(void) { return raw_delivery_sequence(); }
uint64_t wh_delivery_lost(void) { return raw_delivery_lost(); }
uint64_t wh_delivery_random(void) { return raw_delivery_random(); }

bool wh_config_get(wh_string key, wh_string *value) {
  struct raw_option option = {0};
  raw_config_get(key.data, key.size, &option);
  *value = (wh_string){option.data, option.is_some ? option.size : 0};
  return option.is_some;
}

static bool parse_decimal(wh_string text, uint64_t *number) {
  uint64_t value = 0;
  for (size_t i = 0; i < text.size; i++) {
    const unsigned digit = (unsigned char)text.data[i] - '0';
    if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
      return false;
    }
    value = value * 10 + digit;
  }
  *number = value;
  return text.size > 0;
}

uint64_t wh_config_u64(wh_string key, uint64_t otherwise) {
  wh_string value;
  if (!wh_config_get(key, &value)) {
    return otherwise;
  }
  uint64_t number;
  if (!parse_decimal(value, &number)) {
    wh_buffer complaint = {0};
    wh_write_text(&complaint, WH_STR("config "));
    wh_write_text(&complaint, key);
    wh_write_text(&complaint, WH_STR(": a whole number is wanted, not \""));
    wh_write_text(&complaint, value);
    wh_write_text(&complaint, WH_STR("\""));
    wh_panic(wh_buffer_string(&complaint));
  }
  return number;
}

bool wh_state_load(wh_bytes *blob) {
  struct raw_option option = {0};
  raw_state_load(&option);
  *blob = (wh_bytes){option.data, option.is_some ? option.size : 0};
  return option.is_some;
}

void wh_state_save(wh_bytes blob) { raw_state_save(blob.data, blob.size); }

void wh_metrics_counter_add(wh_string name, uint64_t by) {
  raw_metrics_counter_add(name.data, name.size, by);
}

void wh_metrics_gauge_set(wh_string name, double value) {
  raw_metrics_gauge_set(name.data, name.size, value);
}

void wh_report_send(wh_string topic, wh_bytes body) {
  raw_report_send(topic.data, topic.size, body.data, body.size);
}
