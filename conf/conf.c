#include "config.h"

#include "conf/conf.h"
