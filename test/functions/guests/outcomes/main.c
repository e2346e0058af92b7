/* Answers in the output form, as the data say: with their member "answer", or with those of each item of a batch. */

#include "../../../../functions/templates/c/kit.c"

static void print_value(const char *value) {
  if (value == NULL) printf("null");
  else printf("%.*s", (int)(past_value(value) - value), value);
}

int main(void) {
  const char *data = data_of(read_input());
  const char *item = member(data, "items");
  if (item == NULL) {
    print_value(member(data, "answer"));
    return DONE;
  }
  printf("{\"success\":true,\"data\":[");
  for (item = blanks(item + 1); *item != ']' && *item != '\0'; item = blanks(item)) {
    print_value(member(data_of(item), "answer"));
    item = blanks(past_value(item));
    if (*item != ',') break;
    printf(",");
    item++;
  }
  printf("],\"metadata\":{\"batch\":");
  print_value(member(data, "batch_id"));
  printf("}}");
  return DONE;
}
