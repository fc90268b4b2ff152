/*
 * credential-pager: pages once for each credential that ends within a window, and again when the node
 * has got a new one. See ../README.md for its configuration and its reports.
 */
#include "wasmhost_observer.h"

enum {
  /* Nodes with an open page that are remembered. Beyond it the oldest page is forgotten: a node that
   * still warns is then paged for again, which errs on the loud side. */
  PAGES = 64,
  DEFAULT_WINDOW_S = 86400,
};

static const uint64_t NS_PER_S = 1000000000;

/* A page that is open: the node's credential ends at `expiry` and no renewal was seen. A node is known
 * by its serial number, which is unique in its realm. */
struct page {
  uint32_t realm_id;
  uint64_t serial_number;
  wh_timestamp expiry;
};

/* Oldest first. */
static struct page pages[PAGES];
static size_t open_pages;

static uint64_t window_ns(void) {
  static uint64_t window; /* 0: not read yet */
  if (window == 0) {
    const uint64_t seconds = wh_config_u64(WH_STR("window-s"), DEFAULT_WINDOW_S);
    WH_ASSERT(seconds > 0 && seconds <= UINT64_MAX / NS_PER_S);
    window = seconds * NS_PER_S;
  }
  return window;
}

static struct page *find_page(const wh_actr_id *node) {
  for (size_t i = 0; i < open_pages; i++) {
    if (pages[i].serial_number == node->serial_number && pages[i].realm_id == node->realm.realm_id) {
      return &pages[i];
    }
  }
  return NULL;
}

static void close_page(struct page *page) {
  const size_t behind = (size_t)(&pages[open_pages] - (page + 1));
  __builtin_memmove(page, page + 1, behind * sizeof *page);
  open_pages--;
}

static void open_page(const wh_actr_id *node, wh_timestamp expiry) {
  if (open_pages == PAGES) {
    close_page(&pages[0]);
  }
  pages[open_pages++] = (struct page){node->realm.realm_id, node->serial_number, expiry};
}

static void write_node(wh_buffer *body, const wh_actr_id *node) {
  wh_cbor_map(body, 3);
  wh_cbor_text(body, WH_STR("name"));
  wh_cbor_text(body, node->type.name);
  wh_cbor_text(body, WH_STR("realm"));
  wh_cbor_uint(body, node->realm.realm_id);
  wh_cbor_text(body, WH_STR("serial-number"));
  wh_cbor_uint(body, node->serial_number);
}

static void report_expiring(const wh_actr_id *node, wh_timestamp expiry, uint64_t remaining_ns) {
  wh_buffer body = {0};
  wh_cbor_map(&body, 3);
  wh_cbor_text(&body, WH_STR("node"));
  write_node(&body, node);
  wh_cbor_text(&body, WH_STR("expiry"));
  wh_cbor_uint(&body, expiry);
  wh_cbor_text(&body, WH_STR("remaining-s"));
  wh_cbor_uint(&body, remaining_ns / NS_PER_S);
  wh_report_send(WH_STR("credential-expiring"), wh_buffer_bytes(&body));
}

static void report_renewed(const wh_actr_id *node, wh_timestamp expiry) {
  wh_buffer body = {0};
  wh_cbor_map(&body, 2);
  wh_cbor_text(&body, WH_STR("node"));
  write_node(&body, node);
  wh_cbor_text(&body, WH_STR("expiry"));
  wh_cbor_uint(&body, expiry);
  wh_report_send(WH_STR("credential-renewed"), wh_buffer_bytes(&body));
}

static void expiring(const wh_context *ctx, const wh_credential_event *event) {
  const wh_timestamp expiry = event->new_expiry;
  const wh_timestamp now = wh_delivery_now();
  const uint64_t remaining = expiry > now ? expiry - now : 0;
  if (remaining > window_ns()) {
    return;
  }
  struct page *page = find_page(&ctx->self_id);
  if (page != NULL) {
    if (page->expiry == expiry) {
      return;
    }
    close_page(page);
  }
  open_page(&ctx->self_id, expiry);
  report_expiring(&ctx->self_id, expiry, remaining);
}
WH_ON_CREDENTIAL_EXPIRING(expiring)

static void renewed(const wh_context *ctx, const wh_credential_event *event) {
  struct page *page = find_page(&ctx->self_id);
  if (page != NULL) {
    close_page(page);
    report_renewed(&ctx->self_id, event->new_expiry);
  }
}
WH_ON_CREDENTIAL_RENEWED(renewed)
