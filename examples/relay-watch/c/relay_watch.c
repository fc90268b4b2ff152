/*
 * relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold. See
 * ../README.md for its configuration and its report, which is the same, byte for byte, in every
 * language.
 */
#include "wasmhost_observer.h"

enum {
  /* Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten. */
  MOST_REALMS = 64,
  DEFAULT_PERMILLE = 300,
  DEFAULT_MIN_CONNECTIONS = 10,
};

struct realm {
  uint32_t id;
  /* The share is at or over the threshold, as reported last. */
  bool above;
  uint64_t total;
  uint64_t relayed;
  /* When it last had a connection, on the observer's own clock of connections. */
  uint64_t last;
};

static struct realm realms[MOST_REALMS];
static size_t known_realms;
/* Connections counted so far. */
static uint64_t connections;

static struct {
  bool is_read;
  uint64_t threshold; /* in thousandths */
  uint64_t min_connections;
} settings;

/* ---- configuration ------------------------------------------------------------------------ */

static bool is_digit(char character) { return character >= '0' && character <= '9'; }

/* A share from 0 to 1, written with at most three decimals, in thousandths. */
static bool parse_permille(wh_string text, uint64_t *permille) {
  const bool has_point = text.size >= 3 && text.size <= 5 && text.data[1] == '.';
  if ((text.size != 1 && !has_point) || !is_digit(text.data[0])) {
    return false;
  }
  uint64_t value = (uint64_t)(text.data[0] - '0');
  for (size_t place = 2; place < 5; place++) {
    const char digit = place < text.size ? text.data[place] : '0';
    if (!is_digit(digit)) {
      return false;
    }
    value = value * 10 + (uint64_t)(digit - '0');
  }
  *permille = value;
  return value <= 1000;
}

static uint64_t read_threshold(void) {
  wh_string share;
  if (!wh_config_get(WH_STR("threshold"), &share)) {
    return DEFAULT_PERMILLE;
  }
  uint64_t permille;
  if (!parse_permille(share, &permille)) {
    wh_buffer complaint = {0};
    wh_write_text(&complaint, WH_STR("config threshold: a share from 0 to 1 with at most three "
                                     "decimals is wanted, not \""));
    wh_write_text(&complaint, share);
    wh_write_text(&complaint, WH_STR("\""));
    wh_panic(wh_buffer_string(&complaint));
  }
  return permille;
}

static void read_settings(void) {
  settings.threshold = read_threshold();
  settings.min_connections = wh_config_u64(WH_STR("min-connections"), DEFAULT_MIN_CONNECTIONS);
  settings.is_read = true;
}

/* ---- realms ------------------------------------------------------------------------------- */

static struct realm *vacancy(void) {
  if (known_realms < MOST_REALMS) {
    return &realms[known_realms++];
  }
  struct realm *quietest = &realms[0];
  for (size_t i = 1; i < MOST_REALMS; i++) {
    if (realms[i].last < quietest->last) {
      quietest = &realms[i];
    }
  }
  return quietest;
}

static struct realm *find_realm(uint32_t id) {
  for (size_t i = 0; i < known_realms; i++) {
    if (realms[i].id == id) {
      return &realms[i];
    }
  }
  struct realm *realm = vacancy();
  *realm = (struct realm){.id = id};
  return realm;
}

static void report(const struct realm *realm) {
  wh_buffer body = {0};
  wh_cbor_map(&body, 5);
  wh_cbor_text(&body, WH_STR("realm"));
  wh_cbor_uint(&body, realm->id);
  wh_cbor_text(&body, WH_STR("total"));
  wh_cbor_uint(&body, realm->total);
  wh_cbor_text(&body, WH_STR("crossed"));
  wh_cbor_text(&body, realm->above ? WH_STR("above") : WH_STR("below"));
  wh_cbor_text(&body, WH_STR("relayed"));
  wh_cbor_uint(&body, realm->relayed);
  wh_cbor_text(&body, WH_STR("share-permille"));
  wh_cbor_uint(&body, realm->relayed * 1000 / realm->total);
  wh_report_send(WH_STR("relay-share"), wh_buffer_bytes(&body));
}

/* ---- the hook ----------------------------------------------------------------------------- */

static void connected(const wh_context *ctx, const wh_peer_event *event) {
  if (!settings.is_read) {
    read_settings();
  }
  if (!event->has_relayed) {
    return; /* a node that does not say is no evidence either way */
  }
  struct realm *realm = find_realm(ctx->self_id.realm.realm_id);
  realm->last = ++connections;
  realm->total++;
  realm->relayed += event->relayed;
  const bool above = realm->relayed * 1000 >= settings.threshold * realm->total;
  if (realm->total >= settings.min_connections && above != realm->above) {
    realm->above = above;
    report(realm);
  }
}
WH_ON_WEBRTC_CONNECTED(connected)
