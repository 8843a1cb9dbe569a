#include "shm/counter.h"

#include "conf/code.h"

static const char *const names[COUNTERS] = {
#define X(id, name) [COUNTER_##id] = name,
	COUNTER_LIST(X)
#undef X
};

const char *counter_name(enum counter counter)
{
	return (unsigned)counter < COUNTERS ? names[counter] : "unknown";
}

enum counter counter_of_code(int code)
{
	switch (code) {
	case CODE_BUSY:
		return COUNTER_REFUSED_BUSY;
	case CODE_UNAVAILABLE:
	case CODE_DATABASE_CONNECTION:
		return COUNTER_REFUSED_UNAVAILABLE;
	case CODE_TIMEOUT:
		return COUNTER_REFUSED_TIMEOUT;
	case CODE_ERROR_PERMISSION:
	case CODE_NOT_SIGNED_IN:
	case CODE_AUTHENTICATION_FAILED:
	case CODE_INVALID_TOKEN:
	case CODE_USER_NOT_JOINED:
	case CODE_NODE_DISABLED:
		return COUNTER_REFUSED_PERMISSION;
	case CODE_INVALID_ARGUMENT:
	case CODE_INVALID_REQUEST:
	case CODE_INVALID_FLOW_OF_OPERATIONS:
	case CODE_METHOD_NOT_FOUND:
	case CODE_MSG_NOT_SUPPORTED:
	case CODE_PARSE_ERROR:
		return COUNTER_REFUSED_INVALID;
	case CODE_NO_SUCH_NODE:
	case CODE_NO_SUCH_PRINCIPAL:
		return COUNTER_REFUSED_NO_SUCH;
	case CODE_LIMIT_EXCEEDED:
	case CODE_TOO_LARGE:
		return COUNTER_REFUSED_LIMIT;
	default:
		return COUNTER_REFUSED_OTHER;
	}
}
