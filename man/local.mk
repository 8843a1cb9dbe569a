dist_man_MANS = \
	man/pchat.1 \
	man/pchat-archive.5 \
	man/pchat-compliance.7 \
	man/pchat-failover.7 \
	man/pchat-protocol.7 \
	man/pchat-schema.7 \
	man/pchatctl.8 \
	man/pchatd.8 \
	man/pchatd.conf.5

EXTRA_DIST += man/README
