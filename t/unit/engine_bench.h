#ifndef PCHAT_T_UNIT_ENGINE_BENCH_H
#define PCHAT_T_UNIT_ENGINE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/code.h"
#include "daemon/engine.h"
#include "shm/find.h"

enum { RING = 1 << 20, GENERATION = 5 };

/* An engine with a journal of its own and a process table that this test writes. */
struct bench {
	struct conf conf;
	struct engine engine;
	struct proc proc;
	struct proc_page own, master;
	int fd;
	uint64_t number[SLOTS];
	struct answer answer;
	union {
		struct command command;
		uint8_t bytes[16384];
	} mail;
};

/* What a function below returns for a refused command; else it is an enum decision. */
#define REFUSED(code) (-1 - (code))

void sit(struct bench *b, unsigned slot, int32_t pid);
int set_up(void **state);
int set_up_large(void **state, unsigned factor); /* with tables so many times larger */
int tear_down(void **state);
struct text text(const char *s);
int send_as(struct bench *b, unsigned mail, unsigned slot, uint32_t session,
		   enum command_type type, uint32_t room, uint32_t size);
int post(struct bench *b, uint32_t session, uint32_t room, const char *id, const char *body);
int simple(struct bench *b, enum command_type type, uint32_t session, uint32_t room);
int sign_in(struct bench *b, unsigned slot, uint32_t session, uint32_t principal,
		   uint32_t epoch, bool admin);
uint8_t *start_change(struct bench *b, uint32_t fields, uint64_t revision);
int send_change(struct bench *b, uint32_t session, enum command_type type, uint32_t room,
		       uint32_t size);
int put_principal(struct bench *b, uint32_t session, uint32_t id, unsigned kind,
			 const char *uri, unsigned st);
int put_user(struct bench *b, uint32_t session, uint32_t id, const char *uri, unsigned st);
int put_group(struct bench *b, const char *uri);
int set_members(struct bench *b, uint32_t session, uint32_t group, bool replace,
		const struct command_member *list);
int affiliate(struct bench *b, uint32_t member, uint32_t group, bool present);
int change_room(struct bench *b, uint32_t session, const struct event_room *wanted,
		       uint32_t fields, uint64_t revision);
int put_room(struct bench *b, uint32_t session, uint32_t id, const char *name, bool disabled);
int put_category(struct bench *b, uint32_t session, uint32_t id, const char *name);
int put_addin(struct bench *b, uint32_t session, uint32_t id, const char *name,
		     const char *url);
int remove_node(struct bench *b, uint32_t session, enum node_kind kind, uint32_t id);
int set_roles(struct bench *b, uint32_t session, enum node_kind kind, uint32_t node,
		     unsigned replace, const struct command_role *list);
int set_role(struct bench *b, uint32_t session, enum node_kind kind, uint32_t node,
		    uint32_t principal, enum role role, bool present);
void populate(struct bench *b);
unsigned in_batch(const struct bench *b, enum event_type type, uint16_t *flags_r);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
