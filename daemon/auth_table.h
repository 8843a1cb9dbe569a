#ifndef PCHAT_DAEMON_AUTH_TABLE_H
#define PCHAT_DAEMON_AUTH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/auth_sasl.h"
#include "shm/ask.h"
#include "shm/proc.h"

/*
 * Clients of workers that pchat-auth has to remember: those in the middle of an exchange, and
 * those that are local administrators. A table has a bound; its rows are in the order in which
 * they were added.
 */
struct auth_key { /* no padding: it is hashed as bytes */
	uint32_t slot, generation, session;
};

struct auth_client; /* a row */

struct auth_table {
	struct auth_client *rows; /* owned */
	unsigned max;
	uint32_t generation[WORKER_SLOTS]; /* of the workers, at the last auth_table_sweep */
};

void auth_table_init(struct auth_table *table, unsigned max);
void auth_table_fini(struct auth_table *table);

/* Adds a row, in place of the one that has this key. exchange (may be NULL) is taken:
 * *take_exchange is cleared on success. False: the table is full, or out of memory. */
bool auth_table_add(struct auth_table *table, const struct ask *question,
		    const struct text *address, uint64_t now,
		    struct auth_exchange **take_exchange);

struct auth_client *auth_table_find(const struct auth_table *table, const struct ask *question);
void auth_table_remove(struct auth_table *table, const struct ask *question);

/* Borrowed from the row. */
struct auth_exchange *auth_client_exchange(const struct auth_client *client);
struct text auth_client_address(const struct auth_client *client);

unsigned auth_table_count(const struct auth_table *table);

/* Removes the oldest row; it must not be empty. */
void auth_table_remove_oldest(struct auth_table *table);

/* Removes rows that were added before the time given (clock_mono), and those of workers that
 * are gone. */
void auth_table_sweep(struct auth_table *table, uint64_t before, const struct proc *proc);

#endif
