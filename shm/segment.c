#include "config.h"

#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The size is sealed: whoever holds the writable descriptor could otherwise cut the file off under
 * those who have mapped it, and kill them by SIGBUS.
 */
static int segment_prepare(int fd, const char *name, uint64_t size, struct err *err)
{
	if (fchmod(fd, 0600) < 0)
		return err_errno(err, "could not set the mode of memory file %s", name);
	if (ftruncate(fd, (off_t)size) < 0)
		return err_errno(err, "could not give memory file %s %llu bytes", name,
				 (unsigned long long)size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_errno(err, "could not seal the size of memory file %s", name);
	return 0;
}

static int segment_reopen(int fd, const char *name, struct err *err)
{
	char path[64];
	int ro;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	if (ro < 0)
		return err_errno(err, "could not open memory file %s (%s) read-only", name, path);
	return ro;
}

int segment_create(const char *name, uint64_t size, int *rw_r, int *ro_r, struct err *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int rw, ro;

	if (size == 0 || size > INT64_MAX - page)
		return err_set(err, "could not make memory file %s: %llu bytes are not a size",
			       name, (unsigned long long)size);
	size = (size + page - 1) / page * page;

	rw = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (rw < 0)
		return err_errno(err, "could not make memory file %s", name);
	if (segment_prepare(rw, name, size, err) < 0)
		goto fail;
	ro = segment_reopen(rw, name, err);
	if (ro < 0)
		goto fail;
	*rw_r = rw;
	*ro_r = ro;
	return 0;
fail:
	close(rw);
	return -1;
}

int segment_map(struct segment *segment, int fd, bool writable, struct err *err)
{
	int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;
	void *base;

	*segment = (struct segment){0};
	if (fstat(fd, &st) < 0)
		return err_errno(err, "could not find the size of the file behind descriptor %d",
				 fd);
	if (st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX)
		return err_set(err, "could not map descriptor %d: the file has %lld bytes", fd,
			       (long long)st.st_size);
	base = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return err_errno(err, "could not map descriptor %d", fd);
	segment->base = base;
	segment->size = (size_t)st.st_size;
	return 0;
}

void segment_unmap(struct segment *segment)
{
	if (segment->base)
		munmap(segment->base, segment->size);
	*segment = (struct segment){0};
}
