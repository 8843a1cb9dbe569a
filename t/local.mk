# One block a test, sorted by name.

if HAVE_CMOCKA
check_PROGRAMS += t/unit/ask_test
TESTS += t/unit/ask_test
endif
t_unit_ask_test_SOURCES = t/unit/ask_test.c
t_unit_ask_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_ask_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)
