#ifndef PCHAT_T_ADAPTER_RECORDS_H
#define PCHAT_T_ADAPTER_RECORDS_H

#include "daemon/adapter.h"

/* A batch that has one record of every kind, in two rooms, with text that is hard on any form. */
extern const struct adapter_batch adapter_records;

/* One of each type. */
extern const struct adapter_batch adapter_types;

#endif
