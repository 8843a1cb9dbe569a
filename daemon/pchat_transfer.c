#include "config.h"

#include "daemon/pchat_transfer.h"

#include <stdio.h>
#include <sysexits.h>

#include "conf/clock.h"
#include "daemon/client_room.h"

enum { FAILURES_MAX = 6, TURN_MS = 500 };

int pchat_transfer_init(struct pchat_transfer *transfer, struct pchat *pchat,
			const struct client_options *options, const struct pchat_transfer_ops *ops,
			void *ctx)
{
	struct err err;

	*transfer = (struct pchat_transfer){.pchat = pchat, .ops = ops, .ctx = ctx};
	transfer->http = client_http_new(options, &ops->http, ctx, &err);
	if (transfer->http)
		return 0;
	pchat_complain("%s", err.text);
	return -1;
}

void pchat_transfer_fini(struct pchat_transfer *transfer)
{
	client_http_free(&transfer->http);
}

void pchat_transfer_start(struct pchat_transfer *transfer,
			  const struct client_http_request *request)
{
	struct err err;

	transfer->running = client_http_start(transfer->http, request, &err) == 0;
	if (!transfer->running)
		pchat_transfer_failed(transfer, err.text);
}

void pchat_transfer_failed(struct pchat_transfer *transfer, const char *why)
{
	transfer->running = false;
	if (transfer->failures < FAILURES_MAX) {
		transfer->again_at = clock_mono() + client_pause(transfer->failures++);
		return;
	}
	pchat_complain("could not transfer the file: %s", why);
	pchat_finish(transfer->pchat, EX_TEMPFAIL);
}

void pchat_transfer_wait(struct pchat_transfer *transfer, struct pollfd *wait_r, int *timeout)
{
	const uint64_t now = clock_mono();
	uint64_t left;

	if (transfer->running) {
		client_http_poll(transfer->http, wait_r);
		if (*timeout > TURN_MS)
			*timeout = TURN_MS; /* it has limits of time */
	}
	if (transfer->again_at == 0)
		return;
	left = transfer->again_at > now ? (transfer->again_at - now) / 1000 + 1 : 0;
	if (left < (uint64_t)*timeout)
		*timeout = (int)left;
}

void pchat_transfer_turn(struct pchat_transfer *transfer)
{
	struct err err = {.text = "the server does not answer"};
	int result = 0;

	if (transfer->again_at != 0 && clock_mono() >= transfer->again_at) {
		transfer->again_at = 0;
		transfer->ops->again(transfer->ctx);
	}
	if (!transfer->running)
		return;
	result = client_http_turn(transfer->http, &err);
	if (result == 0 && !client_http_stands_still(transfer->http))
		return;
	transfer->running = false;
	if (result != 1) {
		pchat_transfer_failed(transfer, err.text);
		return;
	}
	switch (client_http_status(transfer->http)) {
	case 408:
	case 409:
	case 503:
		pchat_transfer_failed(transfer, client_http_text(transfer->http));
		break;
	default:
		transfer->ops->answered(transfer->ctx, client_http_status(transfer->http),
					client_http_text(transfer->http));
	}
}

void pchat_transfer_refused(struct pchat_transfer *transfer, unsigned status, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	if (message)
		pchat_complain("the server refused: %s", message);
	else
		pchat_complain("the server refused with HTTP status %u", status);
	pchat_finish(transfer->pchat,
		     pchat_status_of((int)json_integer_value(json_object_get(error, "code"))));
	json_decref(answer);
}
