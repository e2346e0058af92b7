/* The author's kit: what the gateway sends, read as JSON, and what is to become of it: a reply, events, a failure. */

#ifndef KIT_H
#define KIT_H

#include <stddef.h>

/* Exit codes of sysexits.h: every other is another attempt, too. */
enum { DONE = 0, REJECTED = 65, TRY_AGAIN = 75 };

/* Reads all of standard input: an event in the JSON format of CloudEvents, or the parameters of a call by name. */
char *read_input(void);

/* The data of an event, or the parameters as they are. NULL when there are none. */
const char *data_of(const char *input);

/* The value of a member of an object; NULL when that is no object, or has none of that name. */
const char *member(const char *object, const char *name);

/* A copy of a string between its quotes, with its escapes; NULL when the value is no string. */
char *text_of(const char *value);

/* Answers with JSON, written as printf does; main returns what this returns. */
int reply(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sends an event on its way through the routes once it went well, with JSON written as printf does. Its id comes from the
   gateway, the same whenever the same event is tried again. The configuration of the function says "output: outcome" then. */
void emit(const char *source, const char *type, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Sets what a caller over HTTP gets as status, 200 to 599. It needs "output: outcome", as emit does. */
void set_status(int code);

/* Refuses the event: a dead letter at once. `kind` is validation, business, system or timeout. main returns what this returns. */
int reject(const char *kind, const char *code, const char *message);

/* Asks for another attempt, not before that many milliseconds. main returns what this returns. */
int try_again(const char *message, long after_ms);

#endif
