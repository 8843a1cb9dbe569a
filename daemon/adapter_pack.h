#ifndef PCHAT_DAEMON_ADAPTER_PACK_H
#define PCHAT_DAEMON_ADAPTER_PACK_H

#include "daemon/adapter.h"
#include "odbc/record.h"

/*
 * A batch on its way from pchat-adapter, which has the database, to the process that makes files
 * of it and has not: in a memory file, sealed when it is whole.
 */
struct adapter_pack {
	FILE *out; /* owned */
	uint64_t count, bytes;
	uint64_t last; /* number of the last record */
};

int adapter_pack_init(struct adapter_pack *pack, struct err *err);
void adapter_pack_fini(struct adapter_pack *pack);

/* Failures show at the end. */
void adapter_pack_add(struct adapter_pack *pack, const struct record_row *row);

/* A descriptor of the sealed file, which is the caller's; -1. Either way the pack is empty after.
 */
int adapter_pack_end(struct adapter_pack *pack, struct err *err);

/* The other side. The records and their texts are good until adapter_unpack_free. */
struct adapter_unpack {
	struct adapter_batch batch;
	struct adapter_record *record; /* owned */
	void *base;		       /* mapped */
	size_t size;
};

int adapter_unpack(struct adapter_unpack *unpack, int fd, struct err *err);
void adapter_unpack_free(struct adapter_unpack *unpack);

/* What a type of record is in conversations. */
enum adapter_kind adapter_kind_of(const char *type);

#endif
