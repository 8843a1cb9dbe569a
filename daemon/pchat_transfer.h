#ifndef PCHAT_DAEMON_PCHAT_TRANSFER_H
#define PCHAT_DAEMON_PCHAT_TRANSFER_H

#include "daemon/client_http.h"
#include "daemon/pchat_run.h"

/* What pchat upload and pchat download share: a request that is made again when its connection breaks
 * or the server is busy, a few times. */
struct pchat_transfer_ops {
	struct client_http_handlers http; /* give and take: as there */
	/* Answered, with another status than those that ask for a repetition. */
	void (*answered)(void *ctx, unsigned status, const char *text);
	/* It is time to begin again; by pchat_transfer_start, when what is needed is known. */
	void (*again)(void *ctx);
};

struct pchat_transfer {
	struct pchat *pchat;		      /* borrowed, as are the next two */
	const struct pchat_transfer_ops *ops;
	void *ctx;
	struct client_http *http; /* owned */
	bool running;
	unsigned failures; /* since something was answered or moved on */
	uint64_t again_at; /* clock_mono(); 0: not */
};

int pchat_transfer_init(struct pchat_transfer *transfer, struct pchat *pchat,
			const struct client_options *options, const struct pchat_transfer_ops *ops,
			void *ctx) __attribute__((warn_unused_result));
void pchat_transfer_fini(struct pchat_transfer *transfer);

void pchat_transfer_start(struct pchat_transfer *transfer,
			  const struct client_http_request *request);

/* It did not work: again after a pause; or, at last, says so and finishes. */
void pchat_transfer_failed(struct pchat_transfer *transfer, const char *why);

/* For struct pchat_input. */
void pchat_transfer_wait(struct pchat_transfer *transfer, struct pollfd *wait_r, int *timeout);
void pchat_transfer_turn(struct pchat_transfer *transfer);

/* Says why the server refused, from its answer, and finishes. */
void pchat_transfer_refused(struct pchat_transfer *transfer, unsigned status, const char *text);

#endif
