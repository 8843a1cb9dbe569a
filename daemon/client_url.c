#include "config.h"

#include "daemon/client_url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy_part(char *to, size_t size, const char *from, size_t length)
{
	if (length == 0 || length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static bool host_is_clean(const char *host)
{
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr("-._:", *host))
			return false;
	return true;
}

static bool path_is_clean(const char *path)
{
	for (; *path; path++)
		if (!isgraph((unsigned char)*path) || *path == '#')
			return false;
	return true;
}

static bool port_is_clean(const char *port)
{
	if (strlen(port) > 5 || strspn(port, "0123456789") != strlen(port))
		return false;
	return atoi(port) >= 1 && atoi(port) <= 65535;
}

/* The host, in brackets where it is an IPv6 address. Returns what follows it, or NULL. */
static const char *take_host(struct client_url *url, const char *text)
{
	size_t length;
	if (*text == '[') {
		length = strcspn(++text, "]");
		if (text[length] != ']' || !copy_part(url->host, sizeof(url->host), text, length))
			return NULL;
		return text + length + 1;
	}
	length = strcspn(text, ":/");
	if (!copy_part(url->host, sizeof(url->host), text, length))
		return NULL;
	return text + length;
}

static bool take_rest(struct client_url *url, const char *rest)
{
	strcpy(url->port, "8010");
	strcpy(url->path, "/pchat");
	if (*rest == ':') {
		size_t length = strcspn(++rest, "/");
		if (!copy_part(url->port, sizeof(url->port), rest, length))
			return false;
		rest += length;
	}
	if (*rest == '/' && rest[1] && !copy_part(url->path, sizeof(url->path), rest, strlen(rest)))
		return false;
	return *rest == '\0' || *rest == '/';
}

int client_url_parse(struct client_url *url_r, const char *text, struct err *err)
{
	struct client_url url = {.tls = true};
	const char *rest = text;
	if (strncmp(rest, "wss://", 6) == 0) {
		rest += 6;
	} else if (strncmp(rest, "ws://", 5) == 0) {
		url.tls = false;
		rest += 5;
	} else if (strstr(rest, "://")) {
		return err_set(err,
			       "a server's address starts with wss:// or ws://, not as in \"%s\"",
			       text);
	}
	rest = take_host(&url, rest);
	if (!rest || !take_rest(&url, rest) || !host_is_clean(url.host) ||
	    !port_is_clean(url.port) || !path_is_clean(url.path))
		return err_set(err,
			       "\"%s\" is not a server's address like wss://chat.example.test:8010",
			       text);
	*url_r = url;
	return 0;
}

int client_url_remote(struct client_url *url_r, const char *text, struct err *err)
{
	struct client_url url = {.tls = true, .port = "8011"};
	const char *rest = take_host(&url, text);

	if (rest && *rest == ':' && copy_part(url.port, sizeof(url.port), rest + 1, strlen(rest + 1)))
		rest = "";
	if (!rest || *rest || !host_is_clean(url.host) || !port_is_clean(url.port))
		return err_set(err, "\"%s\" is not a server's address like chat.example.test:8011",
			       text);
	*url_r = url;
	return 0;
}

const char *client_url_authority(const struct client_url *url, char text[272])
{
	bool brackets = strchr(url->host, ':') != NULL;
	snprintf(text, 272, "%s%s%s:%s", brackets ? "[" : "", url->host, brackets ? "]" : "",
		 url->port);
	return text;
}
