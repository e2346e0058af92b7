/* The author's kit: what the gateway sends, read as JSON, and the exit codes that say what is to become of an event. */

#ifndef KIT_H
#define KIT_H

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

/* Says why the event is refused; main returns what this returns. */
int reject(const char *code, const char *message);

#endif
