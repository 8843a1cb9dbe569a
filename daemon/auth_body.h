#ifndef PCHAT_DAEMON_AUTH_BODY_H
#define PCHAT_DAEMON_AUTH_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/event.h"

/* What workers' questions to pchat-auth say (shm/ask.h), taken apart and checked; borrowed. */
struct auth_start {
	struct text address, mechanism, data;
};

struct auth_resume {
	struct text address, token;
};

struct auth_password {
	struct text name, password;
};

bool auth_start_get(const void *body, uint32_t size, struct auth_start *start_r);
bool auth_resume_get(const void *body, uint32_t size, struct auth_resume *resume_r);
bool auth_password_get(const void *body, uint32_t size, struct auth_password *password_r);

#endif
