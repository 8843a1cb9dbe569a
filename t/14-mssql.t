use v5.36;
use Cwd 'abs_path';
use File::Basename 'dirname';
use Test::More;
use Pchat::Mssql;

# What runs on SQLite runs on SQL Server as well, or on another server that speaks TDS and T-SQL, by
# FreeTDS:
#
#   PCHAT_TEST_MSSQL='Driver=FreeTDS;Server=127.0.0.1;Port=1433;Database=master;UID=...;PWD=...'
#
# The user must be allowed to create databases. All scripts: PCHAT_TEST_DATABASE=mssql make check.
plan skip_all => 'PCHAT_TEST_MSSQL does not name a server' if !Pchat::Mssql->named;

my $build = $ENV{PCHAT_BUILD} // '.';
my $source = dirname(dirname(abs_path(__FILE__)));

# Runs a program; true if it ended well. Its output only where it did not.
sub runs_well (@command) {
	open my $pipe, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @command
		or die "could not run $command[0]: $!\n";
	my @output = <$pipe>;
	close $pipe;
	my $failed = $?;
	diag(grep { !/^(ok|1\.\.)|  OK \]| RUN  / } @output) if $failed;
	return !$failed;
}

my $mssql = Pchat::Mssql->start;
local $ENV{PCHAT_TEST_DSN} = $mssql->dsn($mssql->add_database('unit'));
for my $name (qw(adapter audit compliance content content_file content_object db driver store reader index retention
	mssql))
{
	ok(runs_well("$build/t/unit/${name}_test"), "the tests of ${name}_test hold on SQL Server");
}
delete $ENV{PCHAT_TEST_DSN};
$mssql->finish;

$ENV{PCHAT_TEST_DATABASE} = 'mssql';
for my $name (
	qw(10-order 13-objects 13-remains 16-people 17-search 24-verify 25-reports 28-audit 29-export
	34-database 37-retention 38-import 80-compliance 81-verify 84-adapter-process 85-discovery)
	)
{
	ok(runs_well($^X, "-I$source/t/lib", "$source/t/$name.t"), "$name.t holds on SQL Server");
}

done_testing;
