#ifndef PCHAT_ODBC_SQLITE_SCHEMA_H
#define PCHAT_ODBC_SQLITE_SCHEMA_H

#include "odbc/dialect.h"

/* The schema of the content database on SQLite, as the steps that lead to it. */
enum { SQLITE_SCHEMA_STEPS = 2 };
extern const struct dialect_step sqlite_schema[SQLITE_SCHEMA_STEPS];

#endif
