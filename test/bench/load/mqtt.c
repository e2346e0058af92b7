/* MQTT 3.1.1 and 5: publish until PUBACK, request until the reply, respond, or sit idle. */
#include "load.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBACK = 9, DISCONNECT = 14 };

static bool is(const char *mode) { return strcmp(opt.mode, mode) == 0; }

static size_t size_of_length(size_t n) { return n < 128 ? 1 : n < 16384 ? 2 : n < 2097152 ? 3 : 4; }

static void put_length(buffer *b, size_t n) {
  do {
    uint8_t byte = n & 127;
    n >>= 7;
    put_u8(b, n ? byte | 128 : byte);
  } while (n);
}

static void put_string(buffer *b, const char *text) {
  put_u16(b, (uint16_t)strlen(text));
  put_text(b, text);
}

static void greet(connection *c) {
  char id[64];
  snprintf(id, sizeof id, "%s-%d-%d", opt.name, (int)getpid(), c->index);
  bool v5 = opt.version == 5;
  put_u8(&c->out, 0x10);
  put_length(&c->out, 10 + (v5 ? 1 : 0) + 2 + strlen(id));
  put_string(&c->out, "MQTT");
  put_u8(&c->out, v5 ? 5 : 4);
  put_u8(&c->out, 2); /* clean session, clean start */
  put_u16(&c->out, 600);
  if (v5) put_u8(&c->out, 0);
  put_string(&c->out, id);
}

static void subscribe(connection *c, const char *filter) {
  bool v5 = opt.version == 5;
  put_u8(&c->out, 0x82);
  put_length(&c->out, 2 + (v5 ? 1 : 0) + 2 + strlen(filter) + 1);
  put_u16(&c->out, 1);
  if (v5) put_u8(&c->out, 0);
  put_string(&c->out, filter);
  put_u8(&c->out, (uint8_t)opt.qos);
}

/* With MQTT 5 a request names its reply topic and id in the properties as well. */
static void publish(connection *c, const char *topic, size_t topic_size, uint16_t packet_id, const char *reply,
                    const char *id, const uint8_t *payload, size_t size) {
  bool v5 = opt.version == 5;
  size_t properties = reply ? 3 + REPLY_LENGTH + 3 + ID_LENGTH : 0;
  put_u8(&c->out, (uint8_t)(0x30 | opt.qos << 1));
  put_length(&c->out, 2 + topic_size + (opt.qos ? 2 : 0) + (v5 ? size_of_length(properties) + properties : 0) + size);
  put_u16(&c->out, (uint16_t)topic_size);
  put(&c->out, topic, topic_size);
  if (opt.qos) put_u16(&c->out, packet_id);
  if (v5) put_length(&c->out, properties);
  if (reply) {
    put_u8(&c->out, 0x08);
    put_u16(&c->out, REPLY_LENGTH);
    put(&c->out, reply, REPLY_LENGTH);
    put_u8(&c->out, 0x09);
    put_u16(&c->out, ID_LENGTH);
    put(&c->out, id, ID_LENGTH);
  }
  put(&c->out, payload, size);
}

static uint16_t next_packet_id(connection *c) {
  if (++c->packet_id == 0) c->packet_id = 1;
  return c->packet_id;
}

static void ask(connection *c, int index, const uint8_t *payload, size_t size) {
  if (is("publish")) {
    char topic[128];
    int n = snprintf(topic, sizeof topic, "%s/%d", opt.topic, c->index);
    publish(c, topic, (size_t)n, (uint16_t)(index + 1), NULL, NULL, payload, size);
    if (opt.qos == 0) acknowledged(c, index);
    return;
  }
  char reply[REPLY_LENGTH], own[REPLY_LENGTH];
  reply_address(reply, c, index, '/');
  memcpy(own, reply, REPLY_LENGTH);
  memcpy(own, "req", 3);
  const char *topic = opt.topic ? opt.topic : own;
  publish(c, topic, opt.topic ? strlen(opt.topic) : REPLY_LENGTH, next_packet_id(c), opt.version == 5 ? reply : NULL,
          c->slots[index].id, payload, size);
}

static void on_connack(connection *c, const uint8_t *body) {
  if (body[1]) fail("connection %d refused with code %d", c->index, body[1]);
  char filter[32];
  if (is("request")) {
    snprintf(filter, sizeof filter, "rep/%03d/+", c->index);
    subscribe(c, filter);
  } else if (is("respond")) {
    subscribe(c, "req/#");
  } else {
    ready(c);
  }
}

/* Skips the properties of a PUBLISH; they are not read: the topic says which call is answered. */
static size_t skip_properties(const uint8_t *at) {
  size_t length = 0, i = 0;
  for (int shift = 0; i < 4; shift += 7) {
    length |= (size_t)(at[i] & 127) << shift;
    if (!(at[i++] & 128)) break;
  }
  return i + length;
}

static void on_publish(connection *c, uint8_t flags, uint8_t *body, size_t size) {
  size_t topic_size = (size_t)(body[0] << 8 | body[1]), at = 2 + topic_size;
  if (flags >> 1 & 3) {
    uint8_t ack[4] = {0x40, 2, body[at], body[at + 1]};
    put(&c->out, ack, 4);
    at += 2;
  }
  if (opt.version == 5) at += skip_properties(body + at);
  if (is("respond") && topic_size == REPLY_LENGTH) {
    char topic[REPLY_LENGTH];
    memcpy(topic, body + 2, REPLY_LENGTH);
    memcpy(topic, "rep", 3);
    publish(c, topic, REPLY_LENGTH, next_packet_id(c), NULL, NULL, body + at, size - at);
  } else if (is("request")) {
    int index = reply_slot(body + 2, topic_size);
    if (index >= 0) answered(c, index, body + at, size - at);
  }
}

static void on_puback(connection *c, const uint8_t *body, size_t size) {
  int index = (body[0] << 8 | body[1]) - 1;
  bool bad = size > 2 && body[2] >= 0x80;
  if (is("publish")) {
    if (index < 0 || index >= opt.window) fail("connection %d: an acknowledgement of nothing", c->index);
    if (bad) refused(c, index);
    else acknowledged(c, index);
  } else if (bad) {
    fail("connection %d: a request was refused with code %d", c->index, body[2]);
  }
}

static size_t take(connection *c, uint8_t *bytes, size_t available) {
  size_t length = 0, head = 1;
  for (int shift = 0;; shift += 7) {
    if (head >= available) return 0;
    length |= (size_t)(bytes[head] & 127) << shift;
    if (!(bytes[head++] & 128)) break;
    if (shift == 21) fail("connection %d: a malformed packet length", c->index);
  }
  if (available < head + length) return 0;
  uint8_t *body = bytes + head;
  switch (bytes[0] >> 4) {
    case CONNACK: on_connack(c, body); break;
    case SUBACK:
      if (body[length - 1] >= 0x80) fail("connection %d: subscribing was refused", c->index);
      ready(c);
      break;
    case PUBLISH: on_publish(c, bytes[0] & 15, body, length); break;
    case PUBACK: on_puback(c, body, length); break;
    case DISCONNECT: fail("connection %d: the server sent DISCONNECT with code %d", c->index, length ? body[0] : 0);
  }
  return head + length;
}

const protocol mqtt = {"mqtt", greet, ask, take};
