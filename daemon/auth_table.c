#include "daemon/auth_table.h"

#include <stdlib.h>
#include <string.h>

#include "conf/bug.h"

/* An addition that finds no memory is a full table, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(row) ((row)->lost = true)
#include <uthash.h>

struct auth_client {
	struct auth_key key;
	bool lost; /* could not be added */
	uint64_t since;
	struct auth_exchange *exchange; /* owned */
	uint32_t address_length;
	char address[EVENT_ADDRESS_MAX];
	UT_hash_handle hh;
};

static struct auth_key key_of(const struct ask *question)
{
	return (struct auth_key){question->slot, question->generation, question->session};
}

static void client_free(struct auth_client **client)
{
	if (*client)
		auth_exchange_free(&(*client)->exchange);
	free(*client);
	*client = NULL;
}

static void drop(struct auth_table *table, struct auth_client *client)
{
	HASH_DEL(table->rows, client);
	client_free(&client);
}

void auth_table_init(struct auth_table *table, unsigned max)
{
	memset(table, 0, sizeof(*table));
	table->max = max;
}

void auth_table_fini(struct auth_table *table)
{
	while (table->rows)
		drop(table, table->rows);
}

unsigned auth_table_count(const struct auth_table *table)
{
	return HASH_COUNT(table->rows);
}

struct auth_client *auth_table_find(const struct auth_table *table, const struct ask *question)
{
	const struct auth_key key = key_of(question);
	struct auth_client *client;

	HASH_FIND(hh, table->rows, &key, sizeof(key), client);
	return client;
}

void auth_table_remove(struct auth_table *table, const struct ask *question)
{
	struct auth_client *client = auth_table_find(table, question);

	if (client)
		drop(table, client);
}

bool auth_table_add(struct auth_table *table, const struct ask *question,
		    const struct text *address, uint64_t now,
		    struct auth_exchange **take_exchange)
{
	struct auth_client *client;

	bug_on(address->length > EVENT_ADDRESS_MAX);
	auth_table_remove(table, question);
	if (auth_table_count(table) >= table->max)
		return false;
	client = calloc(1, sizeof(*client));
	if (!client)
		return false;
	client->key = key_of(question);
	client->since = now;
	client->address_length = address->length;
	memcpy(client->address, address->data, address->length);
	HASH_ADD(hh, table->rows, key, sizeof(client->key), client);
	if (client->lost) {
		client_free(&client);
		return false;
	}
	if (take_exchange) {
		client->exchange = *take_exchange;
		*take_exchange = NULL;
	}
	return true;
}

struct auth_exchange *auth_client_exchange(const struct auth_client *client)
{
	return client->exchange;
}

struct text auth_client_address(const struct auth_client *client)
{
	return (struct text){client->address, client->address_length};
}

void auth_table_remove_oldest(struct auth_table *table)
{
	bug_on(!table->rows);
	drop(table, table->rows);
}

static bool generations_changed(struct auth_table *table, const struct proc *proc)
{
	const struct proc_page *master = proc->page[SLOT_MASTER];
	bool changed = false;

	for (unsigned i = 0; master && i < WORKER_SLOTS; i++) {
		const uint32_t now = atomic_load(&master->slots[SLOT_WORKER + i].generation);

		changed = changed || now != table->generation[i];
		table->generation[i] = now;
	}
	return changed;
}

void auth_table_sweep(struct auth_table *table, uint64_t before, const struct proc *proc)
{
	struct auth_client *client, *next;

	while (table->rows && table->rows->since < before)
		drop(table, table->rows);
	if (!generations_changed(table, proc))
		return;
	HASH_ITER(hh, table->rows, client, next)
	{
		if (client->key.generation != table->generation[client->key.slot - SLOT_WORKER])
			drop(table, client);
	}
}
