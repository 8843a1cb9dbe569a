#include "t/adapter/records.h"

#define LAB "ma-chan://example.test/11111111-1111-4111-8111-111111111111"
#define BAR "ma-chan://example.test/22222222-2222-4222-8222-222222222222"
#define START UINT64_C(1763717400123456) /* 2025-11-21T09:30:00.123456Z */

#define ALICE .user = 7, .user_uri = "sip:alice@example.test", .user_name = "Alice"
#define BOB                                                                                        \
	.user = 8, .user_uri = "sip:bob@example.test", .user_name = "Bob \"<b>\" & Söhne"
#define EMPTY                                                                                      \
	.address = "127.0.0.1:5000", .session = "8.2.1", .hash = "", .content = "", .title = "", .rich_type = "", .rich = "",      \
	.detail = ""
#define IN_LAB                                                                                     \
	.room = LAB, .room_name = "Lab <1> & \"2\" \xf0\x9f\xa7\xaa",                              \
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
	 .type = "chat", .message = 2, .alert = true, .content = "=SUM(A1)", .rich_type = "text/html",
	 .rich = "<b>=SUM(A1)</b>"},
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
