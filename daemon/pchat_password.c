#include "config.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pchat_run.h"
#include "daemon/pchat_text.h"

enum { PASSWORD_MAX = 1024 };

static int read_file(const char *name, char password[PASSWORD_MAX], struct err *err)
{
	FILE *file = fopen(name, "re");
	if (!file)
		return err_errno(err, "could not open the password file %s", name);
	setvbuf(file, NULL, _IONBF, 0); /* no copy of it is left in a buffer */
	bool read = fgets(password, PASSWORD_MAX, file) != NULL;
	fclose(file);
	if (!read)
		return err_set(err, "the password file %s is empty", name);
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

static int ask(const char *user, char password[PASSWORD_MAX], struct err *err)
{
	char prompt[300];
	char *clean = pchat_text_escape(user, NULL);
	snprintf(prompt, sizeof(prompt), "Password of %.256s: ", clean ? clean : "");
	free(clean);
	if (!readpassphrase(prompt, password, PASSWORD_MAX, RPP_REQUIRE_TTY))
		return err_set(err, "there is no terminal to ask for the password; "
				    "name a file with --password-file");
	return 0;
}

char *pchat_password(const char *file, const char *user, struct err *err)
{
	char password[PASSWORD_MAX] = "";
	int failed = file ? read_file(file, password, err) : ask(user, password, err);
	char *copy = failed ? NULL : strdup(password);
	explicit_bzero(password, sizeof(password));
	if (!failed && !copy)
		err_errno(err, "could not keep the password");
	return copy;
}
