#include "t/adapter/records.h"

#define LAB "ma-chan://example.test/11111111-1111-4111-8111-111111111111"
#define BAR "ma-chan://example.test/22222222-2222-4222-8222-222222222222"
#define START UINT64_C(1763717400123456) /* 2025-11-21T09:30:00.123456Z */

#define ALICE .user = 7, .user_uri = "sip:alice@example.test", .user_name = "Alice"
#define BOB .user = 8, .user_uri = "sip:bob@example.test", .user_name = "Bob \"<b>\" & Söhne"
#define EMPTY                                                                                    \
	.address = "127.0.0.1:5000", .session = "8.2.1", .hash = "", .content = "", .title = "", \
	.rich_type = "", .rich = "", .detail = ""
#define IN_LAB                                                        \
	.room = LAB, .room_name = "Lab <1> & \"2\" \xf0\x9f\xa7\xaa", \
	.room_description = "What we try", .category = "Science", .history = true
#define IN_BAR .room = BAR, .room_name = "Bar", .room_description = "", .category = "General"
#define NOWHERE .room = "", .room_name = "", .room_description = "", .category = ""

#pragma GCC diagnostic ignored "-Woverride-init" /* EMPTY, and then what is not */

static const struct adapter_record list[] = {
	{EMPTY, NOWHERE, ALICE, .number = 1, .time = START, .kind = ADAPTER_OTHER,
	 .type = "sign_in"},
	{EMPTY, IN_LAB, ALICE, .number = 2, .time = START + 1, .kind = ADAPTER_JOIN,
	 .type = "join"},
	{EMPTY, IN_BAR, BOB, .number = 3, .time = START + 2, .kind = ADAPTER_JOIN, .type = "join"},
	{EMPTY, IN_LAB, BOB, .number = 4, .time = START + 3, .kind = ADAPTER_JOIN, .type = "join"},
	{EMPTY, IN_LAB, ALICE, .number = 5, .time = START + 1000000, .kind = ADAPTER_CHAT,
	 .type = "chat", .message = 1,
	 .content = "<script>alert(\"&amp;\")</script> \x01\x1b[31m\tred\r\nnew line 'q' ]]> "
		    "\xf0\x9f\x98\x80 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"},
	{EMPTY, IN_LAB, BOB, .number = 6, .time = START + 2000000, .kind = ADAPTER_CHAT,
	 .type = "chat", .message = 2, .alert = true, .content = "=SUM(A1)",
	 .rich_type = "text/html", .rich = "<b>=SUM(A1)</b>"},
	{EMPTY, IN_LAB, BOB, .number = 7, .time = START + 3000000, .kind = ADAPTER_CHAT,
	 .type = "chat", .message = 3, .title = "A story", .content = "Once\nupon a time"},
	{EMPTY, IN_BAR, BOB, .number = 8, .time = START + 3500000, .kind = ADAPTER_BACKCHAT,
	 .type = "view", .content = "last 30", .detail = "{\"limit\":30}"},
	{EMPTY, IN_LAB, ALICE, .number = 9, .time = START + 4000000, .kind = ADAPTER_FILEUPLOAD,
	 .type = "upload", .content = "9f.txt", .detail = "{\"name\":\"a,\\\"b.txt\",\"size\":5}"},
	{EMPTY, IN_LAB, BOB, .number = 10, .time = START + 5000000, .kind = ADAPTER_FILEDOWNLOAD,
	 .type = "download", .content = "9f.txt"},
	{EMPTY, IN_LAB, ALICE, .number = 11, .time = START + 6000000, .kind = ADAPTER_REMOVE,
	 .type = "remove", .message = 1},
	{EMPTY, IN_LAB, ALICE, .number = 12, .time = START + 7000000, .kind = ADAPTER_REPLACE,
	 .type = "replace", .message = 2,
	 .content = "This message was replaced by the Persistent Chat administrator."},
	{EMPTY, IN_LAB, ALICE, .number = 13, .time = START + 8000000, .kind = ADAPTER_PURGE,
	 .type = "purge", .message = 2},
	{EMPTY, IN_LAB, BOB, .number = 14, .time = START + 9000000, .kind = ADAPTER_PART,
	 .type = "part"},
	{EMPTY, IN_LAB, ALICE, .number = 15, .time = START + 10000000, .kind = ADAPTER_FILEREMOVE,
	 .type = "file_removed", .content = "9f.txt"},
	{EMPTY, IN_LAB, ALICE, .number = 16, .time = START + 11000000, .kind = ADAPTER_OTHER,
	 .type = "file_granted", .content = "<b>&\x01\".txt"},
};

const struct adapter_batch adapter_records = {list, sizeof(list) / sizeof(list[0])};

/* One record of each type, as the man page has them; what kind that is, is asked for. */
#define NOBODY .user = 0, .user_uri = "", .user_name = ""
#define ROOT .user = 0, .user_uri = "", .user_name = "unix:root"
#define OTHER(no, what) EMPTY, .number = (no), .time = START + (no), .type = (what)
#define FILE_DETAIL                                                                    \
	"{\"file\":\"ma-filelink://example.test/11111111-1111-4111-8111-111111111111/" \
	"33333333-3333-4333-8333-333333333333\",\"size\":5,\"sha256\":\"00\"}"

static const struct adapter_record types[] = {
	{OTHER(1, "key"), NOWHERE, NOBODY, .detail = "{\"before\":null,\"after\":\"9f\"}"},
	{OTHER(2, "start"), NOWHERE, NOBODY, .detail = "{\"cold\":true}"},
	{OTHER(3, "gap"), NOWHERE, NOBODY,
	 .detail = "{\"from\":8,\"to\":80,\"lost\":{\"number\":7,\"hash\":\"00\"}}"},
	{OTHER(4, "restored"), NOWHERE, NOBODY, .detail = "{\"number\":7,\"hash\":\"00\"}"},
	{OTHER(5, "unreadable"), NOWHERE, NOBODY,
	 .detail = "{\"event\":\"message\",\"payload\":\"00ff\"}"},
	{OTHER(6, "sign_in"), NOWHERE, ROOT, .address = "unix:uid=0",
	 .detail = "{\"role\":\"administrator\"}"},
	{OTHER(7, "principal"), NOWHERE, ROOT,
	 .detail = "{\"before\":null,\"after\":{\"kind\":\"user\",\"uri\":\"sip:<b>@example.test\"}"
		   "}"},
	{OTHER(8, "category"), ROOT, .category = "General", .room = "", .room_name = "",
	 .room_description = "", .detail = "{\"before\":null,\"after\":{\"name\":\"General\"}}"},
	{OTHER(9, "room"), IN_LAB, ROOT,
	 .detail = "{\"before\":null,\"after\":{\"name\":\"Lab\"}}"},
	{OTHER(10, "addin"), NOWHERE, ROOT,
	 .detail = "{\"before\":null,\"after\":{\"url\":\"https://example.test/?a&b\"}}"},
	{OTHER(11, "role"), IN_LAB, ROOT,
	 .detail = "{\"principal\":\"*\",\"role\":\"member\",\"before\":false,\"after\":true}"},
	{OTHER(12, "affiliation"), NOWHERE, ROOT,
	 .detail = "{\"member\":\"sip:alice@example.test\",\"group\":\"ma-grp:a\",\"before\":false,"
		   "\"after\":true}"},
	{OTHER(13, "delete"), IN_BAR, ROOT,
	 .detail = "{\"kind\":\"room\",\"before\":{\"name\":\"Bar\"},\"after\":null}"},
	{OTHER(14, "setting"), NOWHERE, ROOT,
	 .detail = "{\"kind\":\"config\",\"scope\":\"global\",\"name\":\"history\",\"before\":null,"
		   "\"after\":\"30\"}"},
	{OTHER(15, "grant"), NOWHERE, ROOT,
	 .detail = "{\"principal\":\"sip:bob@example.test\",\"before\":null,\"after\":\"Strict\"}"},
	{OTHER(16, "access_request"), IN_LAB, BOB, .content = "=please",
	 .detail = "{\"principal\":\"sip:bob@example.test\",\"what\":\"asked\"}"},
	{OTHER(17, "refused"), IN_LAB, BOB,
	 .detail = "{\"request\":\"join\",\"error\":\"ErrorPermission\"}"},
	{OTHER(18, "join"), IN_LAB, ALICE},
	{OTHER(19, "chat"), IN_LAB, ALICE, .message = 1, .alert = true, .title = "A story",
	 .content = "Once", .rich_type = "text/html", .rich = "<b>Once</b>",
	 .detail = "{\"id\":\"a1\"}"},
	{OTHER(20, "import"), IN_LAB, ROOT, .message = 2, .content = "Long ago",
	 .detail = "{\"author\":\"sip:bob@example.test\",\"posted\":\"2009-01-01T00:00:00."
		   "000000Z\"}"},
	{OTHER(21, "view"), IN_LAB, BOB, .content = "messages 1 to 2"},
	{OTHER(22, "search"), IN_LAB, BOB, .content = "words \"once\""},
	{OTHER(23, "file_granted"), IN_LAB, ALICE, .content = "a.txt", .detail = FILE_DETAIL},
	{OTHER(24, "upload"), IN_LAB, ALICE, .content = "a.txt", .detail = FILE_DETAIL},
	{OTHER(25, "download"), IN_LAB, BOB, .content = "a.txt", .detail = FILE_DETAIL},
	{OTHER(26, "file_removed"), IN_LAB, ROOT, .content = "a.txt", .detail = FILE_DETAIL},
	{OTHER(27, "replace"), IN_LAB, ROOT, .message = 1, .content = "gone",
	 .detail = "{\"author\":\"sip:alice@example.test\"}"},
	{OTHER(28, "remove"), IN_LAB, ALICE, .message = 2},
	{OTHER(29, "purge"), IN_LAB, ROOT, .message = 2},
	{OTHER(30, "part"), IN_LAB, ALICE, .detail = "{\"reason\":\"restart\"}"},
	{OTHER(31, "sign_out"), NOWHERE, ALICE, .detail = "{\"reason\":\"restart\"}"},
	{OTHER(32, "discovery"), NOWHERE, ROOT, .content = "search: words merger"},
	{OTHER(33, "hold"), NOWHERE, ROOT,
	 .content = "name: Jones\nuser: sip:alice@example.test\n"},
	{OTHER(34, "release"), NOWHERE, ROOT, .content = "name: Jones\nreason: over\n"},
	{OTHER(35, "purge_request"), NOWHERE, ROOT,
	 .content = "until: 2026-01-01T00:00:00.000000Z\n"},
	{OTHER(36, "expire"), NOWHERE, NOBODY, .content = "1-2 4-4",
	 .detail =
		 "{\"reason\":\"purge\",\"until\":\"2026-01-01T00:00:00.000000Z\",\"records\":3}"},
	{OTHER(37, "lost"), NOWHERE, ALICE},
	{OTHER(38, "resume"), IN_LAB, ALICE, .session = "9.4.1", .detail = "{\"from\":\"8.2.1\"}"},
};

const struct adapter_batch adapter_types = {types, sizeof(types) / sizeof(types[0])};
