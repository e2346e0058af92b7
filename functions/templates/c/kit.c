#include "kit.h"

#include <stdarg.h>
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
    exit(try_again("out of memory", 0));
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

/* What is emitted, as the elements of a list of JSON. */
static char *emitted;
static size_t emitted_size;
static FILE *emitting;
static int status;

/* A text as a string of JSON. */
static void print_string(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text != '\0'; text++) {
    unsigned char byte = *text;
    if (byte == '"' || byte == '\\') fprintf(out, "\\%c", byte);
    else if (byte < ' ') fprintf(out, "\\u%04x", byte);
    else fputc(byte, out);
  }
  fputc('"', out);
}

void emit(const char *source, const char *type, const char *format, ...) {
  va_list values;
  if (emitting == NULL) emitting = open_memstream(&emitted, &emitted_size);
  else fputc(',', emitting);
  if (emitting == NULL) exit(try_again("out of memory", 0));
  fputs("{\"specversion\":\"1.0\",\"source\":", emitting);
  print_string(emitting, source);
  fputs(",\"type\":", emitting);
  print_string(emitting, type);
  fputs(",\"data\":", emitting);
  va_start(values, format);
  vfprintf(emitting, format, values);
  va_end(values);
  fputc('}', emitting);
}

void set_status(int code) { status = code; }

int reply(const char *format, ...) {
  const char *output = getenv("HEADGATE_OUTPUT");
  int form = output != NULL && strcmp(output, "outcome") == 0;
  va_list values;
  if (!form && (emitting != NULL || status != 0))
    return reject("system", "NO_OUTPUT_FORM",
                  "a reply as it stands has no events and no status; give the function \"output: outcome\"");
  if (form) printf("{\"success\":true,\"data\":");
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  if (form && status != 0) printf(",\"status\":%d", status);
  if (form && emitting != NULL && fclose(emitting) == 0) printf(",\"events\":[%s]", emitted);
  if (form) putchar('}');
  return DONE;
}

/* A failure in the output form says all of what its exit code says in part. */
int reject(const char *kind, const char *code, const char *message) {
  fprintf(stderr, "%s: %s\n", code, message);
  printf("{\"success\":false,\"error\":{\"retryable\":false,\"type\":");
  print_string(stdout, kind);
  printf(",\"code\":");
  print_string(stdout, code);
  printf(",\"message\":");
  print_string(stdout, message);
  printf("}}");
  return REJECTED;
}

int try_again(const char *message, long after_ms) {
  fprintf(stderr, "%s\n", message);
  printf("{\"success\":false,\"error\":{\"retryable\":true,\"retry_after_ms\":%ld,\"message\":", after_ms);
  print_string(stdout, message);
  printf("}}");
  return TRY_AGAIN;
}
