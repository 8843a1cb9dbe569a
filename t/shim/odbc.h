#ifndef PCHAT_SHIM_ODBC_H
#define PCHAT_SHIM_ODBC_H

#include <stdbool.h>

/*
 * An ODBC driver that hands everything on to the driver of SQLite and fails on demand. A test loads
 * it once more by dlopen, finds fail_plan by dlsym and says what is to happen at which call; calls
 * are counted from when the plan was made. The calls that count are those that may reach a
 * database: connecting, preparing, binding, executing, fetching, reading a column, making a
 * statement.
 */
enum fail_how {
	FAIL_NEVER,
	FAIL_BEFORE, /* it is not done, and answered with the state */
	FAIL_AFTER,  /* it is done, and answered with the state all the same */
	FAIL_LOSE,   /* it is not done, and the connection is gone */
	FAIL_ANSWER, /* it is done, and the connection is gone before its answer */
	FAIL_SLOW,   /* it is done a tenth of a second later */
	FAIL_HANG,   /* it never returns */
};

struct fail_plan {
	enum fail_how how;
	unsigned at;   /* the number of the call, from 1; 0: the next COMMIT */
	char state[6]; /* "" : fails without any diagnosis */
	int native;
	int tell;	/* a byte goes to this descriptor when it hangs */
	unsigned calls; /* counted so far, by the driver */

	/* The driver behaves as FreeTDS on SQL Server does (t/shim/freetds.h), and counts what a
	 * program had better not do, or must: */
	bool freetds;
	unsigned timeouts; /* time-outs of queries that were set */
	unsigned plans; /* parameters of no or another declared size, each of which costs a plan */
	unsigned snapshots; /* statements that ask for the isolation */
};

extern struct fail_plan fail_plan;

#endif
