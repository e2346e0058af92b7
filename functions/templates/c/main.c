/* Greets whoever the data name: { "name": "Ada" } is answered with { "greeting": "Hello, Ada!" }. */

#include "kit.h"

int main(void) {
  const char *data = data_of(read_input());
  const char *name = text_of(member(data, "name"));
  if (name == NULL || *name == '\0') return reject("validation", "NAME_MISSING", "name is missing");
  /* As it came, with its escapes: it is JSON again. */
  return reply("{\"greeting\":\"Hello, %s!\"}", name);
}
