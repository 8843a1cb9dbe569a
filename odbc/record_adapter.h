#ifndef PCHAT_ODBC_RECORD_ADAPTER_H
#define PCHAT_ODBC_RECORD_ADAPTER_H

#include <stdint.h>

#include "odbc/db.h"

/*
 * Where each adapter stands in the compliance database: one row each, written by pchat-adapter
 * only. The end of a batch is noted before the first of its files is made, so that a crash does
 * not change what is in which file.
 */
struct record_adapter {
	char name[CONF_ADAPTER_NAME];
	uint64_t done;	   /* number of the last record that is in its files */
	uint64_t batch;	   /* that of the last one of the batch under way; 0: there is none */
	uint64_t ran;	   /* when it last had everything there was, UTC us; 0: never */
	uint64_t failures; /* of the batch under way, one behind the other */
	uint64_t failing;  /* since when, UTC us; 0: it does not fail */
	char error[512];   /* of the newest failure; "": there is none */
};

/* DB_END: there is none. */
enum db_result record_adapter_get(struct db *db, const char *name, struct record_adapter *adapter_r,
				  struct err *err);

/* In a transaction of its own. After DB_UNCERTAIN it may be put again. */
enum db_result record_adapter_put(struct db *db, const struct record_adapter *adapter,
				  struct err *err);

/* The first by name above another ("": of all); DB_END: there is none. */
enum db_result record_adapter_next(struct db *db, const char *above,
				   struct record_adapter *adapter_r, struct err *err);

/*
 * Up to which record every adapter that is configured has everything: what is below nobody needs
 * for files any more. UINT64_MAX: none is configured.
 */
enum db_result record_adapter_floor(struct db *db, const struct conf *conf, uint64_t *number_r,
				    struct err *err);

#endif
