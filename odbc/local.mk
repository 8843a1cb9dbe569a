noinst_LIBRARIES += odbc/libodbc.a
odbc_libodbc_a_SOURCES = \
	odbc/backoff.c odbc/backoff.h \
	odbc/content.c odbc/content.h \
	odbc/content_audit.c odbc/content_audit.h \
	odbc/content_credential.c \
	odbc/content_export.c odbc/content_export.h \
	odbc/content_file.c odbc/content_file.h \
	odbc/content_index.c odbc/content_index.h \
	odbc/content_object.c odbc/content_person.c \
	odbc/content_read.c \
	odbc/content_retention.c odbc/content_retention.h \
	odbc/content_rewrite.c \
	odbc/content_row.c odbc/content_row.h \
	odbc/content_scoped.c \
	odbc/content_schema.c odbc/content_schema.h \
	odbc/db.c odbc/db.h \
	odbc/db_handle.h \
	odbc/db_packed.c odbc/db_statement.c \
	odbc/dialect.c odbc/dialect.h \
	odbc/dialect_expand.c \
	odbc/fold.c odbc/fold.h \
	odbc/gram.c odbc/gram.h \
	odbc/mssql.c \
	odbc/mssql_text.c odbc/mssql_text.h \
	odbc/postgresql.c \
	odbc/record.c odbc/record.h \
	odbc/record_adapter.c odbc/record_adapter.h \
	odbc/record_hold.c odbc/record_hold.h \
	odbc/record_schema.c odbc/record_schema.h \
	odbc/record_search.c odbc/record_search.h \
	odbc/record_state.c \
	odbc/schema.c odbc/schema.h \
	odbc/sqlite.c \
	odbc/sqlite_library.c odbc/sqlite_library.h \
	odbc/sqlite_printf.c odbc/sqlite_printf.h \
	odbc/statement.c odbc/statement.h
odbc_libodbc_a_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
ODBC_LIB = odbc/libodbc.a $(ODBC_LIBS) $(UNISTRING_LIBS)
EXTRA_DIST += odbc/README
