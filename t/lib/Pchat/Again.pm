package Pchat::Again;

# What runs on SQLite, run once more on another database.
#
#   units_hold(Pchat::Postgres->start, 'PostgreSQL', 'postgresql');
#   scripts_hold('postgresql', 'PostgreSQL', qw(10-order 34-database));

use v5.36;
use Cwd 'abs_path';
use Exporter 'import';
use File::Basename 'dirname';
use Test::More;

our @EXPORT = qw(units_hold scripts_hold);

my $build = $ENV{PCHAT_BUILD} // '.';
my $tests = dirname(dirname(dirname(abs_path(__FILE__))));

# The programs in t/unit that use whatever database they are given.
my @units = qw(adapter audit compliance content content_file content_object db driver store reader index
	retention);

# Runs a program; true if it ended well. Its output only where it did not.
sub _runs_well (@command) {
	open my $pipe, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @command
		or die "could not run $command[0]: $!\n";
	my @output = <$pipe>;
	close $pipe;
	my $failed = $?;
	diag(grep { !/^(ok|1\.\.)|  OK \]| RUN  / } @output) if $failed;
	return !$failed;
}

# Those, and more of them, each on a new database of a Pchat::Postgres or Pchat::Mssql.
sub units_hold ($server, $called, @more) {
	for my $name (@units, @more) {
		local $ENV{PCHAT_TEST_DSN} = $server->dsn($server->add_database($name));
		ok(_runs_well("$build/t/unit/${name}_test"), "the tests of ${name}_test hold on $called");
	}
	$server->finish;
}

sub scripts_hold ($kind, $called, @names) {
	local $ENV{PCHAT_TEST_DATABASE} = $kind;
	ok(_runs_well($^X, "-I$tests/lib", "$tests/$_.t"), "$_.t holds on $called") for @names;
}

1;
