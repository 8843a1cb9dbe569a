#include <string.h>

#include "conf/code.h"
#include "fuzz.h"
#include "t/worker/stub.h"
#include "worker/conn.h"

/*
 * What a stranger can send to a worker's ports. The first byte says how the rest is taken:
 *   0  as the bytes of a new connection (HTTP, then WebSocket or a file)
 *   1  as the bytes of frames behind an upgrade
 *   2  as JSON texts, each in a frame of its own; a 0x01 separates them; signed in
 *   3  as lines of the local administrators' socket
 * Its bits from 0x10 on say into pieces of how many bytes the rest is cut.
 */
static const char upgrade[] =
	"GET /pchat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: mYrGZhU0ySZLyJ5fN1rXQA==\r\n"
	"Sec-WebSocket-Protocol: pchat.v1\r\n\r\n";
static const char sign_in[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"auth.start\","
			      "\"params\":{\"mechanism\":\"PLAIN\"}}";

enum { OUT = 1 << 16 };

static bool feed(struct stub *stub, struct conn *conn, const uint8_t *data, size_t size,
		 size_t piece)
{
	static char out[OUT];

	while (size > 0) {
		size_t n = size < piece ? size : piece;

		if (!stub_feed(stub, conn, data, n))
			return false;
		do
			while (stub_read(stub, out, sizeof(out)) == sizeof(out) - 1)
				;
		while (stub_transfer(stub, CODE_OK));
		data += n;
		size -= n;
	}
	return true;
}

/* A text as a masked frame; the mask is 0. */
static bool feed_text(struct stub *stub, struct conn *conn, const uint8_t *text, size_t size,
		      size_t piece)
{
	uint8_t head[8] = {0x81, (uint8_t)(0x80 | size)};
	size_t used = 6;

	if (size > 65535)
		size = 65535;
	if (size >= 126) {
		head[1] = 0x80 | 126;
		head[2] = (uint8_t)(size >> 8);
		head[3] = (uint8_t)size;
		used = 8;
	}
	return feed(stub, conn, head, used, piece) && feed(stub, conn, text, size, piece);
}

static void feed_texts(struct stub *stub, struct conn *conn, const uint8_t *data, size_t size,
		       size_t piece)
{
	bool there = feed(stub, conn, (const uint8_t *)upgrade, sizeof(upgrade) - 1, SIZE_MAX) &&
		     feed_text(stub, conn, (const uint8_t *)sign_in, sizeof(sign_in) - 1, SIZE_MAX);

	while (there && size > 0) {
		const uint8_t *end = memchr(data, 1, size);
		size_t n = end == NULL ? size : (size_t)(end - data);

		there = feed_text(stub, conn, data, n, piece);
		data += n;
		size -= n;
		if (size > 0) {
			data++;
			size--;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stub stub;
	static bool ready;
	struct conn *conn;
	size_t piece;

	if (size == 0)
		return 0;
	if (!ready)
		stub_init(&stub);
	ready = true;
	piece = data[0] >> 4 == 0 ? SIZE_MAX : data[0] >> 4;
	conn = stub_open(&stub, (data[0] & 3) == 3);
	switch (data[0] & 3) {
	case 1:
		if (!feed(&stub, conn, (const uint8_t *)upgrade, sizeof(upgrade) - 1, SIZE_MAX))
			abort();
		feed(&stub, conn, data + 1, size - 1, piece);
		break;
	case 2:
		feed_texts(&stub, conn, data + 1, size - 1, piece);
		break;
	default:
		feed(&stub, conn, data + 1, size - 1, piece);
	}
	stub_close(&stub);
	return 0;
}
