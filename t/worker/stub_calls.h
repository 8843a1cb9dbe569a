#ifndef PCHAT_T_WORKER_STUB_CALLS_H
#define PCHAT_T_WORKER_STUB_CALLS_H

#include "stub.h"

/* What the calls that are made up have in common. */
struct chat {
	const struct conf *conf;
	struct stub_call call;
	struct session *session;
	struct transfer *transfer; /* the one under way */
	int transfer_code;	   /* what the next question is answered at once */
	bool spoiled;		   /* bytes of an upload were not those of the file */
};

/* Notes a call, for stub_last. */
void stub_called(struct session *session, const char *name, struct text text, uint64_t number);

extern const struct text stub_nothing;
extern const uint8_t stub_uuid[16]; /* of everything that has one */

#endif
