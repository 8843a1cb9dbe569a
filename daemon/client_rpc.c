#include "config.h"

#include "daemon/client_rpc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf/code.h"

struct call {
	TAILQ_ENTRY(call) link;
	json_int_t id;
	client_reply_fn *reply;
	void *ctx; /* borrowed */
};

struct client_rpc {
	client_send_fn *send;
	client_notify_fn *notify;
	void *ctx;
	json_int_t last_id;
	TAILQ_HEAD(, call) calls; /* owned; in the order of their ids */
};

struct client_rpc *client_rpc_new(client_send_fn *send, client_notify_fn *notify, void *ctx)
{
	struct client_rpc *rpc = calloc(1, sizeof(*rpc));
	if (!rpc)
		return NULL;
	rpc->send = send;
	rpc->notify = notify;
	rpc->ctx = ctx;
	TAILQ_INIT(&rpc->calls);
	return rpc;
}

void client_rpc_free(struct client_rpc **rpc)
{
	struct call *call;
	if (!*rpc)
		return;
	while ((call = TAILQ_FIRST(&(*rpc)->calls))) {
		TAILQ_REMOVE(&(*rpc)->calls, call, link);
		free(call);
	}
	free(*rpc);
	*rpc = NULL;
}

void client_rpc_call(struct client_rpc *rpc, const char *method, json_t *take_params,
		     client_reply_fn *reply, void *ctx)
{
	struct call *call = calloc(1, sizeof(*call));
	json_t *request = json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id",
				    rpc->last_id + 1, "method", method, "params", take_params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	if (call && text && rpc->send(rpc->ctx, text, strlen(text)) == 0) {
		call->id = ++rpc->last_id;
		call->reply = reply;
		call->ctx = ctx;
		TAILQ_INSERT_TAIL(&rpc->calls, call, link);
	} else {
		free(call);
		reply(ctx, NULL, CLIENT_LOST, "the request could not be sent");
	}
	free(text);
	json_decref(request);
}

static void answer(struct call *call, const json_t *message)
{
	const json_t *error = json_object_get(message, "error");
	const json_t *result = json_object_get(message, "result");
	if (!error && result) {
		call->reply(call->ctx, result, CODE_OK, "");
		return;
	}
	int code = (int)json_integer_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "message"));
	call->reply(call->ctx, NULL, code ? code : CODE_UNKNOWN_SERVER_ERROR,
		    text ? text : "the server gave no reason");
}

static int take_answer(struct client_rpc *rpc, const json_t *id, const json_t *message,
		       struct err *err)
{
	struct call *call;
	if (!json_is_integer(id))
		return err_set(err, "the server could not read a request");
	TAILQ_FOREACH(call, &rpc->calls, link)
	{
		if (call->id == json_integer_value(id)) {
			TAILQ_REMOVE(&rpc->calls, call, link);
			answer(call, message);
			free(call);
			return 0;
		}
	}
	return err_set(err, "the server answered what was not asked");
}

int client_rpc_take(struct client_rpc *rpc, const char *text, size_t length, struct err *err)
{
	json_error_t problem;
	json_t *message = json_loadb(text, length, 0, &problem);
	const json_t *id = json_object_get(message, "id");
	const char *method = json_string_value(json_object_get(message, "method"));
	const json_t *params = json_object_get(message, "params");
	int result = 0;
	if (!message)
		result = err_set(err, "the server sent what is not JSON: %s", problem.text);
	else if (method && !id && json_is_object(params))
		rpc->notify(rpc->ctx, method, params);
	else if (!method)
		result = take_answer(rpc, id, message, err);
	json_decref(message);
	return result;
}

void client_rpc_drop(struct client_rpc *rpc)
{
	struct call *call;
	while ((call = TAILQ_FIRST(&rpc->calls))) {
		TAILQ_REMOVE(&rpc->calls, call, link);
		call->reply(call->ctx, NULL, CLIENT_LOST, "the connection was lost");
		free(call);
	}
}
