#include "worker/people.h"

#include <stdlib.h>

#include "worker/session.h"

struct person *people_find(struct people *people, uint32_t principal)
{
	struct person *person;

	HASH_FIND(hh, people->table, &principal, sizeof(principal), person);
	return person;
}

int people_enter(struct people *people, struct session *session)
{
	struct person *person = people_find(people, session->principal);

	if (person == NULL) {
		person = calloc(1, sizeof(*person));
		if (person == NULL)
			return -1;
		person->principal = session->principal;
		LIST_INIT(&person->sessions);
		HASH_ADD(hh, people->table, principal, sizeof(person->principal), person);
	}
	LIST_INSERT_HEAD(&person->sessions, session, of_person);
	session->person = person;
	return 0;
}

void people_leave(struct people *people, struct session *session)
{
	struct person *person = session->person;

	if (person == NULL)
		return;
	session->person = NULL;
	LIST_REMOVE(session, of_person);
	if (!LIST_EMPTY(&person->sessions))
		return;
	HASH_DEL(people->table, person);
	free(person);
}
