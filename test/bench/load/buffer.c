/* Growing byte buffers, and the addresses on which calls are answered. */
#include "load.h"
#include <stdlib.h>
#include <string.h>

void reserve(buffer *b, size_t more) {
  if (b->off && b->len + more > b->cap) {
    memmove(b->bytes, b->bytes + b->off, b->len - b->off);
    b->len -= b->off;
    b->off = 0;
  }
  if (b->len + more > b->cap) {
    b->cap = (b->len + more) * 2;
    b->bytes = realloc(b->bytes, b->cap);
    if (!b->bytes) fail("out of memory");
  }
}

void put(buffer *b, const void *bytes, size_t n) {
  reserve(b, n);
  memcpy(b->bytes + b->len, bytes, n);
  b->len += n;
}

void put_u8(buffer *b, uint8_t v) { put(b, &v, 1); }

void put_u16(buffer *b, uint16_t v) {
  put_u8(b, v >> 8);
  put_u8(b, v & 255);
}

void put_text(buffer *b, const char *text) { put(b, text, strlen(text)); }

static void digits(char *to, int width, int value) {
  for (int i = width - 1; i >= 0; i--, value /= 10) to[i] = (char)('0' + value % 10);
}

void reply_address(char *to, const connection *c, int index, char separator) {
  memcpy(to, "rep", 3);
  to[3] = to[7] = separator;
  digits(to + 4, 3, c->index);
  digits(to + 8, 4, index);
}

int reply_slot(const uint8_t *address, size_t n) {
  if (n != REPLY_LENGTH) return -1;
  int value = 0;
  for (int i = 8; i < REPLY_LENGTH; i++) {
    if (address[i] < '0' || address[i] > '9') return -1;
    value = value * 10 + (address[i] - '0');
  }
  return value < opt.window ? value : -1;
}
