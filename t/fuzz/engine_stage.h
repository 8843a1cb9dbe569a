#ifndef PCHAT_T_FUZZ_ENGINE_STAGE_H
#define PCHAT_T_FUZZ_ENGINE_STAGE_H

#include "daemon/engine.h"
#include "shm/table.h"

/*
 * An engine with tables so small that they are soon full, a journal, and the shared cache beside the
 * private one. Session 1 of the first worker is an administrator's, 2 and 3 are those of Alice (1) and
 * Bob (2), who are in the open room 1 of the category 1, which has all that a category can have; 4 is
 * that of an administrator who may only read.
 */
enum { STAGE_PAYLOAD = 1 << 15, STAGE_GENERATION = 5 };

struct stage {
	struct conf conf;
	struct engine engine;
	struct cache shared;
	struct proc proc;
	struct proc_page own, master;
	uint64_t number[SLOTS];
	uint32_t generation[SLOTS];
	uint8_t *events; /* owned: all so far */
	size_t kept;
	struct answer answer;
	union {
		struct command command;
		uint8_t bytes[sizeof(struct command) + STAGE_PAYLOAD];
	} mail;
};

void stage_init(struct stage *stage);

/* Empties everything and lets them come in. */
void stage_reset(struct stage *stage);

static inline uint8_t *stage_payload(struct stage *stage)
{
	return stage->mail.bytes + sizeof(struct command);
}

/* Sends the command in stage->mail, of which type, flags, room, origin.session and .slot are filled
 * in, with size bytes of payload, and lets the engine do what follows from it. False: refused. */
bool stage_send(struct stage *stage, unsigned mail_slot, uint32_t size);

/* A worker dies, and another comes. */
void stage_replace_worker(struct stage *stage, unsigned slot);

/* The time of all lost sessions is over. */
void stage_end_lost(struct stage *stage);

/* Fails where tables contradict themselves, or where the events do not give the same cache again. */
void stage_check(struct stage *stage);

#endif
