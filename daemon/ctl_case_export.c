#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "daemon/adapter_pack.h"
#include "daemon/ctl_case.h"
#include "daemon/ctl_case_attach.h"
#include "daemon/ctl_case_files.h"
#include "daemon/ctl_case_html.h"
#include "daemon/record_json.h"
#include "daemon/record_verify.h"

/*
 * pchatctl compliance export: the records of a case in a directory. They are written as they are
 * read; only the XML is made of pieces of them, because in it a room's records stand together.
 */

enum { PIECE_RECORDS = 10000, PIECE_BYTES = 8 << 20, CASE_NAME_MAX = 128 };

static const char html_name[] = "transcript.html", lines_name[] = "records.jsonl",
		  proof_name[] = "verification.json", manifest_name[] = "manifest.json";

struct export
{
	const struct ctl *ctl; /* borrowed, as are the next two */
	const char *name;      /* of the case */
	const char *filter;
	struct case_files files;
	FILE *html, *lines;	  /* owned */
	struct adapter_pack pack; /* owned */
	struct case_attach attach;
	uint64_t records, first, last;
	unsigned pieces;
	bool whole; /* the records are what they were when they were written */
};

/* --- The records. --- */

static int write_piece(struct export *export)
{
	const struct adapter adapter = {.name = "transcript",
					.form = ADAPTER_XML,
					.directory = export->files.part,
					.room_details = true,
					.user_details = true,
					.stylesheet = ""};
	struct adapter_unpack unpack = {0};
	unsigned files = 0;
	struct err err;
	int result = -1, fd;

	if (export->pack.count == 0)
		return EX_OK;
	fd = adapter_pack_end(&export->pack, &err);
	if (fd != -1)
		result = adapter_unpack(&unpack, fd, &err);
	if (result == 0)
		result = adapter_write(&adapter, &unpack.batch, &files, &err);
	adapter_unpack_free(&unpack);
	if (fd != -1)
		close(fd);
	export->pieces += files;
	if (result == 0)
		result = adapter_pack_init(&export->pack, &err);
	return result == 0 ? EX_OK : ctl_fail(export->ctl, EX_IOERR, "%s", err.text);
}

static int take(void *arg, const struct record_row *row)
{
	struct export *export = arg;
	struct fragment line = {0};
	bool written;

	record_json(&line, row);
	fragment_text(&line, "\n");
	written = !line.failed && fwrite(line.data, 1, line.used, export->lines) == line.used;
	fragment_free(&line);
	case_html_record(export->html, row);
	adapter_pack_add(&export->pack, row);
	if (!written || ferror(export->html))
		return ctl_fail(export->ctl, EX_IOERR, "could not write the records");
	export->first = export->records == 0 ? row->number : export->first;
	export->last = row->number;
	export->records++;
	if (case_attach_record(&export->attach, row) != EX_OK)
		return EX_OSERR;
	if (export->pack.count < PIECE_RECORDS && export->pack.bytes < PIECE_BYTES)
		return EX_OK;
	return write_piece(export);
}

static int open_files(struct export *export)
{
	struct err err;

	export->html = case_files_open(&export->files, html_name);
	if (export->html)
		export->lines = case_files_open(&export->files, lines_name);
	if (!export->lines)
		return EX_CANTCREAT;
	if (adapter_pack_init(&export->pack, &err) == -1)
		return ctl_fail(export->ctl, EX_OSERR, "%s", err.text);
	return EX_OK;
}

/* Both are closed, whatever becomes of them. */
static int close_files(struct export *export, int code)
{
	int html = EX_OK, lines = EX_OK;

	adapter_pack_fini(&export->pack);
	if (export->html)
		html = case_files_close(&export->files, export->html, html_name);
	if (export->lines)
		lines = case_files_close(&export->files, export->lines, lines_name);
	if (code == EX_OK)
		code = html == EX_OK ? lines : html;
	return code;
}

static int write_records(struct export *export, struct db *db, const struct record_filter *filter)
{
	int code = open_files(export);

	if (code == EX_OK) {
		case_html_begin(export->html, export->name, export->filter);
		code = ctl_case_walk(export->ctl, db, filter, take, export);
	}
	if (code == EX_OK)
		code = write_piece(export);
	if (code == EX_OK)
		case_html_end(export->html, export->records);
	return close_files(export, code);
}

/* --- The proof, and what there is. --- */

static int write_document(const struct export *export, const char *name, json_t *take_document)
{
	FILE *out = case_files_open(&export->files, name);
	bool written = false;

	if (out && take_document)
		written = json_dumpf(take_document, out, JSON_INDENT(2)) == 0 &&
			  fputc('\n', out) != EOF;
	json_decref(take_document);
	if (!out)
		return EX_CANTCREAT;
	if (case_files_close(&export->files, out, name) == EX_OK && written)
		return EX_OK;
	return ctl_fail(export->ctl, EX_IOERR, "could not write %s", name);
}

static const char *statement(const struct record_verify *verify)
{
	if (verify->wrong != 0)
		return "The records are not what they were when they were written: see wrong and "
		       "reason.";
	if (!verify->signer)
		return "No record between first and last was changed, removed, added or moved, "
		       "unless whoever did it also worked out all hashes behind it anew: no key "
		       "was there to check the signatures of checkpoints.";
	return "No record up to signed_to was changed, removed, added or moved: each hash covers "
	       "its record and the hash before it, and the last of them is signed.";
}

/* Up to the newest record: the checkpoints that matter are behind the last one that was found. */
static int write_proof(struct export *export, struct db *db)
{
	struct record_verify verify = {.from = export->first};
	struct record_signer *signer = NULL;
	struct err err;
	json_t *document;
	int code = ctl_compliance_key(export->ctl, &signer);

	verify.signer = signer;
	if (code == EX_OK && record_verify(&verify, db, &err) != DB_OK)
		code = ctl_fail(export->ctl, EX_UNAVAILABLE, "%s", err.text);
	if (code == EX_OK) {
		document = ctl_compliance_document(&verify);
		json_object_set_new(document, "statement", json_string(statement(&verify)));
		code = write_document(export, proof_name, document);
	}
	export->whole = verify.wrong == 0;
	record_signer_free(&signer);
	return code;
}

static json_t *manifest_of(const struct export *export, json_t *take_files)
{
	const struct passwd *user = getpwuid(getuid());
	char time[CLOCK_TEXT];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:o}", "case",
			 export->name, "made", clock_format(clock_utc(), time), "by",
			 user ? user->pw_name : "?", "program", PACKAGE_STRING, "filter",
			 export->filter, "records", (json_int_t) export->records, "first",
			 (json_int_t) export->first, "last", (json_int_t) export->last, "whole",
			 (int)export->whole, "attachments", case_attach_document(&export->attach),
			 "files", take_files);
}

static int write_manifest(struct export *export, char hash_r[RECORD_HEX])
{
	json_t *files = NULL;
	uint64_t size;
	int code = case_files_list(&export->files, &files);

	if (code == EX_OK)
		code = write_document(export, manifest_name, manifest_of(export, files));
	else
		json_decref(files);
	return code == EX_OK ? case_files_hash(&export->files, manifest_name, hash_r, &size) : code;
}

/* --- All of it. --- */

static int note(const struct export *export, const char *fmt, const char *what)
{
	struct fragment text = {0};
	int code;

	fragment_text(&text, fmt);
	fragment_string(&text, export->name, strlen(export->name));
	fragment_text(&text, what);
	fragment_raw(&text, "", 1);
	code = text.failed ? ctl_fail(export->ctl, EX_OSERR, "out of memory")
			   : ctl_case_note(export->ctl, text.data, NULL);
	fragment_free(&text);
	return code;
}

static int note_end(const struct export *export, const char *hash)
{
	char what[128];

	snprintf(what, sizeof(what), ": %" PRIu64 " records, manifest.json has the SHA-256 %s",
		 export->records, hash);
	return note(export, "exported, case ", what);
}

static int print_text(const struct export *export, const char *hash)
{
	const struct case_attach *attach = &export->attach;

	printf("%" PRIu64 " records in %s, manifest.json has the SHA-256 %s\n", export->records,
	       export->files.directory, hash);
	if (attach->copied + attach->missing > 0)
		printf("%u of %u attachments are there%s\n", attach->copied,
		       attach->copied + attach->missing,
		       attach->missing > 0 ? "; manifest.json says why not all of them" : "");
	return EX_OK;
}

static int print_result(const struct export *export, const char *hash)
{
	json_t *document;
	int code;

	if (!export->ctl->json)
		return print_text(export, hash);
	document = json_pack("{s:s, s:s, s:I, s:s, s:b, s:i, s:i}", "case", export->name,
			     "directory", export->files.directory, "records",
			     (json_int_t) export->records, "manifest_sha256", hash, "whole",
			     (int)export->whole, "attachments", (int)export->attach.copied,
			     "attachments_missing", (int)export->attach.missing);
	code = ctl_print_json(export->ctl, document);
	json_decref(document);
	return code;
}

/* What the directory holds may be shown to others, but it is not what was written. */
static int judge(const struct export *export)
{
	if (!export->whole)
		return ctl_fail(export->ctl, EX_DATAERR,
				"the records are not what they were; %s/%s says which",
				export->files.directory, proof_name);
	if (export->attach.wrong > 0)
		return ctl_fail(
			export->ctl, EX_DATAERR,
			"the content of %u of the files is not what was uploaded; %s/%s says of "
			"which",
			export->attach.wrong, export->files.directory, manifest_name);
	return EX_OK;
}

static int write_all(struct export *export, struct db *db, const struct record_filter *filter)
{
	char hash[RECORD_HEX];
	int code = case_files_begin(&export->files, export->ctl, export->ctl->arguments[0]);

	case_attach_init(&export->attach, &export->files);
	if (code == EX_OK)
		code = write_records(export, db, filter);
	if (code == EX_OK)
		code = write_proof(export, db);
	if (code == EX_OK)
		code = case_attach_copy(&export->attach);
	if (code == EX_OK)
		code = write_manifest(export, hash);
	if (code == EX_OK)
		code = note_end(export, hash);
	if (code == EX_OK)
		code = case_files_end(&export->files);
	case_files_abandon(&export->files);
	if (code == EX_OK)
		code = print_result(export, hash);
	case_attach_fini(&export->attach);
	return code == EX_OK ? judge(export) : code;
}

static bool is_name(const char *name)
{
	const size_t length = strlen(name);

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return length > 0 && length <= CASE_NAME_MAX;
}

int ctl_compliance_export(const struct ctl *ctl)
{
	struct export export = {.ctl = ctl, .name = ctl->option[CTL_CASE]};
	struct record_filter filter = {0};
	struct fragment text = {0};
	struct db *db = NULL;
	int code;

	if (!export.name || !is_name(export.name))
		return ctl_fail(ctl, EX_USAGE, "needs --case, a name of at most %d bytes",
				CASE_NAME_MAX);
	umask(077);
	code = ctl_compliance_open(ctl, &db);
	if (code == EX_OK)
		code = ctl_case_filter(ctl, db, &filter, &text);
	fragment_raw(&text, "", 1);
	if (code == EX_OK && text.failed)
		code = ctl_fail(ctl, EX_OSERR, "out of memory");
	/* What is described begins with a comma; nothing: all of them. */
	export.filter = text.used > 2 ? text.data + 2 : "all";
	if (code == EX_OK)
		code = note(&export, "export, case ", text.used > 2 ? text.data : ", all");
	if (code == EX_OK)
		code = write_all(&export, db, &filter);
	fragment_free(&text);
	record_filter_fini(&filter);
	db_free(&db);
	return code;
}
