#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *read_input(void) {
  size_t size = 4096, used = 0, got;
  char *text = malloc(size);
  while (text != NULL && (got = fread(text + used, 1, size - used - 1, stdin)) > 0) {
    used += got;
    if (used + 1 == size) text = realloc(text, size *= 2);
  }
  if (text == NULL) {
    fprintf(stderr, "out of memory\n");
    exit(TRY_AGAIN);
  }
  text[used] = '\0';
  return text;
}

static const char *blanks(const char *at) { return at + strspn(at, " \t\r\n"); }

/* Past a string; at its quote. */
static const char *past_string(const char *at) {
  for (at++; *at != '\0' && *at != '"'; at++)
    if (*at == '\\' && at[1] != '\0') at++;
  return *at == '"' ? at + 1 : at;
}

/* Past any value; what is nested is passed by counting, so that nothing recurses. */
static const char *past_value(const char *at) {
  int depth = 0;
  do {
    at = blanks(at);
    if (*at == '\0') return at;
    if (*at == '"') {
      at = past_string(at);
    } else if (*at == '{' || *at == '[') {
      depth++;
      at++;
    } else if (*at == '}' || *at == ']') {
      depth--;
      at++;
    } else if (*at == ',' || *at == ':') {
      at++;
    } else {
      at += strcspn(at, " \t\r\n,:]}");
    }
  } while (depth > 0);
  return at;
}

const char *member(const char *object, const char *name) {
  size_t length = strlen(name);
  const char *at = object == NULL ? "" : blanks(object);
  if (*at != '{') return NULL;
  for (at = blanks(at + 1); *at == '"'; at = blanks(at + 1)) {
    const char *key = at + 1;
    at = blanks(past_string(at));
    if (*at != ':') return NULL;
    at = blanks(at + 1);
    if (strncmp(key, name, length) == 0 && key[length] == '"') return at;
    at = blanks(past_value(at));
    if (*at != ',') return NULL;
  }
  return NULL;
}

const char *data_of(const char *input) {
  return member(input, "specversion") == NULL ? input : member(input, "data");
}

char *text_of(const char *value) {
  if (value == NULL || *value != '"') return NULL;
  size_t length = past_string(value) - value - 2;
  char *text = malloc(length + 1);
  if (text == NULL) return NULL;
  memcpy(text, value + 1, length);
  text[length] = '\0';
  return text;
}

int reject(const char *code, const char *message) {
  fprintf(stderr, "%s: %s\n", code, message);
  return REJECTED;
}
