#ifndef PCHAT_DAEMON_ADAPTER_XML_H
#define PCHAT_DAEMON_ADAPTER_XML_H

#include <libxml/tree.h>

#include "daemon/adapter.h"

/* The XML of records in memory; *xml_r is the caller's, by xmlBufferFree. */
int adapter_xml(const struct adapter *adapter, const struct adapter_batch *records,
		xmlBufferPtr *xml_r, struct err *err);

/* Text as XML may hold it: what is no character of XML becomes U+FFFD. Free with free();
 * NULL: no memory. */
char *adapter_xml_text(const char *text);

#endif
