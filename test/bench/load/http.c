/* HTTP/1.1 over connections that are kept: one POST in flight on each. */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void greet(connection *c) { ready(c); }

/* Headers may hold the id mark: binary CloudEvents carry their id in one. */
static void put_headers(connection *c, const char *id) {
  const char *at = opt.headers, *mark;
  while ((mark = strstr(at, ID_MARK))) {
    put(&c->out, at, (size_t)(mark - at));
    put(&c->out, id, ID_LENGTH);
    at = mark + ID_LENGTH;
  }
  put_text(&c->out, at);
}

static void ask(connection *c, int index, const uint8_t *payload, size_t size) {
  char line[256];
  int n = snprintf(line, sizeof line, "POST %s HTTP/1.1\r\nhost: %s:%d\r\ncontent-length: %zu\r\n", opt.path, opt.host,
                   opt.port, size);
  put(&c->out, line, (size_t)n);
  put_headers(c, c->slots[index].id);
  put_text(&c->out, "\r\n");
  put(&c->out, payload, size);
}

static const char *header(const char *head, const char *end, const char *name) {
  size_t n = strlen(name);
  for (const char *at = head; at && at < end; at = memchr(at, '\n', (size_t)(end - at)), at = at ? at + 1 : NULL)
    if ((size_t)(end - at) > n && strncasecmp(at, name, n) == 0) return at + n;
  return NULL;
}

/* The length of a chunked body, or 0 while its last chunk has not come. */
static size_t chunked(const uint8_t *body, size_t available) {
  size_t at = 0;
  for (;;) {
    const uint8_t *eol = memmem(body + at, available - at, "\r\n", 2);
    if (!eol) return 0;
    size_t chunk = strtoul((const char *)body + at, NULL, 16);
    at = (size_t)(eol - body) + 2 + chunk + 2;
    if (at > available) return 0;
    if (chunk == 0) return at;
  }
}

static size_t take(connection *c, uint8_t *bytes, size_t available) {
  uint8_t *blank = memmem(bytes, available, "\r\n\r\n", 4);
  if (!blank) return 0;
  const char *head = (const char *)bytes, *end = (const char *)blank + 2;
  uint8_t *body = blank + 4;
  size_t left = available - (size_t)(body - bytes), size = 0;
  const char *length = header(head, end, "content-length:");
  if (length) {
    size = strtoul(length, NULL, 10);
    if (left < size) return 0;
  } else if (header(head, end, "transfer-encoding:") && (size = chunked(body, left)) == 0) {
    return 0;
  }
  bool ok = head[9] == '2';
  if (ok && strcmp(opt.mode, "request") == 0) answered(c, 0, body, size);
  else if (ok) acknowledged(c, 0);
  else refused(c, 0);
  return (size_t)(body - bytes) + size;
}

const protocol http = {"http", greet, ask, take};
