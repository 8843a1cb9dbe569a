#include "daemon/adapter_pack.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file: the head, then each record, its texts behind it, each with a NUL behind it, and zeros up
 * to the next multiple of 8. */
#define MAGIC UINT64_C(0x6b63617061686370) /* "pchapack" */

enum { TEXTS = 15, ALIGN = 8, BUFFER = 1 << 16 };

struct head {
	uint64_t magic, count;
};

struct packed {
	uint64_t number, lsn, time, message;
	uint32_t flags, room_id, user;
	uint32_t length[TEXTS]; /* of each text, without the NUL */
};
static_assert(sizeof(struct packed) % ALIGN == 0, "records are aligned");

int adapter_pack_init(struct adapter_pack *pack, struct err *err)
{
	const struct head head = {0}; /* not valid before the end */
	const int fd = memfd_create("pchat-batch", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	*pack = (struct adapter_pack){.out = fd == -1 ? NULL : fdopen(fd, "w")};
	if (pack->out && setvbuf(pack->out, NULL, _IOFBF, BUFFER) == 0 &&
	    fwrite(&head, sizeof(head), 1, pack->out) == 1)
		return 0;
	err_errno(err, "could not make a batch");
	if (!pack->out && fd != -1)
		close(fd);
	adapter_pack_fini(pack);
	return -1;
}

void adapter_pack_fini(struct adapter_pack *pack)
{
	if (pack->out)
		fclose(pack->out);
	*pack = (struct adapter_pack){0};
}

void adapter_pack_add(struct adapter_pack *pack, const struct record_row *row)
{
	static const char zeros[ALIGN];
	const struct db_bytes hash = {row->hash, strlen(row->hash)};
	const struct db_bytes texts[TEXTS] = {
		row->type,     row->room,      row->room_name, row->description, row->category,
		row->user_uri, row->user_name, row->address,   row->session,	 hash,
		row->title,    row->content,   row->rich_type, row->rich,	 row->detail};
	struct packed packed = {
		.number = row->number,
		.lsn = row->lsn,
		.time = row->time,
		.message = row->message,
		.flags = row->flags,
		.room_id = row->room_id,
		.user = row->user_id,
	};
	size_t size = 0;

	for (unsigned i = 0; i < TEXTS; i++) {
		packed.length[i] = (uint32_t)texts[i].length;
		size += texts[i].length + 1;
	}
	fwrite(&packed, sizeof(packed), 1, pack->out);
	for (unsigned i = 0; i < TEXTS; i++) {
		if (texts[i].length > 0)
			fwrite(texts[i].data, 1, texts[i].length, pack->out);
		fputc('\0', pack->out);
	}
	fwrite(zeros, 1, -size % ALIGN, pack->out);
	pack->count++;
	pack->bytes += sizeof(packed) + size;
	pack->last = row->number;
}

/* A second descriptor outlives the stream. */
static int seal(struct adapter_pack *pack, int fd)
{
	const struct head head = {.magic = MAGIC, .count = pack->count};
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	if (ferror(pack->out) || fflush(pack->out) != 0)
		return -1;
	if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return -1;
	return fcntl(fd, F_ADD_SEALS, seals);
}

int adapter_pack_end(struct adapter_pack *pack, struct err *err)
{
	int fd = fcntl(fileno(pack->out), F_DUPFD_CLOEXEC, 0);

	if (fd == -1 || seal(pack, fd) == -1) {
		err_errno(err, "could not make a batch");
		if (fd != -1)
			close(fd);
		fd = -1;
	}
	adapter_pack_fini(pack);
	return fd;
}

/* --- The other side. --- */

enum adapter_kind adapter_kind_of(const char *type)
{
	static const struct {
		const char *type;
		enum adapter_kind kind;
	} kinds[] = {
		{"join", ADAPTER_JOIN},
		{"part", ADAPTER_PART},
		{"chat", ADAPTER_CHAT},
		{"view", ADAPTER_BACKCHAT},
		{"search", ADAPTER_BACKCHAT},
		{"upload", ADAPTER_FILEUPLOAD},
		{"download", ADAPTER_FILEDOWNLOAD},
		{"file_removed", ADAPTER_FILEREMOVE},
		{"remove", ADAPTER_REMOVE},
		{"replace", ADAPTER_REPLACE},
		{"purge", ADAPTER_PURGE},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	return ADAPTER_OTHER;
}

/* The texts behind a record; their size with all NULs, or 0 where they are not what they should be.
 */
static size_t take_texts(const struct packed *packed, size_t left, const char *texts[TEXTS])
{
	const char *at = (const char *)(packed + 1), *begin = at;

	for (unsigned i = 0; i < TEXTS; i++) {
		if (packed->length[i] >= left || at[packed->length[i]] != '\0')
			return 0;
		texts[i] = at;
		at += packed->length[i] + 1;
		left -= packed->length[i] + 1;
	}
	return (size_t)(at - begin);
}

static void fill(struct adapter_record *record, const struct packed *packed,
		 const char *const texts[TEXTS])
{
	*record = (struct adapter_record){
		.number = packed->number,
		.lsn = packed->lsn,
		.time = packed->time,
		.message = packed->message,
		.flags = packed->flags,
		.room_id = packed->room_id,
		.user = packed->user,
		.history = packed->flags & RECORD_HISTORY,
		.alert = packed->flags & RECORD_ALERT,
		.kind = adapter_kind_of(texts[0]),
		.type = texts[0],
		.room = texts[1],
		.room_name = texts[2],
		.room_description = texts[3],
		.category = texts[4],
		.user_uri = texts[5],
		.user_name = texts[6],
		.address = texts[7],
		.session = texts[8],
		.hash = texts[9],
		.title = texts[10],
		.content = texts[11],
		.rich_type = texts[12],
		.rich = texts[13],
		.detail = texts[14],
	};
}

/* Takes the record that stands there; how many bytes it has, 0: it is none. */
static size_t take_record(struct adapter_unpack *unpack, size_t at)
{
	const struct packed *packed = (const struct packed *)((const char *)unpack->base + at);
	const char *texts[TEXTS];
	size_t left = unpack->size - at, size;

	if (left < sizeof(*packed))
		return 0;
	left -= sizeof(*packed);
	size = take_texts(packed, left, texts);
	if (size == 0 || size + -size % ALIGN > left)
		return 0;
	fill(&unpack->record[unpack->batch.count++], packed, texts);
	return sizeof(*packed) + size + -size % ALIGN;
}

static bool take_records(struct adapter_unpack *unpack, uint64_t count)
{
	size_t at = sizeof(struct head), size;

	while (unpack->batch.count < count) {
		size = take_record(unpack, at);
		if (size == 0)
			return false;
		at += size;
	}
	return at == unpack->size;
}

int adapter_unpack(struct adapter_unpack *unpack, int fd, struct err *err)
{
	const struct head *head;
	struct stat stat;

	*unpack = (struct adapter_unpack){0};
	if (fstat(fd, &stat) == -1 || stat.st_size < (off_t)sizeof(*head))
		return err_set(err, "could not read a batch: it is not there");
	unpack->size = (size_t)stat.st_size;
	unpack->base = mmap(NULL, unpack->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (unpack->base == MAP_FAILED) {
		unpack->base = NULL;
		return err_errno(err, "could not read a batch");
	}
	head = unpack->base;
	if (head->magic == MAGIC && head->count > 0 &&
	    head->count <= unpack->size / sizeof(struct packed))
		unpack->record = calloc(head->count, sizeof(*unpack->record));
	if (unpack->record && take_records(unpack, head->count)) {
		unpack->batch.record = unpack->record;
		return 0;
	}
	adapter_unpack_free(unpack);
	return err_set(err, "could not read a batch: it is malformed, or memory is short");
}

void adapter_unpack_free(struct adapter_unpack *unpack)
{
	free(unpack->record);
	if (unpack->base)
		munmap(unpack->base, unpack->size);
	*unpack = (struct adapter_unpack){0};
}
