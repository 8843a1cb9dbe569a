use v5.36;
use Test::More;
use Pchat::Again;
use Pchat::Postgres;
use Pchat::Server;

# What runs on SQLite runs on PostgreSQL as well. The everyday run has the tests of odbc/ and a
# selection of the scripts; all of them: PCHAT_TEST_DATABASE=postgresql make check.
plan skip_all => 'PostgreSQL is not installed' if !Pchat::Postgres->directory_of_programs;
plan skip_all => 'all scripts run on PostgreSQL' if ($ENV{PCHAT_TEST_DATABASE} // '') eq 'postgresql';

units_hold(Pchat::Postgres->start, 'PostgreSQL', 'postgresql');
# With sanitizers the same code is in the scripts on SQLite.
scripts_hold('postgresql', 'PostgreSQL',
	Pchat::Server->has_sanitizers
	? qw(10-order 34-database 80-compliance)
	: qw(10-order 13-objects 13-remains 28-audit 29-export 34-database 36-search-index 37-retention
		38-import 40-journal-full 49-files-listed 80-compliance 81-verify 84-adapter-process
		85-discovery 87-retention));

done_testing;
