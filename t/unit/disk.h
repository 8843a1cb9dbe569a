#ifndef PCHAT_T_UNIT_DISK_H
#define PCHAT_T_UNIT_DISK_H

#include <stddef.h>
#include <stdint.h>

/*
 * A file on a disk that can lose power. What the program under test reads is the page cache: a real
 * file. What pwrite puts there reaches the disk, an image in memory, when fdatasync returns, or
 * sector by sector at any time before, or never. Test programs that use this are linked with
 * --wrap=pwrite,--wrap=fdatasync,--wrap=clock_utc.
 */
struct disk {
	int fd; /* of the file */
	size_t size;
	uint8_t *image;	     /* what is on the disk */
	uint8_t *pending;    /* for each sector: written, not known to be on the disk */
	unsigned syncs;	     /* calls of fdatasync */
	int sync_error;	     /* errno that the next fdatasync fails with, 0: none */
	int write_error;     /* the same of the next pwrite */
	size_t write_max;    /* bytes that one pwrite takes at most, 0: any */
	unsigned interrupts; /* this many pwrites fail with EINTR */
	uint64_t clock;	     /* what clock_utc says, 0: the time */
};

enum { DISK_SECTOR = 512 };

/* One disk at a time: the wrapped calls have no argument to find it by. */
struct disk *disk_new(size_t size);
void disk_free(struct disk **disk);

/*
 * Loses power: of the sectors that were not synced each is on the disk with a chance of one in
 * chance (0: none), and then the disk is all there is.
 */
void disk_crash(struct disk *disk, unsigned chance);

/* Writes directly, into cache and disk: damage. */
void disk_poke(struct disk *disk, size_t at, const void *bytes, size_t size);

#endif
