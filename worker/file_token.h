#ifndef PCHAT_WORKER_FILE_TOKEN_H
#define PCHAT_WORKER_FILE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/event.h"

/* A token as clients have it: base64url without padding (RFC 4648 section 5). */
enum { FILE_TOKEN_TEXT = 43 /* characters */ };

#define FILE_TOKEN_PATH "/files/"

void file_token_text(const uint8_t token[FILE_HASH], char text_r[FILE_TOKEN_TEXT + 1]);
bool file_token_parse(const char *text, size_t length, uint8_t token_r[FILE_HASH]);

#endif
