dist_man_MANS = \
	man/pchat-protocol.7 \
	man/pchatd.conf.5
