/*
 * What administrators are handed, or other processes hand over: the first byte says what the rest is.
 *   a  an archive (uncompressed, which zlib takes as it is)
 *   b  a batch of records for an adapter's writer
 *   c  a configuration
 *   n  the name of a socket that pchat-admin connects
 *   t  two topology documents, a 0x01 between them: the one that is wanted, and the one before
 */
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/log.h"
#include "daemon/adapter_pack.h"
#include "daemon/archive.h"
#include "daemon/relay_name.h"
#include "daemon/topology.h"
#include "fuzz.h"

enum { LINES_MAX = 1000 };

/* A file with these bytes; its path goes to path_r. */
static int file_of(const uint8_t *data, size_t size, char path_r[64])
{
	const int fd = memfd_create("document", MFD_CLOEXEC);

	fuzz_check(fd != -1 && write(fd, data, size) == (ssize_t)size);
	snprintf(path_r, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void try_archive(const uint8_t *data, size_t size)
{
	char path[64], *line;
	const int fd = file_of(data, size, path);
	struct archive_reader *reader;
	size_t length;
	struct err err;

	reader = archive_open(path, &err);
	fuzz_check(reader);
	while (archive_next(reader, &line, &length, &err) == 1)
		fuzz_check(line[length] == '\0' && archive_line(reader) <= LINES_MAX + size);
	archive_reader_free(&reader);
	close(fd);
}

static void try_batch(const uint8_t *data, size_t size)
{
	char path[64];
	const int fd = file_of(data, size, path);
	struct adapter_unpack unpack;
	size_t used = 0;
	struct err err;

	if (adapter_unpack(&unpack, fd, &err) == 0) {
		for (size_t i = 0; i < unpack.batch.count; i++)
			used += strlen(unpack.batch.record[i].content) +
				strlen(unpack.batch.record[i].detail);
		fuzz_check(used <= size);
		adapter_unpack_free(&unpack);
	}
	close(fd);
}

static void try_configuration(const uint8_t *data, size_t size)
{
	char path[64];
	const int fd = file_of(data, size, path);
	struct conf *conf;
	struct err err;

	conf = conf_load(path, &err);
	if (conf)
		fuzz_check(conf->domain && *conf->domain);
	conf_free(&conf);
	close(fd);
}

static void try_name(const uint8_t *data, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct relay_name name;

	if (size > sizeof(address.sun_path))
		size = sizeof(address.sun_path);
	memcpy(address.sun_path, data, size);
	if (relay_name_get(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size),
			   &name))
		fuzz_check(*name.address && memchr(name.address, 0, sizeof(name.address)));
}

static json_t *json_of(const uint8_t *data, size_t size)
{
	return json_loadb((const char *)data, size, 0, NULL);
}

/* It is told what is wrong, and what is merged can be looked at again. */
static void try_topology(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, 1, size) : NULL;
	const size_t first = end ? (size_t)(end - data) : size;
	json_t *document = json_of(data, first), *mistakes, *merged;
	json_t *before = end ? json_of(end + 1, size - first - 1) : NULL;

	mistakes = document ? topology_mistakes(document, before) : NULL;
	fuzz_check(!document || mistakes);
	json_decref(mistakes);
	merged = document && before ? topology_merge(before, document) : NULL;
	mistakes = merged ? topology_mistakes(merged, before) : NULL;
	fuzz_check(!merged || mistakes);
	json_decref(mistakes);
	json_decref(merged);
	json_decref(document);
	json_decref(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 65536)
		return 0;
	log_level(LOG_EMERG);
	switch (data[0]) {
	case 'a':
		try_archive(data + 1, size - 1);
		break;
	case 'b':
		try_batch(data + 1, size - 1);
		break;
	case 'c':
		try_configuration(data + 1, size - 1);
		break;
	case 'n':
		try_name(data + 1, size - 1);
		break;
	default:
		try_topology(data + 1, size - 1);
	}
	return 0;
}
