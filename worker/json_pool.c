#include <string.h>

#include "worker/json_object.h"
#include "worker/json_peer.h"
#include "worker/json_text.h"
#include "worker/pool.h"

/* Which workers there are: what administrators call, and the answer. */

static int pool_workers(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	(void)params;
	chat_pool(&peer->session, id);
	return CODE_OK;
}

const struct json_method json_pool_methods[] = {
	{"pool.workers", JSON_LOCAL, pool_workers},
	{NULL, JSON_ANYBODY, NULL},
};

static void put_number(struct buf *buf, const char *name, uint64_t number)
{
	buf_string(buf, name);
	buf_number(buf, number);
}

static void put_worker(struct buf *buf, const struct pool_worker *worker)
{
	put_number(buf, "\"slot\":", worker->slot);
	put_number(buf, ",\"pid\":", (uint64_t)worker->pid);
	buf_string(buf, ",\"state\":");
	json_put_string(buf, worker->state, strlen(worker->state));
	put_number(buf, ",\"sessions\":", worker->sessions);
	put_number(buf, ",\"connections\":", worker->connections);
}

void json_answer_pool(struct session *session, const struct chat_id *id,
		      const struct pool_view *view)
{
	struct buf buf;

	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"places\":[");
	for (unsigned i = 0; i < view->places; i++) {
		put_number(&buf, i > 0 ? ",{\"place\":" : "{\"place\":", i);
		buf_string(&buf, view->place[i].active ? ",\"active\":true" : ",\"active\":false");
		if (view->place[i].served) {
			buf_char(&buf, ',');
			put_worker(&buf, &view->place[i].worker);
		}
		buf_char(&buf, '}');
	}
	buf_string(&buf, "],\"others\":[");
	for (unsigned i = 0; i < view->others; i++) {
		buf_string(&buf, i > 0 ? ",{" : "{");
		put_worker(&buf, &view->other[i]);
		buf_char(&buf, '}');
	}
	put_number(&buf, "],\"revision\":", view->revision);
	buf_char(&buf, '}');
	json_finish(session, &buf);
}
