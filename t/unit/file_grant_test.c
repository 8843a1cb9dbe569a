/* Tokens for files, and uploads under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file_grant.h"
#include "daemon/file_upload.h"

enum { START = 1000000 };

static void hash_of(uint8_t number, uint8_t hash_r[FILE_HASH])
{
	memset(hash_r, number, FILE_HASH);
}

static uint32_t holder; /* who is granted something */

static bool grant(struct file_grants *grants, uint8_t token, uint8_t file, uint32_t room,
		  uint64_t time)
{
	const struct record record = {.type = token % 2 ? EVENT_FILE_GRANT : EVENT_FILE_READ,
				      .lsn = time,
				      .time = time,
				      .actor = holder,
				      .room = room,
				      .origin = {.slot = 8, .session = 3, .request = 4}};
	struct event_file event = {.size = 11, .name = {"name", 4}, .type = {"a/b", 3}};

	hash_of(token, event.token_hash);
	memset(event.uuid, file, sizeof(event.uuid));
	return grants_put(grants, &record, &event);
}

static struct file_grant *find(struct file_grants *grants, uint8_t token, uint64_t now)
{
	uint8_t hash[FILE_HASH];

	hash_of(token, hash);
	return grants_find(grants, hash, now);
}

static void a_token_is_good_until_it_expires(void **state)
{
	struct file_grants grants;
	const struct file_grant *found;

	(void)state;
	grants_init(&grants, 10);
	assert_true(grant(&grants, 1, 5, 7, START));
	found = find(&grants, 1, START);
	assert_non_null(found);
	assert_true(found->upload);
	assert_int_equal(found->room, 7);
	assert_int_equal(found->origin.session, 3);
	assert_int_equal(found->origin.request, 0);
	assert_int_equal(grant_name(found).length, 4);
	assert_memory_equal(grant_name(found).data, "name", 4);
	assert_memory_equal(grant_type(found).data, "a/b", 3);
	assert_non_null(find(&grants, 1, START + FILE_TOKEN_US - 1));
	assert_null(find(&grants, 1, START + FILE_TOKEN_US));
	assert_null(find(&grants, 2, START));
	grants_expire(&grants, START + FILE_TOKEN_US - 1);
	assert_int_equal(grants.count, 1);
	grants_expire(&grants, START + FILE_TOKEN_US);
	assert_int_equal(grants.count, 0);
	grants_fini(&grants);
}

static void the_oldest_give_way(void **state)
{
	struct file_grants grants;

	(void)state;
	grants_init(&grants, 3);
	for (uint8_t i = 1; i <= 5; i++)
		assert_true(grant(&grants, i, i, 1, START + i));
	assert_int_equal(grants.count, 3);
	assert_null(find(&grants, 2, START));
	assert_non_null(find(&grants, 3, START));
	assert_int_equal(grants_oldest(&grants), START + 3);
	grants_fini(&grants);
	assert_true(grants_oldest(&grants) == UINT64_MAX);
}

static void who_asks_for_many_pushes_out_his_own(void **state)
{
	struct file_grants grants;

	(void)state;
	grants_init(&grants, 160); /* 20 for each */
	holder = 1;
	assert_true(grant(&grants, 200, 1, 1, START));
	holder = 2;
	for (uint8_t i = 1; i <= 150; i++)
		assert_true(grant(&grants, i, i, 1, START + i));
	holder = 0;
	assert_int_equal(grants.count, 21);
	assert_non_null(find(&grants, 200, START));
	assert_null(find(&grants, 130, START));
	assert_non_null(find(&grants, 131, START));
	grants_fini(&grants);
}

static void tokens_go_with_what_they_are_for(void **state)
{
	struct file_grants grants;
	uint8_t file[16], hash[FILE_HASH];

	(void)state;
	grants_init(&grants, 10);
	for (uint8_t i = 1; i <= 6; i++)
		assert_true(grant(&grants, i, i / 3, i / 5, START + i));
	memset(file, 0, sizeof(file));
	grants_drop_file(&grants, file);
	assert_int_equal(grants.count, 4); /* less 1, 2 */
	grants_drop_room(&grants, 1);
	assert_int_equal(grants.count, 2); /* less 5, 6 */
	hash_of(3, hash);
	grants_drop(&grants, hash);
	grants_drop(&grants, hash);
	assert_int_equal(grants.count, 1);
	assert_non_null(find(&grants, 4, START));
	grants_forget_sessions(&grants);
	assert_int_equal(find(&grants, 4, START)->origin.session, 0);
	grants_fini(&grants);
}

static void a_token_that_is_granted_again_is_the_new_one(void **state)
{
	struct file_grants grants;

	(void)state;
	grants_init(&grants, 10);
	assert_true(grant(&grants, 1, 1, 1, START));
	assert_true(grant(&grants, 3, 1, 1, START + 1));
	assert_true(grant(&grants, 1, 2, 2, START + 2));
	assert_int_equal(grants.count, 2);
	assert_int_equal(find(&grants, 1, START)->room, 2);
	assert_int_equal(grants_oldest(&grants), START + 1);
	grants_fini(&grants);
}

/* --- Uploads. --- */

static int scratch(void)
{
	char path[] = "/tmp/pchat-upload-XXXXXX";
	const int fd = mkstemp(path);

	assert_return_code(fd, errno);
	unlink(path);
	return fd;
}

static void an_upload_is_one_connections(void **state)
{
	const struct ask question = {.slot = 8, .generation = 2, .session = 9};
	struct ask other = question;
	struct file_uploads uploads;
	struct file_upload *upload;
	struct file_grants grants;

	(void)state;
	grants_init(&grants, 10);
	uploads_init(&uploads, 2);
	assert_true(grant(&grants, 1, 1, 1, START));
	upload = uploads_add(&uploads, find(&grants, 1, START), &question, scratch());
	assert_non_null(upload);
	grants_fini(&grants); /* it has its own copy */
	assert_int_equal(uploads.count, 1);
	assert_int_equal(uploads.bytes, 11);
	assert_ptr_equal(uploads_find(&uploads, upload->hash), upload);
	assert_ptr_equal(uploads_of(&uploads, &question), upload);
	other.session++;
	assert_null(uploads_of(&uploads, &other));
	other = question;
	other.generation++;
	assert_null(uploads_of(&uploads, &other));
	other = question;
	other.slot++;
	assert_null(uploads_of(&uploads, &other));
	uploads_drop(&uploads, &upload);
	assert_null(upload);
	assert_int_equal(uploads.count, 0);
	assert_int_equal(uploads.bytes, 0);
	uploads_fini(&uploads);
}

static void what_is_written_is_hashed(void **state)
{
	/* SHA-256 of a million times "a", of FIPS 180. */
	static const uint8_t expected[FILE_HASH] = {
		0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
		0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
		0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0};
	const struct ask question = {.slot = 8, .generation = 2, .session = 9};
	uint8_t sha256[FILE_HASH], piece[10000], back[2];
	struct file_uploads uploads;
	struct file_upload *upload;
	struct file_grants grants;
	struct err err;

	(void)state;
	grants_init(&grants, 10);
	uploads_init(&uploads, 2);
	assert_true(grant(&grants, 1, 1, 1, START));
	upload = uploads_add(&uploads, find(&grants, 1, START), &question, scratch());
	memset(piece, 'a', sizeof(piece));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(upload_write(upload, piece, sizeof(piece), &err), 0);
	assert_int_equal(upload->offset, 1000000);
	assert_int_equal(pread(upload->fd, back, 2, 999999), 1);
	assert_true(upload_digest(upload, sha256));
	assert_memory_equal(sha256, expected, sizeof(sha256));
	uploads_fini(&uploads);
	grants_fini(&grants);
}

static void a_large_one_is_brought_to_the_disk_as_it_comes(void **state)
{
	const struct ask question = {.slot = 8, .generation = 2, .session = 9};
	static uint8_t piece[3 << 20];
	struct file_uploads uploads;
	struct file_upload *upload;
	struct file_grants grants;
	struct err err;

	(void)state;
	grants_init(&grants, 10);
	uploads_init(&uploads, 2);
	assert_true(grant(&grants, 1, 1, 1, START));
	upload = uploads_add(&uploads, find(&grants, 1, START), &question, scratch());
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(upload_write(upload, piece, sizeof(piece), &err), 0);
	assert_int_equal(upload->offset, 24 << 20);
	assert_int_equal(lseek(upload->fd, 0, SEEK_END), 24 << 20);
	uploads_fini(&uploads);
	grants_fini(&grants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_good_until_it_expires),
		cmocka_unit_test(the_oldest_give_way),
		cmocka_unit_test(who_asks_for_many_pushes_out_his_own),
		cmocka_unit_test(tokens_go_with_what_they_are_for),
		cmocka_unit_test(a_token_that_is_granted_again_is_the_new_one),
		cmocka_unit_test(an_upload_is_one_connections),
		cmocka_unit_test(what_is_written_is_hashed),
		cmocka_unit_test(a_large_one_is_brought_to_the_disk_as_it_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
