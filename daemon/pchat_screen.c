#include "config.h"

#include "daemon/pchat_screen.h"

#include <errno.h>
#include <editline/readline.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { LINE_MAX_BYTES = 65536 };

/* libedit's callbacks have no context, so this is the one of the process. */
static struct screen {
	pchat_screen_line_fn *line;
	void *ctx;
	bool terminal, installed;
	char *prompt;			/* owned */
	char plain[LINE_MAX_BYTES + 1]; /* without a terminal: the line that is not whole yet */
	size_t plain_length;
} screen;

static void on_line(char *line)
{
	if (line && *line)
		add_history(line);
	screen.line(screen.ctx, line);
	free(line);
}

static void install(void)
{
	rl_callback_handler_install(screen.prompt, on_line);
	screen.installed = true;
}

int pchat_screen_open(pchat_screen_line_fn *line, void *ctx, struct err *err)
{
	setlocale(LC_CTYPE, "");
	screen = (struct screen){.line = line, .ctx = ctx, .prompt = strdup("> ")};
	if (!screen.prompt)
		return err_errno(err, "could not set up the terminal");
	screen.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (screen.terminal) {
		rl_readline_name = "pchat";
		rl_initialize();
		install();
	}
	return 0;
}

/* The columns that bytes of the line take. */
static size_t columns_of(const char *text, size_t bytes)
{
	mbstate_t state = {0};
	size_t columns = 0;
	while (bytes > 0) {
		wchar_t wide;
		size_t length = mbrtowc(&wide, text, bytes, &state);
		if (length == 0 || length > bytes)
			return columns + bytes;
		int width = wcwidth(wide);
		columns += width > 0 ? (size_t)width : 0;
		text += length;
		bytes -= length;
	}
	return columns;
}

/* Takes the prompt and the input off the screen, whose rows they may fill. */
static void hide_input(void)
{
	struct winsize size = {0};
	size_t width = 80, before;
	size_t point = rl_point > 0 ? (size_t)rl_point : 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;
	before = columns_of(screen.prompt, strlen(screen.prompt)) +
		 columns_of(rl_line_buffer, strnlen(rl_line_buffer, point));
	if (before / width > 0)
		printf("\033[%zuA", before / width);
	fputs("\r\033[J", stdout);
}

void pchat_screen_close(void)
{
	if (screen.installed) {
		hide_input();
		rl_callback_handler_remove();
	}
	fflush(stdout);
	free(screen.prompt);
	screen = (struct screen){0};
}

static void take_plain(size_t count)
{
	char *begin = screen.plain, *end;
	screen.plain_length += count;
	screen.plain[screen.plain_length] = '\0';
	while (screen.line && (end = memchr(begin, '\n', (size_t)(screen.plain + screen.plain_length - begin)))) {
		*end = '\0';
		screen.line(screen.ctx, begin);
		begin = end + 1;
	}
	screen.plain_length -= (size_t)(begin - screen.plain);
	memmove(screen.plain, begin, screen.plain_length);
}

static void read_plain(void)
{
	if (screen.plain_length == LINE_MAX_BYTES)
		screen.plain_length = 0; /* no message may be as long; the server would refuse it */
	ssize_t count = read(STDIN_FILENO, screen.plain + screen.plain_length,
			     LINE_MAX_BYTES - screen.plain_length);
	if (count > 0) {
		take_plain((size_t)count);
	} else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
		screen.plain[screen.plain_length] = '\0';
		if (screen.plain_length > 0)
			screen.line(screen.ctx, screen.plain);
		screen.line(screen.ctx, NULL);
	}
}

bool pchat_screen_is_terminal(void)
{
	return screen.terminal;
}

void pchat_screen_resized(void)
{
	if (screen.installed)
		rl_resize_terminal();
}

void pchat_screen_read(void)
{
	if (screen.terminal)
		rl_callback_read_char();
	else
		read_plain();
}

void pchat_screen_print(const char *text)
{
	if (screen.installed)
		hide_input();
	puts(text);
	fflush(stdout);
	if (screen.installed)
		rl_forced_update_display();
}

void pchat_screen_prompt(const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		return;
	if (screen.installed)
		hide_input();
	free(screen.prompt);
	screen.prompt = copy;
	if (screen.installed) {
		fflush(stdout);
		rl_set_prompt(copy);
		rl_forced_update_display();
	}
}
