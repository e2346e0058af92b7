/* NATS core: a request with a reply subject, for the peer that is a NATS micro service. */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void greet(connection *c) {
  char line[160];
  int n = snprintf(line, sizeof line,
                   "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\nSUB rep.%03d.* 1\r\nPING\r\n", c->index);
  put(&c->out, line, (size_t)n);
}

static void ask(connection *c, int index, const uint8_t *payload, size_t size) {
  char reply[REPLY_LENGTH], line[160];
  reply_address(reply, c, index, '.');
  int n = snprintf(line, sizeof line, "PUB %s %.*s %zu\r\n", opt.topic, REPLY_LENGTH, reply, size);
  put(&c->out, line, (size_t)n);
  put(&c->out, payload, size);
  put_text(&c->out, "\r\n");
}

/* MSG <subject> <sid> [reply] <size>, or HMSG with the size of its headers before the last number. */
static size_t message(connection *c, uint8_t *line, size_t line_size, size_t available) {
  const char *subject = strchr((const char *)line, ' ');
  const char *size_at = (const char *)line + line_size - 2;
  while (size_at[-1] != ' ') size_at--;
  size_t size = strtoul(size_at, NULL, 10);
  if (available < line_size + size + 2) return 0;
  int index = reply_slot((const uint8_t *)subject + 1, REPLY_LENGTH);
  if (index >= 0) answered(c, index, line + line_size, size);
  return line_size + size + 2;
}

static size_t take(connection *c, uint8_t *bytes, size_t available) {
  uint8_t *eol = memmem(bytes, available, "\r\n", 2);
  if (!eol) return 0;
  size_t line = (size_t)(eol - bytes) + 2;
  if (memcmp(bytes, "MSG ", 4) == 0 || memcmp(bytes, "HMSG", 4) == 0) return message(c, bytes, line, available);
  if (memcmp(bytes, "PING", 4) == 0) put_text(&c->out, "PONG\r\n");
  else if (memcmp(bytes, "PONG", 4) == 0) ready(c);
  else if (memcmp(bytes, "-ERR", 4) == 0) fail("connection %d: %.*s", c->index, (int)line - 2, bytes);
  return line;
}

const protocol nats = {"nats", greet, ask, take};
