#ifndef PCHAT_DAEMON_ADAPTER_WRITER_H
#define PCHAT_DAEMON_ADAPTER_WRITER_H

#include <stdint.h>

/*
 * The process that makes the files of one batch: "pchat-adapter -w NAME", started by pchat-adapter
 * with these descriptors and nothing else. It has no database and no secret of the server, and if a
 * directory, a stylesheet or a program hangs, nobody hangs with it.
 */
enum writer_fd {
	WRITER_BATCH = 3,  /* adapter_pack_end */
	WRITER_RESULT = 4, /* struct writer_result is written here at the end */
	WRITER_CONF = 5,   /* conf_snapshot_adapters */
	WRITER_END = 6,
};

struct writer_result {
	uint32_t failed, files;
	char error[504]; /* terminated */
};

/* The whole process; its exit status. */
int adapter_writer_main(const char *name);

#endif
