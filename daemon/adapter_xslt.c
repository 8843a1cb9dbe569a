#include <libxml/parser.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/xsltutils.h>

#include "daemon/adapter_xml.h"

#define STYLESHEET_ACTIANCE PCHAT_DATADIR "/compliance-actiance.xsl"

/* A stylesheet turns text into text: it may neither write nor speak to the network. */
static xsltSecurityPrefsPtr security_new(void)
{
	xsltSecurityPrefsPtr security = xsltNewSecurityPrefs();

	if (security) {
		xsltSetSecurityPrefs(security, XSLT_SECPREF_WRITE_FILE, xsltSecurityForbid);
		xsltSetSecurityPrefs(security, XSLT_SECPREF_CREATE_DIRECTORY, xsltSecurityForbid);
		xsltSetSecurityPrefs(security, XSLT_SECPREF_READ_NETWORK, xsltSecurityForbid);
		xsltSetSecurityPrefs(security, XSLT_SECPREF_WRITE_NETWORK, xsltSecurityForbid);
	}
	return security;
}

static int apply(xsltStylesheetPtr stylesheet, xmlDocPtr document, FILE *out)
{
	xsltSecurityPrefsPtr security = security_new();
	xsltTransformContextPtr context = xsltNewTransformContext(stylesheet, document);
	xmlDocPtr result = NULL;
	int written = -1;

	if (security && context && xsltSetCtxtSecurityPrefs(security, context) == 0)
		result = xsltApplyStylesheetUser(stylesheet, document, NULL, NULL, NULL, context);
	if (result && context->state == XSLT_STATE_OK)
		written = xsltSaveResultToFile(out, result, stylesheet);
	xmlFreeDoc(result);
	if (context)
		xsltFreeTransformContext(context);
	xsltFreeSecurityPrefs(security);
	return written < 0 ? -1 : 0;
}

static int transform(const char *file, xmlDocPtr document, FILE *out, struct err *err)
{
	xsltStylesheetPtr stylesheet = xsltParseStylesheetFile((const xmlChar *)file);
	int result;

	if (!stylesheet)
		return err_set(err, "could not read the stylesheet %s", file);
	result = apply(stylesheet, document, out);
	xsltFreeStylesheet(stylesheet);
	return result < 0 ? err_set(err, "the stylesheet %s failed", file) : 0;
}

int adapter_write_xslt(const struct adapter *adapter, const struct adapter_batch *records,
		       FILE *out, struct err *err)
{
	const char *file = *adapter->stylesheet ? adapter->stylesheet : STYLESHEET_ACTIANCE;
	xmlBufferPtr xml;
	xmlDocPtr document;
	int result;

	if (adapter_xml(adapter, records, &xml, err) < 0)
		return -1;
	document = xmlReadMemory((const char *)xmlBufferContent(xml), xmlBufferLength(xml),
				 "conversations.xml", NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
	xmlBufferFree(xml);
	if (!document)
		return err_set(err, "could not transform XML: out of memory");
	result = transform(file, document, out, err);
	xmlFreeDoc(document);
	return result;
}
