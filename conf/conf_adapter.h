#ifndef PCHAT_CONF_CONF_ADAPTER_H
#define PCHAT_CONF_CONF_ADAPTER_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/err.h"

/*
 * The sections "adapter NAME { ... }", for conf.c and the master's reload. What they hold is set
 * by setting.h, with the struct conf_adapter in the place of the struct conf.
 */

/* The adapter of that name, made with its defaults where there is none yet. NULL: err says why. */
struct conf_adapter *conf_adapter_take(struct conf *conf, const char *name, struct err *err);

/*
 * What depends on more than one setting. Called again with the number of the mistake, from 0 on,
 * until it is false; each mistake is a sentence about one setting.
 */
bool conf_adapter_mistake(const struct conf_adapter *adapter, unsigned number,
			  const char **setting_r, const char **sentence_r);

/* As a section, such that it reads the same. */
void conf_adapter_print(const struct conf_adapter *adapter, FILE *out);

void conf_adapters_clear(struct conf *conf);

#endif
