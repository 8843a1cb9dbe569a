use v5.36;
use Test::More;
use Pchat::Again;
use Pchat::Mssql;

# What runs on SQLite runs on SQL Server as well, or on another server that speaks TDS and T-SQL, by
# FreeTDS:
#
#   PCHAT_TEST_MSSQL='Driver=FreeTDS;Server=127.0.0.1;Port=1433;Database=master;UID=...;PWD=...'
#
# The user must be allowed to create databases. All scripts: PCHAT_TEST_DATABASE=mssql make check.
plan skip_all => 'PCHAT_TEST_MSSQL does not name a server' if !Pchat::Mssql->named;

units_hold(Pchat::Mssql->start, 'SQL Server', 'mssql');
scripts_hold('mssql', 'SQL Server',
	qw(10-order 12-rooms 13-objects 13-remains 16-messages 16-people 17-search 24-verify 25-reports
		28-audit 29-export 34-database 37-retention 38-import 40-journal-full 46-files
		48-files-on-record 49-files-listed 80-compliance 81-verify 82-compliance-full
		84-adapter-process 85-discovery 87-retention));

done_testing;
