#ifndef PCHAT_ODBC_RECORD_SCHEMA_H
#define PCHAT_ODBC_RECORD_SCHEMA_H

#include "odbc/schema.h"

/* The schema of the compliance database, as pchat-schema(7) describes it. */
extern const struct schema schema_record;

#endif
