#ifndef PCHAT_DAEMON_CTL_H
#define PCHAT_DAEMON_CTL_H

#include <stdbool.h>

#include <jansson.h>

/*
 * pchatctl: one verb a run. Functions that return int return an exit code of sysexits(3); where it
 * is not 0, they have said on stderr why.
 */
struct ctl {
	const char *name;	   /* "user add", for messages */
	const char *run_directory; /* borrowed, as all that follows */
	bool json;
	const char *password_file, *full_name, *description; /* options; NULL: not given */
	char **arguments;
	int count; /* of the arguments; the table of verbs says how many there can be */
};

/* Says "pchatctl: NOUN VERB: ..." and returns the code. */
int ctl_fail(const struct ctl *ctl, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes a result as one document. */
int ctl_print_json(const struct ctl *ctl, const json_t *document);

/*
 * Asks the server, on run_directory/admin.sock. take_params is taken. *result_r is the caller's.
 * EX_UNAVAILABLE: it is down; EX_TEMPFAIL: busy, or no answer in time; EX_NOPERM; EX_DATAERR: it
 * refused, for the reason that was printed.
 */
int ctl_call(const struct ctl *ctl, const char *method, json_t *take_params, json_t **result_r);

/* All rows of a method that answers in pages; *rows_r is an array of the caller's. */
int ctl_call_pages(const struct ctl *ctl, const char *method, json_t *take_params,
		   const char *member, json_t **rows_r);

/* The new password, from the file that was named ("-": stdin) or asked for twice at the
 * terminal. The caller wipes it. */
enum { CTL_PASSWORD_MAX = 1024 };
int ctl_password(const struct ctl *ctl, char password_r[CTL_PASSWORD_MAX + 1]);

/* --- The verbs. --- */

int ctl_status(const struct ctl *ctl);
int ctl_user_add(const struct ctl *ctl);
int ctl_user_passwd(const struct ctl *ctl);
int ctl_user_list(const struct ctl *ctl);
int ctl_user_remove(const struct ctl *ctl);
int ctl_room_create(const struct ctl *ctl);
int ctl_room_list(const struct ctl *ctl);

#endif
