#include "conf/code.h"

const char *code_name(int code)
{
	switch (code) {
	case CODE_OK:
		return "ok";
#define X(id, number, name, text)                                                                  \
	case number:                                                                               \
		return name;
		CODE_LIST(X)
#undef X
	default:
		return "Unknown";
	}
}

const char *code_text(int code)
{
	switch (code) {
	case CODE_OK:
		return "done";
#define X(id, number, name, text)                                                                  \
	case number:                                                                               \
		return text;
		CODE_LIST(X)
#undef X
	default:
		return "an unknown error";
	}
}
