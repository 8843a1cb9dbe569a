use v5.36;
use Cwd 'abs_path';
use File::Basename 'dirname';
use Test::More;
use Pchat::Postgres;
use Pchat::Server;

# What runs on SQLite runs on PostgreSQL as well. The everyday run has the tests of odbc/ and a
# selection of the scripts; all of them: PCHAT_TEST_DATABASE=postgresql make check.
plan skip_all => 'PostgreSQL is not installed' if !Pchat::Postgres->directory_of_programs;
plan skip_all => 'all scripts run on PostgreSQL' if ($ENV{PCHAT_TEST_DATABASE} // '') eq 'postgresql';

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

my $postgres = Pchat::Postgres->start;
for my $name (qw(adapter audit compliance content content_file content_object db driver store reader index retention postgresql)) {
	local $ENV{PCHAT_TEST_DSN} = $postgres->dsn($postgres->add_database($name));
	ok(runs_well("$build/t/unit/${name}_test"), "the tests of ${name}_test hold on PostgreSQL");
}
$postgres->finish;

$ENV{PCHAT_TEST_DATABASE} = 'postgresql';
my @scripts = qw(10-order 13-objects 13-remains 28-audit 29-export 34-database 36-search-index
	37-retention 38-import 40-journal-full 49-files-listed 80-compliance 81-verify 84-adapter-process 85-discovery
	87-retention);
# With sanitizers the same code is in the scripts on SQLite.
@scripts = qw(10-order 34-database 80-compliance) if Pchat::Server->has_sanitizers;
for my $name (@scripts) {
	ok(runs_well($^X, "-I$source/t/lib", "$source/t/$name.t"), "$name.t holds on PostgreSQL");
}

done_testing;
