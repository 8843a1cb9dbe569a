#include "config.h"

#include "shm/event.h"

const char *event_name(unsigned type)
{
	static const char *const names[EVENT_TYPES] = {
		[EVENT_PAD] = "pad",
		[EVENT_START] = "start",
		[EVENT_PRINCIPAL] = "principal",
		[EVENT_ROOM] = "room",
		[EVENT_SESSION_OPEN] = "session open",
		[EVENT_SESSION_CLOSE] = "session close",
		[EVENT_JOIN] = "join",
		[EVENT_LEAVE] = "leave",
		[EVENT_MESSAGE] = "message",
		[EVENT_CATEGORY] = "category",
		[EVENT_ADDIN] = "add-in",
		[EVENT_ROLE] = "role",
		[EVENT_AFFILIATION] = "affiliation",
		[EVENT_REMOVED] = "removed",
		[EVENT_MESSAGE_REMOVED] = "message removed",
		[EVENT_PURGE] = "purge",
		[EVENT_INVITATION] = "invitation",
		[EVENT_MARKER] = "marker",
		[EVENT_FEED] = "feed",
		[EVENT_ACCESS_REQUEST] = "access request",
		[EVENT_SETTING] = "setting",
		[EVENT_GRANT] = "grant",
		[EVENT_VIEW] = "view",
		[EVENT_REFUSED] = "refused",
		[EVENT_HISTORY] = "history",
		[EVENT_FILE_GRANT] = "file grant",
		[EVENT_FILE] = "file",
		[EVENT_FILE_READ] = "file read",
		[EVENT_FILE_REMOVED] = "file removed",
		[EVENT_JOINS] = "joins",
		[EVENT_LEAVES] = "leaves",
		[EVENT_LOST] = "session lost",
	};

	return type < EVENT_TYPES && names[type] ? names[type] : "unknown";
}
