#include "config.h"

#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/clock.h"

static struct disk *current;

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
int __real_fdatasync(int fd);
uint64_t __real_clock_utc(void);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
int __wrap_fdatasync(int fd);
uint64_t __wrap_clock_utc(void);

static void die(const char *what)
{
	(void)!write(2, what, strlen(what));
	abort();
}

struct disk *disk_new(size_t size)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	if (!disk || size % DISK_SECTOR != 0)
		die("could not make a disk\n");
	disk->size = size;
	disk->image = calloc(1, size);
	disk->pending = calloc(1, size / DISK_SECTOR);
	disk->fd = memfd_create("disk", MFD_CLOEXEC);
	if (!disk->image || !disk->pending || disk->fd < 0 || ftruncate(disk->fd, (off_t)size) < 0)
		die("could not make a disk\n");
	current = disk;
	return disk;
}

void disk_free(struct disk **disk)
{
	if (*disk) {
		close((*disk)->fd);
		free((*disk)->image);
		free((*disk)->pending);
		current = NULL;
	}
	free(*disk);
	*disk = NULL;
}

static void sector_reaches_disk(struct disk *disk, size_t sector)
{
	size_t at = sector * DISK_SECTOR;

	if (pread(disk->fd, disk->image + at, DISK_SECTOR, (off_t)at) != DISK_SECTOR)
		die("could not read the cache\n");
}

void disk_crash(struct disk *disk, unsigned chance)
{
	for (size_t sector = 0; sector < disk->size / DISK_SECTOR; sector++) {
		if (disk->pending[sector] && chance > 0 && random() % chance == 0)
			sector_reaches_disk(disk, sector);
		disk->pending[sector] = 0;
	}
	if (__real_pwrite(disk->fd, disk->image, disk->size, 0) != (ssize_t)disk->size)
		die("could not fill the cache\n");
}

void disk_poke(struct disk *disk, size_t at, const void *bytes, size_t size)
{
	memcpy(disk->image + at, bytes, size);
	if (__real_pwrite(disk->fd, bytes, size, (off_t)at) != (ssize_t)size)
		die("could not write to the cache\n");
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	struct disk *disk = current;
	ssize_t n;

	if (!disk || fd != disk->fd)
		return __real_pwrite(fd, bytes, size, at);
	if (disk->interrupts > 0) {
		disk->interrupts--;
		errno = EINTR;
		return -1;
	}
	if (disk->write_error) {
		errno = disk->write_error;
		return -1;
	}
	if (disk->write_max > 0 && size > disk->write_max)
		size = disk->write_max;
	n = __real_pwrite(fd, bytes, size, at);
	for (size_t k = (size_t)at / DISK_SECTOR; n > 0; k++) {
		if (k * DISK_SECTOR >= (size_t)at + (size_t)n)
			break;
		disk->pending[k] = 1;
	}
	return n;
}

/* One that fails leaves the sectors in the cache as if they were clean: some are on the disk. */
int __wrap_fdatasync(int fd)
{
	struct disk *disk = current;
	int error;

	if (!disk || fd != disk->fd)
		return __real_fdatasync(fd);
	error = disk->sync_error;
	disk->sync_error = 0;
	disk->syncs++;
	for (size_t sector = 0; sector < disk->size / DISK_SECTOR; sector++) {
		if (disk->pending[sector] && (!error || random() % 2))
			sector_reaches_disk(disk, sector);
		disk->pending[sector] = 0;
	}
	errno = error;
	return error ? -1 : 0;
}

uint64_t __wrap_clock_utc(void)
{
	return current && current->clock ? current->clock : __real_clock_utc();
}
