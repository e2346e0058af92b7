/* The load client: what its parts share. One thread, epoll, every run bounded in time. */
#pragma once
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A payload holds these runs of bytes; each call gets its own id and reply address written over them. */
#define ID_MARK "################"
#define REPLY_MARK "$$$$$$$$$$$$"
#define ID_LENGTH 16
#define REPLY_LENGTH 12

typedef struct {
  uint8_t *bytes;
  size_t off, len, cap;
} buffer;

/* One call in flight: when it was due, its id, and whether it is in use. */
typedef struct {
  uint64_t due;
  char id[ID_LENGTH];
  bool busy;
} slot;

typedef struct {
  int fd, index;
  bool ready, dirty, blocked;
  uint16_t packet_id;
  buffer in, out;
  slot *slots;
} connection;

typedef struct {
  const char *protocol, *mode, *host, *topic, *path, *headers, *name;
  int port, clients, window, version, qos, show;
  double seconds, warm, rate;
  char *payload;
  size_t size;
} options;

/* How one protocol greets, asks and understands answers. */
typedef struct {
  const char *name;
  void (*greet)(connection *c);
  void (*ask)(connection *c, int index, const uint8_t *payload, size_t size);
  /* Consumes one whole message at `bytes` and returns its length, or 0 while it is not whole. */
  size_t (*take)(connection *c, uint8_t *bytes, size_t available);
} protocol;

extern options opt;
extern const protocol mqtt, http, nats;

/* Fills `opt` and returns the protocol asked for. */
const protocol *read_options(int argc, char **argv);
uint64_t now_ns(void);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

void reserve(buffer *b, size_t more);
void put(buffer *b, const void *bytes, size_t n);
void put_u8(buffer *b, uint8_t v);
void put_u16(buffer *b, uint16_t v);
void put_text(buffer *b, const char *text);

/* The address on which slot `index` of `c` is answered: rep/000/0000, with dots for NATS. Always REPLY_LENGTH bytes. */
void reply_address(char *to, const connection *c, int index, char separator);
/* The slot that a reply address names, or -1. */
int reply_slot(const uint8_t *address, size_t n);

void ready(connection *c);
/* Ends a call: with an answer that must hold its id, ... */
void answered(connection *c, int index, const uint8_t *bytes, size_t n);
/* ... with an acknowledgement, ... */
void acknowledged(connection *c, int index);
/* ... or with a refusal, which is counted apart. */
void refused(connection *c, int index);

typedef struct {
  uint64_t count, max;
  uint64_t bins[4096];
} histogram;
void record(histogram *h, uint64_t ns);
/* Milliseconds at quantile `q`. */
double quantile(const histogram *h, double q);
