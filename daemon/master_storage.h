#ifndef PCHAT_DAEMON_MASTER_STORAGE_H
#define PCHAT_DAEMON_MASTER_STORAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "conf/err.h"
#include "daemon/master_account.h"

/*
 * What the server has on disk and the master makes: directories, the journal's file, the key of the
 * resume tokens. The state directory may belong to the user of the other processes, so a file in it
 * is believed only if it is a plain one, ours, and without another name.
 */

/* Makes run_directory, state_directory and files.directory where they are missing; the last two belong
 * to owner. */
int storage_directories(const struct conf *conf, const struct account *owner,
			const struct account *compliance, struct err *err);

/*
 * Opens the journal, or makes one full of zeros, which the sequencer then formats. Both descriptors
 * are the caller's. The writable one is locked (flock), and so is every copy of it: as long as a
 * sequencer of an earlier master lives there is no second one. wait: microseconds to wait for that.
 */
int storage_journal(const struct conf *conf, uint64_t wait, int *rw_r, int *ro_r, struct err *err);

/* Makes state_directory/token.key if it is missing. */
int storage_token_key(const struct conf *conf, struct err *err);

/* Opens it for reading. */
int storage_open_token_key(const struct conf *conf, struct err *err);

#endif
