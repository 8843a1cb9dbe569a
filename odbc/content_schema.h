#ifndef PCHAT_ODBC_CONTENT_SCHEMA_H
#define PCHAT_ODBC_CONTENT_SCHEMA_H

#include "odbc/schema.h"

/* The schema of the content database, as the steps that lead to it, for all dialects. */
extern const struct schema schema_content;

#endif
