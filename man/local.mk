dist_man_MANS = \
	man/pchat-protocol.7
