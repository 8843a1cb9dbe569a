use v5.36;
use Test::More;

# The tests of odbc/ against SQL Server, or another server that speaks TDS and T-SQL, by FreeTDS:
#
#   PCHAT_TEST_MSSQL='Driver=FreeTDS;Server=127.0.0.1;Port=1433;Database=pchat_test;UID=...;PWD=...'
#
# The database must be there; every table in it whose name begins with "pc" is dropped.
my $dsn = $ENV{PCHAT_TEST_MSSQL};
plan skip_all => 'PCHAT_TEST_MSSQL does not name a database' if !$dsn;

my $build = $ENV{PCHAT_BUILD} // '.';
$ENV{PCHAT_TEST_DSN} = $dsn;
for my $name (qw(content content_file content_object db driver store reader)) {
	my $output = `'$build/t/unit/${name}_test' 2>&1`;
	ok($? == 0, "the tests of ${name}_test hold on SQL Server") or diag($output);
}

done_testing;
