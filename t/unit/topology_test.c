#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/topology.h"

/* The rules of topologies, one by one. */

#define STORE "'content_store':{'server':'sql1'}"
#define SERVER(name) "{'name':'" name "'}"
#define STANDBY(name) "{'name':'" name "','state':'standby'}"
#define ENTERPRISE(name, servers)                                                            \
	"{'name':'" name "','edition':'enterprise','next_hop':'fe.test','servers':[" servers \
	"]," STORE "}"
#define POOLS(pools) "{'version':1,'pools':[" pools "]}"

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *document;

	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	document = json_loads(copy, 0, NULL);
	if (!document)
		fail_msg("no JSON: %s", text);
	free(copy);
	return document;
}

/* All mistakes, a line each. */
static void expect(const char *text, const char *before, const char *mistakes)
{
	json_t *document = parse(text), *old = before ? parse(before) : NULL;
	json_t *found = topology_mistakes(document, old), *one;
	char all[2000] = "";
	size_t i;

	json_array_foreach(found, i, one)
	{
		strcat(all, json_string_value(one));
		strcat(all, "\n");
	}
	assert_string_equal(all, mistakes);
	json_decref(found);
	json_decref(old);
	json_decref(document);
}

static void test_the_four_topologies_of_the_original_are_right(void **state)
{
	(void)state;
	expect(POOLS(ENTERPRISE("one.test", SERVER("a.test"))), NULL, "");
	expect(POOLS(ENTERPRISE(
		       "one.test",
		       SERVER("a.test") "," SERVER("b.test") "," SERVER("c.test") "," SERVER("d."
											     "test") "," STANDBY(
			       "e.test") "," STANDBY("f.test") "," STANDBY("g.test") "," STANDBY("h"
												 "."
												 "t"
												 "e"
												 "s"
												 "t"))),
	       NULL, "");
	expect(POOLS("{'name':'se.test','edition':'standard','next_hop':'se.test',"
		     "'servers':[{'name':'se.test','collocated':true}]," STORE
		     ",'file_store':'/var/files'}"),
	       NULL, "");
	expect(POOLS("{'name':'chat.test','edition':'standard','next_hop':'se.test',"
		     "'servers':[{'name':'chat.test'}]," STORE "}"),
	       NULL, "");
}

static void test_a_pool_has_four_active_servers_and_four_that_stand_by(void **state)
{
	(void)state;
	expect(POOLS(ENTERPRISE("one.test",
				SERVER("a.test") "," SERVER("b.test") "," SERVER(
					"c.test") "," SERVER("d.test") "," SERVER("e.test"))),
	       NULL, "pool one.test: it has 5 active servers, and may have 4\n");
	expect(POOLS(ENTERPRISE(
		       "one.test",
		       SERVER("a.test") "," STANDBY("b.test") "," STANDBY("c.test") "," STANDBY(
			       "d.test") "," STANDBY("e.test") "," STANDBY("f.test"))),
	       NULL, "pool one.test: it has 5 servers that stand by, and may have 4\n");
	expect(POOLS(ENTERPRISE("one.test", STANDBY("a.test"))), NULL,
	       "pool one.test: it has no active server\n");
}

static void test_what_stands_on_what(void **state)
{
	(void)state;
	expect(POOLS("{'name':'one.test','edition':'enterprise','next_hop':'fe.test',"
		     "'servers':[{'name':'a.test','collocated':true}]," STORE "}"),
	       NULL, "pool one.test: no server of an enterprise pool stands on a front end\n");
	expect(POOLS("{'name':'chat.test','edition':'standard','next_hop':'se.test',"
		     "'servers':[{'name':'se.test','collocated':true}]," STORE "}"),
	       NULL,
	       "pool chat.test: a pool whose server stands on the front end se.test has to be "
	       "called "
	       "as that is\n");
	expect(POOLS("{'name':'chat.test','edition':'standard','next_hop':'se.test',"
		     "'servers':[{'name':'a.test'},{'name':'b.test'}]," STORE "}"),
	       NULL, "pool chat.test: a standard pool has one server, and no high availability\n");
	expect(POOLS("{'name':'one.test','edition':'home','servers':[{'name':'a.test'}]," STORE
		     "}"),
	       NULL,
	       "pool one.test: it needs the name of its next hop\n"
	       "pool one.test: its edition is neither enterprise nor standard\n");
	expect(POOLS("{'name':'one.test','edition':'enterprise','next_hop':'fe.test',"
		     "'servers':[{'name':'a.test'},{'name':'b.test'}]," STORE
		     ",'file_store':'/var/files','compliance':true}"),
	       NULL,
	       "pool one.test: its files are in a directory of one host, /var/files, and it has "
	       "several servers\n"
	       "pool one.test: compliance needs a compliance_store\n");
}

static void test_pools_share_neither_servers_nor_databases(void **state)
{
	(void)state;
	expect(POOLS(ENTERPRISE("one.test", SERVER("a.test")) "," ENTERPRISE("two.test",
									     SERVER("a.test"))),
	       NULL,
	       "server a.test: it is of pool one.test, too\n"
	       "pool two.test: its content_store is that of pool one.test, too\n");
	expect(POOLS(ENTERPRISE("one.test", SERVER("a.test") "," SERVER("a.test"))), NULL,
	       "pool one.test: server a.test is named twice\n");
	expect("{'version':1,'pools':[" ENTERPRISE(
		       "one.test",
		       SERVER("a.test")) ",{'name':'one.test','edition':'enterprise',"
					 "'next_hop':'fe.test','servers':[{'name':'b.test'}],"
					 "'content_store':{'server':'sql2'}}]}",
	       NULL, "pool one.test: there are two of this name\n");
}

static void test_a_pool_for_a_single_computer_never_grows(void **state)
{
	static const char before[] = POOLS(
		"{'name':'one.test','edition':'enterprise','next_hop':'fe.test','single':true,"
		"'servers':[{'name':'a.test'}]," STORE "}");
	static const char collocated[] =
		POOLS("{'name':'se.test','edition':'standard','next_hop':'se.test',"
		      "'servers':[{'name':'se.test','collocated':true}]," STORE "}");

	(void)state;
	expect(before, before, "");
	expect(POOLS(ENTERPRISE("one.test", SERVER("a.test") "," SERVER("b.test"))), before,
	       "pool one.test: it was made for a single computer, and stays so\n");
	expect(POOLS(ENTERPRISE("se.test", SERVER("se.test") "," SERVER("b.test"))), collocated,
	       "pool se.test: its first server stands on a front end: it can get no other\n"
	       "pool se.test: its edition cannot change\n");
	expect(POOLS(ENTERPRISE("one.test", SERVER("a.test") "," SERVER("b.test"))),
	       POOLS(ENTERPRISE("one.test", SERVER("a.test"))), "");
}

static void test_names_refer_to_what_is_there(void **state)
{
	(void)state;
	expect("{'version':1,'default_pool':'two.test','sites':[{'name':'berlin',"
	       "'default_pool':'one.test'},{'name':'bonn','default_pool':'x.test'}],"
	       "'pools':[{'name':'one.test','site':'rome','edition':'enterprise',"
	       "'next_hop':'fe.test','servers':[{'name':'a.test','site':'oslo'}]," STORE "}]}",
	       NULL,
	       "the document: there is no pool two.test\n"
	       "site bonn: there is no pool x.test\n"
	       "pool one.test: there is no site rome\n"
	       "server a.test: there is no site oslo\n");
}

static void test_what_is_mistyped_is_found(void **state)
{
	(void)state;
	expect("[]", NULL, "the document is not an object\n");
	expect("{'pools':{}}", NULL,
	       "the document: its \"version\" is not 1\n"
	       "the document: \"pools\" is not a list\n"
	       "the document: it has no pools\n");
	expect(POOLS("{'name':'One.test','edition':'enterprise','next_hop':'fe.test','prot':1,"
		     "'port':99999,'servers':[{'name':'a.test','state':'asleep'}]," STORE "}"),
	       NULL,
	       "pool One.test: \"prot\" is unknown\n"
	       "a pool has no name, or one that is not a host's in lower case\n"
	       "pool One.test: its port is not a number from 1 to 65535\n"
	       "server a.test: its state is neither active nor standby\n");
}

/* Sentences have a length, names may be longer, and a character can stand where they are cut. */
static void test_a_name_that_is_too_long_is_told(void **state)
{
	char name[700] = "", text[1500];
	json_t *document, *found;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		strcat(name, "\xc3\xbc");
	for (unsigned shift = 0; shift < 2; shift++) {
		snprintf(text, sizeof(text),
			 "{'version':1,'%s%s':1,'pools':[{'name':'%s%s'}]}", shift ? "a" : "", name,
			 shift ? "a" : "", name);
		document = parse(text);
		found = topology_mistakes(document, NULL);
		assert_non_null(found);
		assert_true(json_array_size(found) > 2);
		json_decref(found);
		json_decref(document);
	}
}

static void test_merging_replaces_what_has_the_same_name(void **state)
{
	json_t *one = parse("{'version':1,'sites':[{'name':'a'}],'pools':[{'name':'p','port':1},"
			    "{'name':'q'}]}");
	json_t *two = parse("{'version':1,'sites':[{'name':'b'}],'pools':[{'name':'r'},"
			    "{'name':'p','port':2}]}");
	json_t *merged = topology_merge(one, two);
	char *text = json_dumps(merged, JSON_COMPACT | JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text, "{\"pools\":[{\"name\":\"p\",\"port\":2},{\"name\":\"q\"},"
				  "{\"name\":\"r\"}],\"sites\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
				  "\"version\":1}");
	free(text);
	json_decref(merged);
	json_decref(two);
	json_decref(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_four_topologies_of_the_original_are_right),
		cmocka_unit_test(test_a_pool_has_four_active_servers_and_four_that_stand_by),
		cmocka_unit_test(test_what_stands_on_what),
		cmocka_unit_test(test_pools_share_neither_servers_nor_databases),
		cmocka_unit_test(test_a_pool_for_a_single_computer_never_grows),
		cmocka_unit_test(test_names_refer_to_what_is_there),
		cmocka_unit_test(test_what_is_mistyped_is_found),
		cmocka_unit_test(test_a_name_that_is_too_long_is_told),
		cmocka_unit_test(test_merging_replaces_what_has_the_same_name),
	};

	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
