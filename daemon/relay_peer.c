#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistr.h>

#include "daemon/relay.h"

/* The names of a certificate: the common names of its subject, and its alternative names that are
 * host names, mail addresses or URIs. */

enum { NAMES_MAX = 32 };

struct names {
	unsigned count;
	char name[NAMES_MAX][ACCESS_NAME_MAX + 1];
};

/* What a name of the configuration cannot be is none: a NUL or another control character in it is
 * there to deceive. */
static bool is_name(const unsigned char *text, size_t length)
{
	if (length == 0 || length > ACCESS_NAME_MAX || u8_check(text, length) != NULL)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static void add(struct names *names, const ASN1_STRING *string)
{
	unsigned char *text = NULL;
	const int length = ASN1_STRING_to_UTF8(&text, string);

	if (length > 0 && names->count < NAMES_MAX && is_name(text, (size_t)length)) {
		char *name = names->name[names->count++];

		memcpy(name, text, (size_t)length);
		name[length] = '\0';
	}
	OPENSSL_free(text);
	ERR_clear_error();
}

static void add_subject(struct names *names, const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int place = -1;

	while ((place = X509_NAME_get_index_by_NID(subject, NID_commonName, place)) >= 0)
		add(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
}

static void add_alternatives(struct names *names, const X509 *certificate)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

		if (one->type == GEN_DNS || one->type == GEN_EMAIL || one->type == GEN_URI)
			add(names, one->d.ia5);
	}
	GENERAL_NAMES_free(all);
	ERR_clear_error();
}

/* Of several items that fit the first counts. */
int relay_peer_find(const struct conf_list *access, const X509 *certificate,
		    char name_r[ACCESS_NAME_MAX + 1])
{
	struct names names = {.count = 0};
	int best = -1;

	add_subject(&names, certificate);
	add_alternatives(&names, certificate);
	strcpy(name_r, names.count > 0 ? names.name[0] : "");
	for (unsigned i = 0; i < names.count; i++) {
		const int item = access_find(access, names.name[i], strlen(names.name[i]));

		if (item == -1 || (best != -1 && item > best))
			continue;
		best = item;
		strcpy(name_r, names.name[i]);
	}
	return best;
}
