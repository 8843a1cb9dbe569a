#include <string.h>

#include "worker/json_peer.h"

/*
 * What administrators need for each method. Whoever may do less is refused here, before anything is
 * asked of anybody; what changes something the sequencer and pchat-auth refuse as well. A method that
 * is not in the table is for those who may do everything.
 */
static const struct {
	const char *method;
	enum admin_duty duty;
} duties[] = {
	{"access.deny", DUTY_ROOM},	  {"access.grant", DUTY_ROOM},
	{"access.list", DUTY_READ},	  {"addin.get", DUTY_READ},
	{"addin.list", DUTY_READ},
	{"audit.list", DUTY_AUDIT},	  {"category.get", DUTY_READ},
	{"category.list", DUTY_READ},
	{"category.eligible", DUTY_READ}, {"room.eligible", DUTY_READ},
	{"compliance.hold", DUTY_RECORDS}, {"compliance.note", DUTY_RECORDS},
	{"compliance.purge", DUTY_RECORDS}, {"compliance.release", DUTY_RECORDS},
	{"file.download", DUTY_READ},	  {"file.get", DUTY_READ},
	{"file.list", DUTY_READ},	  {"file.remove", DUTY_MESSAGE},
	{"config.effective", DUTY_READ},  {"config.get", DUTY_READ},
	{"config.list", DUTY_READ},	  {"endpoint.get", DUTY_READ},
	{"endpoint.list", DUTY_READ},	  {"policy.effective", DUTY_READ},
	{"policy.get", DUTY_READ},	  {"policy.list", DUTY_READ},
	{"pool.workers", DUTY_READ},
	{"pool.get", DUTY_READ},	  {"topology.get", DUTY_READ},
	{"group.get", DUTY_READ},	  {"group.list", DUTY_READ},
	{"message.purge", DUTY_MESSAGE},  {"message.remove", DUTY_MESSAGE},
	{"message.search", DUTY_READ},	  {"room.create", DUTY_ROOM},
	{"room.delete", DUTY_ROOM},	  {"room.disable", DUTY_ROOM},
	{"room.enable", DUTY_ROOM},	  {"room.get", DUTY_READ},
	{"room.list", DUTY_READ},	  {"room.roles", DUTY_ROOM},
	{"retention.get", DUTY_READ},	  {"retention.list", DUTY_READ},
	{"room.update", DUTY_ROOM},	  {"server.info", DUTY_READ},
	{"user.get", DUTY_READ},	  {"user.list", DUTY_READ},
};

enum admin_duty json_duty(const char *method)
{
	for (size_t i = 0; i < sizeof(duties) / sizeof(duties[0]); i++)
		if (strcmp(duties[i].method, method) == 0)
			return duties[i].duty;
	return DUTY_ALL;
}
