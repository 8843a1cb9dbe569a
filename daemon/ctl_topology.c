#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/ctl_option.h"
#include "daemon/topology.h"
#include "shm/event.h"

static int read_file(const struct ctl *ctl, const char *file, json_t **document_r)
{
	json_error_t error;

	*document_r = strcmp(file, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
					     : json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (*document_r)
		return EX_OK;
	if (error.line <= 0)
		return ctl_fail(ctl, EX_NOINPUT, "%s", error.text);
	return ctl_fail(ctl, EX_DATAERR, "%s:%d: %s", file, error.line, error.text);
}

/* The published one; *document_r NULL: there is none yet. *revision_r: of it. */
static int get_published(const struct ctl *ctl, json_t **document_r, json_int_t *revision_r)
{
	json_t *result;
	const int code = ctl_call(ctl, "topology.get", json_object(), &result);
	const char *text = json_string_value(json_object_get(result, "document"));

	*revision_r = json_integer_value(json_object_get(result, "revision"));
	*document_r = text ? json_loads(text, 0, NULL) : NULL;
	json_decref(result);
	return code;
}

/* Every mistake, one on a line. */
static int check(const struct ctl *ctl, const json_t *document, const json_t *before)
{
	json_t *mistakes = topology_mistakes(document, before), *mistake;
	int code = EX_OK;
	size_t i;

	if (!mistakes)
		return ctl_fail(ctl, EX_OSERR, "could not get memory");
	json_array_foreach(mistakes, i, mistake) code =
		ctl_fail(ctl, EX_DATAERR, "%s", json_string_value(mistake));
	json_decref(mistakes);
	return code;
}

/* What it was compared with must be what holds, still. */
static int publish(const struct ctl *ctl, const json_t *document, json_int_t revision)
{
	char *text = json_dumps(document, JSON_COMPACT);
	json_t *params;
	int code;

	if (!text)
		return ctl_fail(ctl, EX_OSERR, "could not get memory");
	if (strlen(text) > EVENT_VALUE_MAX)
		code = ctl_fail(ctl, EX_DATAERR, "the document has %zu bytes, and may have %d",
				strlen(text), EVENT_VALUE_MAX);
	else {
		params = json_pack("{s:{s:s}, s:I}", "values", "document", text, "if_revision",
				   revision);
		code = params ? ctl_scoped_call(ctl, params)
			      : ctl_fail(ctl, EX_OSERR, "could not get memory");
	}
	free(text);
	return code;
}

/* Needs no server. */
int ctl_topology_validate(const struct ctl *ctl)
{
	json_t *document;
	int code = read_file(ctl, ctl->arguments[0], &document);

	if (code == EX_OK)
		code = check(ctl, document, NULL);
	json_decref(document);
	return code;
}

int ctl_topology_publish(const struct ctl *ctl)
{
	json_t *document = NULL, *before = NULL;
	json_int_t revision = 0;
	int code = read_file(ctl, ctl->arguments[0], &document);

	if (code == EX_OK)
		code = get_published(ctl, &before, &revision);
	if (code == EX_OK)
		code = check(ctl, document, before);
	if (code == EX_OK)
		code = publish(ctl, document, revision);
	json_decref(before);
	json_decref(document);
	return code;
}

int ctl_topology_import(const struct ctl *ctl)
{
	json_t *other = NULL, *before = NULL, *document = NULL;
	json_int_t revision = 0;
	int code = read_file(ctl, ctl->arguments[0], &other);

	if (code == EX_OK)
		code = get_published(ctl, &before, &revision);
	if (code == EX_OK) {
		document = before ? topology_merge(before, other) : json_incref(other);
		code = document ? check(ctl, document, before)
				: ctl_fail(ctl, EX_OSERR, "could not get memory");
	}
	if (code == EX_OK)
		code = publish(ctl, document, revision);
	json_decref(document);
	json_decref(before);
	json_decref(other);
	return code;
}

/* To standard output: the shell knows where that goes. */
int ctl_topology_export(const struct ctl *ctl)
{
	json_int_t revision;
	json_t *document;
	int code = get_published(ctl, &document, &revision);

	if (code == EX_OK)
		code = document ? ctl_print_json(ctl, document)
				: ctl_fail(ctl, EX_NOINPUT, "no topology was published yet");
	json_decref(document);
	return code;
}
