#ifndef PCHAT_CONF_ERR_H
#define PCHAT_CONF_ERR_H

/*
 * The text of a failure, for a log line or a person. A function that can fail takes a struct err
 * last, returns -1 (or NULL) and says in it what was attempted and why it failed.
 */
struct err {
	char text[512];
};

/* Sets the text; longer text is cut. Returns -1, so that a caller can return the call. */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, followed by ": " and strerror(errno). */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
