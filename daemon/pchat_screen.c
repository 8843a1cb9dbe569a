#include "config.h"

#include "daemon/pchat_screen.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { LINE_MAX_BYTES = 65536, HISTORY_LINES = 200, END_OF_FILE = 4 /* ^D */ };

struct pchat_screen {
	pchat_screen_line_fn *line;
	void *ctx;
	char *prompt; /* owned */

	EditLine *edit;	  /* owned; NULL: no terminal */
	History *history; /* owned */
	bool shown; /* the prompt and what was typed stand below the last line that was printed */

	char *plain; /* owned; without a terminal: the line that is not whole yet */
	size_t plain_length;
};

static char *prompt_of(EditLine *edit)
{
	struct pchat_screen *screen = NULL;
	el_get(edit, EL_CLIENTDATA, &screen);
	return screen->prompt;
}

/* Reading by characters: libedit returns after each one, so that others can be served between. */
static void show_input(struct pchat_screen *screen)
{
	el_set(screen->edit, EL_UNBUFFERED, 1);
	screen->shown = true;
}

static int open_terminal(struct pchat_screen *screen, struct err *err)
{
	HistEvent event;
	screen->edit = el_init("pchat", stdin, stdout, stderr);
	screen->history = history_init();
	if (!screen->edit || !screen->history)
		return err_set(err, "could not set up the terminal");
	history(screen->history, &event, H_SETSIZE, HISTORY_LINES);
	el_set(screen->edit, EL_CLIENTDATA, screen);
	el_set(screen->edit, EL_PROMPT, prompt_of);
	el_set(screen->edit, EL_EDITOR, "emacs");
	el_set(screen->edit, EL_HIST, history, screen->history);
	el_source(screen->edit, NULL);
	show_input(screen);
	return 0;
}

struct pchat_screen *pchat_screen_new(pchat_screen_line_fn *line, void *ctx, struct err *err)
{
	struct pchat_screen *screen = calloc(1, sizeof(*screen));
	if (screen) {
		screen->line = line;
		screen->ctx = ctx;
		screen->prompt = strdup("> ");
		screen->plain = malloc(LINE_MAX_BYTES + 1);
	}
	if (!screen || !screen->prompt || !screen->plain) {
		err_errno(err, "could not set up the terminal");
		pchat_screen_free(&screen);
		return NULL;
	}
	setlocale(LC_CTYPE, "");
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && open_terminal(screen, err) != 0)
		pchat_screen_free(&screen);
	return screen;
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
static void hide_input(struct pchat_screen *screen)
{
	struct winsize size = {0};
	size_t width = 80, before;
	if (!screen->shown)
		return;
	const LineInfo *input = el_line(screen->edit);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;
	before = columns_of(screen->prompt, strlen(screen->prompt)) +
		 columns_of(input->buffer, (size_t)(input->cursor - input->buffer));
	if (before / width > 0)
		printf("\033[%zuA", before / width);
	fputs("\r\033[J", stdout);
	fflush(stdout);
}

void pchat_screen_free(struct pchat_screen **screen)
{
	struct pchat_screen *s = *screen;
	if (!s)
		return;
	if (s->edit) {
		hide_input(s);
		el_set(s->edit, EL_UNBUFFERED, 0);
		el_end(s->edit);
	}
	if (s->history)
		history_end(s->history);
	free(s->prompt);
	free(s->plain);
	free(s);
	*screen = NULL;
}

bool pchat_screen_is_terminal(const struct pchat_screen *screen)
{
	return screen->edit != NULL;
}

void pchat_screen_resized(struct pchat_screen *screen)
{
	if (screen->edit)
		el_resize(screen->edit);
}

/* While a line is carried out there is no input on the screen: what is printed stands below it. */
static void take_line(struct pchat_screen *screen, const char *text)
{
	HistEvent event;
	char *line = text ? strdup(text) : NULL;
	if (line)
		line[strcspn(line, "\r\n")] = '\0';
	if (line && *line)
		history(screen->history, &event, H_ENTER, line);
	el_set(screen->edit, EL_UNBUFFERED, 0);
	screen->shown = false;
	if (line || !text)
		screen->line(screen->ctx, line);
	free(line);
	show_input(screen);
}

static void read_terminal(struct pchat_screen *screen)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int count = 0;
	/* libedit says the same of a lost terminal and of a line that was rubbed out. */
	bool lost = poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR));
	const char *text = lost ? NULL : el_gets(screen->edit, &count);
	if (lost || (text && count == 1 && text[0] == END_OF_FILE))
		take_line(screen, NULL);
	else if (text && count > 0 && (text[count - 1] == '\n' || text[count - 1] == '\r'))
		take_line(screen, text);
}

static void take_plain(struct pchat_screen *screen, size_t count)
{
	char *begin = screen->plain, *end;
	screen->plain_length += count;
	screen->plain[screen->plain_length] = '\0';
	char *all = screen->plain + screen->plain_length;
	while ((end = memchr(begin, '\n', (size_t)(all - begin)))) {
		*end = '\0';
		screen->line(screen->ctx, begin);
		begin = end + 1;
	}
	screen->plain_length = (size_t)(all - begin);
	memmove(screen->plain, begin, screen->plain_length);
}

static void read_plain(struct pchat_screen *screen)
{
	if (screen->plain_length == LINE_MAX_BYTES)
		screen->plain_length =
			0; /* no message may be as long; the server would refuse it */
	ssize_t count = read(STDIN_FILENO, screen->plain + screen->plain_length,
			     LINE_MAX_BYTES - screen->plain_length);
	if (count > 0) {
		take_plain(screen, (size_t)count);
	} else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
		screen->plain[screen->plain_length] = '\0';
		if (screen->plain_length > 0)
			screen->line(screen->ctx, screen->plain);
		screen->plain_length = 0;
		screen->line(screen->ctx, NULL);
	}
}

void pchat_screen_read(struct pchat_screen *screen)
{
	if (screen->edit)
		read_terminal(screen);
	else
		read_plain(screen);
}

void pchat_screen_print(struct pchat_screen *screen, const char *text)
{
	hide_input(screen);
	puts(text);
	fflush(stdout);
	if (screen->shown)
		el_set(screen->edit, EL_REFRESH);
}

void pchat_screen_prompt(struct pchat_screen *screen, const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		return;
	hide_input(screen);
	free(screen->prompt);
	screen->prompt = copy;
	if (screen->shown)
		el_set(screen->edit, EL_REFRESH);
}
