#ifndef PCHAT_DAEMON_CTL_FILE_DISK_H
#define PCHAT_DAEMON_CTL_FILE_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/err.h"
#include "odbc/content_file.h"

/* What uploaded files are on the disk: in DIRECTORY/xx/UUID, and what is known of each in a file of
 * the same name that ends in .json. Only pchat-file writes there; this only looks. */

/* What there is of one. */
struct ctl_file_disk {
	bool content, described; /* the two files */
	uint64_t size;
};

/* -1: it cannot even be looked for, err says why. */
int ctl_file_look(const char *directory, const uint8_t uuid[16], struct ctl_file_disk *disk_r,
		  struct err *err);

/* Reads a file to its end: its SHA-256 and its size. copy: it is written there, too; NULL: nowhere.
 */
int ctl_file_digest(FILE *in, FILE *copy, uint8_t sha256_r[CONTENT_FILE_HASH], uint64_t *size_r,
		    struct err *err);

/* The same of a content. */
int ctl_file_read(const char *directory, const uint8_t uuid[16], FILE *copy,
		  uint8_t sha256_r[CONTENT_FILE_HASH], uint64_t *size_r, struct err *err);

/* Whom every uuid is told that has a file there, its content or its description. False: no more are
 * wanted. */
typedef bool ctl_file_take(void *arg, const uint8_t uuid[16]);
int ctl_file_walk(const char *directory, ctl_file_take *take, void *arg, struct err *err);

#endif
