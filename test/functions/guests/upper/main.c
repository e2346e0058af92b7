/* An ordinary filter: writes standard input in capitals. Nothing in it knows of a gateway. */

#include <ctype.h>
#include <stdio.h>

int main(int argc, char **argv) {
  (void)argv;
  int c;
  while ((c = getchar()) != EOF) putchar(toupper(c));
  return argc == 1 ? 0 : 64;
}
