# pchat against a server that misbehaves on purpose.
use v5.36;
use utf8;
use Digest::SHA 'sha256_hex';
use Encode 'encode';
use File::Temp 'tempdir';
use Mojo::IOLoop;
use Mojo::JSON 'decode_json', 'true', 'false';
use POSIX ':sys_wait_h';
use Test::More;
use Pchat::Fake;
use Pchat::Wait;

my $build = $ENV{PCHAT_BUILD} // '.';
my $directory = tempdir(CLEANUP => 1);
$ENV{TZ} = 'UTC';
delete @ENV{qw(PCHAT_SERVER PCHAT_USER)};

sub file ($name, $bytes) {
	open my $out, '>', "$directory/$name" or die;
	print $out $bytes;
	close $out;
	return "$directory/$name";
}
my $password = file(password => "tuna on rye\n");

# Starts pchat; its output gathers in {out} and {err} while the event loop runs.
sub begin ($input, @arguments) {
	my $self = { out => '', err => '' };
	my $in = file('in' . ++(state $count), $input // '');
	pipe my $out, my $out_end or die;
	pipe my $err, my $err_end or die;
	$self->{pid} = fork // die;
	if ($self->{pid} == 0) {
		open STDIN, '<', $in;
		open STDOUT, '>&', $out_end;
		open STDERR, '>&', $err_end;
		exec "$build/daemon/pchat", @arguments or POSIX::_exit(127);
	}
	for (['out', $out], ['err', $err]) {
		my ($name, $handle) = @$_;
		my $stream = Mojo::IOLoop::Stream->new($handle)->timeout(0);
		$self->{open}++;
		$stream->on(read => sub ($stream, $bytes) { $self->{$name} .= $bytes });
		$stream->on(close => sub { $self->{open}-- });
		Mojo::IOLoop->stream($stream);
	}
	return $self;
}

sub end ($self) {
	wait_for(
		'pchat to end',
		sub {
			!$self->{open}
				&& waitpid($self->{pid}, WNOHANG) > 0
				&& do { $self->{code} = $? >> 8 || $?; 1 }
		});
	return $self;
}

sub arguments ($fake, @more) {
	return ('-s', $fake->url, '-u', 'alice', '--password-file', $password, @more);
}
sub pchat ($fake, @more) { return end(begin(undef, arguments($fake, @more))) }

subtest 'signing in' => sub {
	my $fake = Pchat::Fake->new;
	$fake->add_room('Lobby', 'one');
	my $run = pchat($fake, 'rooms');
	is($run->{code}, 0, 'SCRAM-SHA-256 signs in') or diag $run->{err};
	is(
		$run->{out},
		"ma-chan://example.test/00000000-0000-4000-8000-000000000001\tLobby\t1\t1\t\n",
		'rooms are listed'
	);
	is(($fake->called('auth.start'))[0]{mechanism},
		'SCRAM-SHA-256', 'although PLAIN would be simpler');
	is(scalar $fake->called('auth.logout'), 1, 'and the session ends in order');

	$fake->{password} = 'something else';
	$run = pchat($fake, 'rooms');
	is($run->{code}, 77, 'a wrong password is refused');

	$fake->{password} = 'tuna on rye';
	for my $lie ('dj1hYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE9', undef) {
		$fake->{on}{'auth.step'} = sub ($connection, $id, $) {
			$fake->signed_in($connection, $id, defined $lie ? (data => $lie) : ());
			return 1;
		};
		$run = pchat($fake, 'rooms');
		is($run->{code}, 77,
			'a server that does not prove that it knows the user is not trusted');
		is(scalar $fake->called('room.search'), 1, 'and is asked nothing');
	}

	my $plain = Pchat::Fake->new(mechanisms => ['PLAIN']);
	$run = pchat($plain, 'rooms');
	is($run->{code}, 77, 'PLAIN is not used without TLS');
	is(scalar $plain->called('auth.start'), 0, 'so the password stays here');
};

subtest 'servers that are none' => sub {
	my $fake = Pchat::Fake->new(protocol => 'other.v1');
	is(pchat($fake, 'rooms')->{code}, 76, 'another subprotocol is refused');
	my $url = $fake->url;
	is(
		end(
			begin(
				undef, '-s', "$url/other", '-u',
				'alice', '--password-file', $password, 'rooms'
			)
		)->{code},
		76,
		'so is a page that is not there'
	);
	my $raw = '';
	my $id = Mojo::IOLoop->server(
		{ address => '127.0.0.1' } => sub ($loop, $stream, $) {
			$stream->on(read => sub ($stream, $) { $stream->write($raw) });
		});
	my $port = Mojo::IOLoop->acceptor($id)->port;
	for my $case ([
			'another accept key',
			"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: pchat.v1\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
		],
		['rubbish', "\0\1\2 rubbish\r\n\r\n"],
		['an endless head', "HTTP/1.1 101 X\r\nA: " . 'x' x 20000]
	) {
		$raw = $case->[1];
		my $run = end(
			begin(
				undef, '-s', "ws://127.0.0.1:$port", '-u', 'alice',
				'--password-file', $password, 'rooms'
			));
		is($run->{code}, 76, "$case->[0] ends it") or diag $run->{err};
	}
	$raw = "no TLS\r\n";
	is(
		end(
			begin(
				undef, '-s', "wss://127.0.0.1:$port", '-u', 'alice',
				'--password-file', $password, 'rooms'
			)
		)->{code},
		76,
		'so does a port without TLS'
	);
	Mojo::IOLoop->remove($id);
	$fake->stop;
	is(pchat($fake, 'rooms')->{code}, 69, 'nobody there is said at once');
};

subtest 'certificates' => sub {
	my @openssl = (
		qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test)
	);
	my %certificate = (right => 'IP:127.0.0.1', wrong => 'DNS:elsewhere.test');
	for my $name (sort keys %certificate) {
		system(
			"@openssl -addext subjectAltName=$certificate{$name} -keyout $directory/$name.key -out $directory/$name.crt 2>/dev/null"
		);
		my $port = Mojo::IOLoop::Server->generate_port;
		my $fake = Pchat::Fake->new(
			tls => ["$directory/$name.crt", "$directory/$name.key", $port],
			mechanisms => ['PLAIN']);
		my $run = pchat($fake, 'rooms');
		is($run->{code}, 76, 'a certificate that nobody vouches for is refused');
		like($run->{err}, qr/certificate/, 'and named');
		$run = pchat($fake, '--ca', "$directory/$name.crt", 'rooms');
		is($run->{code}, $name eq 'right' ? 0 : 76, "one for the $name host")
			or diag $run->{err};
		$run = pchat($fake, '--insecure', 'rooms');
		is($run->{code}, 77, 'PLAIN is not used with a certificate that was not checked');
		$fake->{mechanisms} = ['SCRAM-SHA-256'];
		is(pchat($fake, '--insecure', 'rooms')->{code}, 0, 'SCRAM is');
	}
	is(
		end(
			begin(
				undef, '-s', 'wss://127.0.0.1:1', '-u', 'x', '--password-file',
				$password, '--ca', $password, 'rooms'
			)
		)->{code},
		78,
		'a file without certificates is an error'
	);
};

subtest 'posting exactly once' => sub {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby', 'old');
	my $run = pchat($fake, 'post', 'lobby', 'hello');
	is_deeply([$run->@{qw(code out)}], [0, "2\n"], 'the number is printed') or diag $run->{err};

# The connection breaks before the post gets through, or after it; the second time many others came between.
	my @fates = (
		sub ($c, $id, $p) { $c->cut; 1 },
		sub ($c, $id, $p) { $fake->accept_post($p); $c->cut; 1 },
		sub ($c, $id, $p) {
			$fake->accept_post($p);
			$c->cut;
			$fake->say($room, "other $_") for 1 .. 600;
			1;
		});
	for my $fate (@fates) {
		my $times = 0;
		$fake->{on}{'message.post'} = sub { return $times++ ? 0 : $fate->(@_) };
		my $text = 'fate ' . ++(state $count);
		$run = pchat($fake, 'post', $room, $text);
		my @found = grep { $_->{text} eq $text } @{ $fake->{rooms}{$room}{messages} };
		is(scalar @found, 1, 'a lost connection makes neither none nor two');
		is($run->{out}, "$found[0]{seq}\n", 'and its number is the right one')
			or diag $run->{err};
	}
	ok(scalar $fake->called('auth.resume') >= 3, 'the token was used for that');
	is((grep { $_->{text} eq 'fate 3' } $fake->called('message.post')),
		1, 'a post that was found among the missed messages is not repeated');

	# Another post of the same id while the first is forgotten would be a second message.
	my @codes = (200, 201, 202);
	$fake->{on}{'message.post'} = sub ($c, $id, $p) {
		my $code = shift @codes;
		$c->refuse($id, $code, 'x') if $code;
		return $code;
	};
	$run = pchat($fake, 'post', 'Lobby', 'patient');
	is($run->{code}, 0, 'busy, unavailable and timeout are waited out');
	my @ids = map { $_->{id} } grep { $_->{text} eq 'patient' } $fake->called('message.post');
	is(scalar @ids, 4, 'by repetition');
	is(scalar(grep { $_ eq $ids[0] } @ids), 4, 'under the same id');

	$fake->{on}{'message.post'} = sub ($c, $id, $p) { $c->refuse($id, 205, 'TooLarge'); 1 };
	$run = pchat($fake, 'post', 'Lobby', 'large');
	is($run->{code}, 65, 'other refusals are final');
	delete $fake->{on}{'message.post'};

	my $before = @{ $fake->{rooms}{$room}{messages} };
	$run = end(begin("first\n\nsecond\r\nthird", arguments($fake, 'post', 'Lobby')));
	is_deeply(
		[map { $_->{text} } @{ $fake->{rooms}{$room}{messages} }[$before .. $before + 2]],
		[qw(first second third)],
		'lines of standard input are messages, empty ones are not'
	);
	is($run->{out}, join('', map { $before + $_ . "\n" } 1 .. 3), 'each with its number');
	$run = end(
		begin(
			"first\n\nsecond\n",
			arguments($fake, 'post', '--whole', '--alert', '--json', 'Lobby', '-')));
	is($fake->{rooms}{$room}{messages}[-1]{text},
		"first\n\nsecond", '--whole makes one of them');
	is($fake->{rooms}{$room}{messages}[-1]{importance}, 'alert', '--alert an important one');
	is(decode_json($run->{out})->{seq}, $before + 4, '--json an object');
	is(end(begin("a\0b\n", arguments($fake, 'post', 'Lobby')))->{code},
		65, 'a zero byte is no text');
	is(end(begin("\xff\n", arguments($fake, 'post', 'Lobby')))->{code},
		65, 'nor is what is not UTF-8');

	my $posts = 0;
	$fake->{on}{'message.post'} = sub ($c, $id, $p) {
		return 0 if ++$posts % 7;
		$fake->accept_post($p) if $posts % 2;
		$c->cut;
		return 1;
	};
	$before = @{ $fake->{rooms}{$room}{messages} };
	$run = end(begin(join('', map {"line $_\n"} 1 .. 40), arguments($fake, 'post', 'Lobby')));
	is_deeply([
			map { $_->{text} }
				@{ $fake->{rooms}{$room}{messages} }
				[$before .. $#{ $fake->{rooms}{$room}{messages} }]
		],
		[map {"line $_"} 1 .. 40],
		'many lines over many connections arrive once and in order'
	);
};

subtest 'reading without a gap' => sub {
	my $fake = Pchat::Fake->new(page => 7);
	my $room = $fake->add_room('Lobby', map {"text $_"} 1 .. 40);
	$fake->{rooms}{$room}{messages}[$_]{removed} = 1 for 11, 12, 39;
	my @there = grep { $_ !~ /^(12|13|40)$/ } 1 .. 60;
	$fake->{on}{'message.history'} = sub ($connection, $id, $params) {
      # Something new comes while an old page is being fetched; and the server is busy now and then.
		$fake->say($room, 'text ' . (1 + @{ $fake->{rooms}{$room}{messages} }))
			if @{ $fake->{rooms}{$room}{messages} } < 50;
		return 0 if ++(state $count) % 3;
		$connection->refuse($id, 200, 'busy');
		return 1;
	};
	my $tail = begin(undef,
		arguments($fake, '--json', 'tail', '--since', 0, '--count', scalar @there, 'Lobby')
	);
	wait_for('some messages', sub { $tail->{out} =~ /text 41/ });
	$fake->cut;
	$fake->say($room, "text $_") for 1 + @{ $fake->{rooms}{$room}{messages} } .. 55;
	wait_for('more messages', sub { $tail->{out} =~ /text 55/ });
	my ($connection) = $fake->connections;
	# Two are lost on the way, one comes twice, two change places.
	my @late = map { {
		seq => $_,
		time => Pchat::Fake::TIME,
		from => 'sip:bob@example.test',
		name => 'Bob',
		text => "text $_"
	} } 56 .. 60;
	push @{ $fake->{rooms}{$room}{messages} }, @late;
	$connection->notify(message => { room => $room, %{ $late[$_] } }) for 0, 0, 4, 3;
	end($tail);
	is($tail->{code}, 0, 'tail ends after as many as asked') or diag $tail->{err};
	my @seen = map { decode_json $_ } split /\n/, $tail->{out};
	is_deeply([map { $_->{seq} } @seen],
		\@there, 'each message that is there came once and in order');
	is($seen[0]{room}, $room, 'with the room');

	# Live messages before the answer to room.join.
	$fake->{on}{'room.join'} = sub ($connection, $id, $params) {
		$connection->{joined}{$room} = 1;
		$fake->say($room, 'early');
		return 0;
	};
	my $run = pchat($fake, 'tail', '--since', 60, '--count', 1, 'Lobby');
	is(
		$run->{out},
		"2026-11-21 09:30:00 <Bob> early\n",
		'one that comes before the answer is not shown twice'
	);

	delete $fake->{on}{'room.join'};
	{
		local $fake->{has_no_messages_at_hand} = 1;
		$run = pchat($fake, '--json', 'tail', '--since', 58, '--count', 2, 'Lobby');
	}
	is_deeply(
		[map { decode_json($_)->{seq} } split /\n/, $run->{out}],
		[59, 60],
		'what the answer to a join leaves out is fetched'
	);

	# What the server says when it drops a client.
	$tail = begin(undef, arguments($fake, '--json', 'tail', '--count', 2, 'Lobby'));
	wait_for(
		'a reader',
		sub {
			grep { $_->{joined}{$room} } $fake->connections;
		});
	for my $connection ($fake->connections) {
		$connection->notify(dropped => { reason => 'slow', resume => true });
		$connection->close(1008);
	}
	$fake->say($room, "while away $_") for 1, 2;
	is(scalar(() = end($tail)->{out} =~ /while away/g),
		2, 'after dropped it comes back and misses nothing');
	$tail = begin(undef, arguments($fake, 'tail', 'Lobby'));
	wait_for(
		'a reader',
		sub {
			grep { $_->{joined}{$room} } $fake->connections;
		});
	$_->notify(dropped => { reason => 'signed_out', resume => false }) for $fake->connections;
	is(end($tail)->{code}, 77, 'if it may not come back it ends');

	$fake->{on}{'auth.resume'} =
		sub ($connection, $id, $params) { $connection->refuse($id, 118, 'InvalidToken'); 1 };
	$tail = begin(undef, arguments($fake, 'tail', '--count', 1, 'Lobby'));
	wait_for(
		'a reader',
		sub {
			grep { $_->{joined}{$room} } $fake->connections;
		});
	$fake->cut;
	$fake->say($room, 'while the token was void');
	is(end($tail)->{code}, 0, 'a void token is replaced by signing in');

	delete $fake->{on}{'message.history'};
	$run = pchat($fake, '--json', 'history', '--limit', 3, '--before', 10, 'Lobby');
	is_deeply(
		[map { decode_json($_)->{seq} } split /\n/, $run->{out}],
		[7, 8, 9],
		'history gives what is before a number'
	);
	$fake->say($room, "much $_") for 1 .. 1200;
	$run = pchat($fake, '--json', 'history', '--limit', 1100, 'Lobby');
	is_deeply(
		[map { decode_json($_)->{text} } split /\n/, $run->{out}],
		[map {"much $_"} 101 .. 1200],
		'and as many pages as it takes'
	);
};

subtest 'rooms are joined with the token' => sub {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby', 'first');
	# The newest message, and one that is missed.
	my $read = sub ($while_away) {
		my $since = @{ $fake->{rooms}{$room}{messages} } - 1;
		my $tail = begin(undef,
			arguments($fake, '--json', 'tail', '--count', 2, '--since', $since, 'Lobby'));
		wait_for('the first message', sub { $tail->{out} =~ /"text"/ });
		$fake->cut;
		$fake->say($room, $while_away);
		return end($tail);
	};
	my $run = $read->('second');
	is($run->{code}, 0, 'whoever comes back gets what he missed') or diag $run->{err};
	is(scalar(() = $fake->called('room.join')), 1, 'without having asked for rooms once more');
	is_deeply([map { $_->{rooms} } $fake->called('auth.resume')],
		[[{ room => $room, since => 1 }]], 'but by the token');

	$fake->{resumes_alone} = 1;
	splice @{ $fake->{calls} };
	$run = $read->('once more');
	is($run->{code}, 0, 'a server that joins no rooms so') or diag $run->{err};
	is(scalar(() = $fake->called('room.join')), 2, 'is asked by room.join');
	delete $fake->{resumes_alone};

	my @refusals = ([200, 'busy'], [109, 'ErrorPermission']);
	$fake->{on}{'auth.resume'} = sub ($connection, $id, $params) {
		my ($code, $name) = @{ shift @refusals };
		$fake->signed_in($connection, $id,
			rooms => [{
				room => $room,
				error => { code => $code, message => $name, data => { name => $name } } }]);
		return 1;
	};
	$fake->say($room, 'again');
	$run = $read->('third');
	is($run->{code}, 0, 'a room that is busy is joined later') or diag $run->{err};
	$run = $read->('not seen');
	is($run->{code}, 77, 'one that may not be joined any more ends it');
};

subtest 'text of others is harmless' => sub {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby');
	$fake->say(
		$room,
		"\e]0;owned\a\x{9b}2J\nforged: line\r\x{202e}txt\x7f Grüße 漢字 🙂",
		name => "B\e[31mob"
	);
	my $run = pchat($fake, 'history', 'Lobby');
	is(
		$run->{out},
		encode('UTF-8',
			'2026-11-21 09:30:00 <B\x1b[31mob> \x1b]0;owned\x07\x9b2J\nforged: line\x0d\u{202e}txt\x7f Grüße 漢字 🙂'
			)
			. "\n",
		'control characters, line breaks and directions are shown, not done'
	);
	$fake->add_room("Evil\e[2J");
	unlike(pchat($fake, 'rooms')->{out}, qr/\e/, 'in names of rooms, too');
	$fake->{on}{'room.join'} =
		sub ($connection, $id, $params) { $connection->refuse($id, 109, "no\e[2J"); 1 };
	$run = pchat($fake, 'tail', 'Lobby');
	is($run->{code}, 77, 'a refused join ends it');
	unlike($run->{err}, qr/\e/, 'and in what the server says of it');
};

subtest 'rooms by name' => sub {
	my $fake = Pchat::Fake->new;
	$fake->add_room($_) for 'Lobby', 'lobby', 'Garden', 'LOBBY WEST', map {"Hall $_"} 1 .. 250;
	is(pchat($fake, 'post', 'lobby', 'x')->{code}, 0, 'the exact name counts most');
	is(pchat($fake, 'post', 'gARDEN', 'x')->{code}, 0, 'then one in another case');
	is(pchat($fake, 'post', 'LOBBY', 'x')->{code}, 66, 'if there is but one');
	is(pchat($fake, 'post', 'Gard', 'x')->{code}, 66, 'a part is not enough');
	is(pchat($fake, 'post', 'Hall 250', 'x')->{code}, 0, 'it is found on any page');
	is(scalar(split /\n/, pchat($fake, 'rooms')->{out}), 254, 'and rooms lists all pages');
};

subtest 'chatting by a script' => sub {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby', 'welcome');
	$fake->add_room('Garden');
	my $run = end(begin(
		"/rooms\nhello\n/join Garden\n/who\nhow green\n/join Lobby\n//me waves\n/alert fire\n/history 1\n/leave\n/leave\nnobody hears\n/what\n/help\n",
		arguments($fake, 'Lobby')));
	is($run->{code}, 0, 'it ends at the end of its input') or diag $run->{err};
	is_deeply(
		[map { "$_->{room} $_->{text}" =~ s/.*-0+//r } $fake->called('message.post')],
		['1 hello', '2 how green', '1 /me waves', '1 fire'],
		'each line went to the room that was current'
	);
	like($run->{out}, qr/09:30 Lobby <Bob> welcome\n/, 'recent messages are shown');
	like($run->{out}, qr/Lobby ALERT <Alice> fire\n.*Lobby ALERT <Alice> fire\n/s,
		'and history');
	like($run->{out}, qr/-- join a room first/, 'a message without a room is refused');
	like($run->{out}, qr/-- there is no such command/, 'so is an unknown command');
	like($run->{out}, qr{^/quit}m, 'help helps');
	like($run->{out}, qr/Garden \(1\)/, 'rooms are listed');
	$fake->{has_no_messages_at_hand} = 1;
	like(end(begin("hello\n", arguments($fake, 'Lobby')))->{out},
		qr/<Bob> welcome\n/, 'recent messages are fetched where the server had none at hand');
};

# The keys of a terminal that pchat has, and what stands on its screen. script(1) makes the terminal;
# what is typed comes through a pipe.
sub terminal ($fake, @arguments) {
	local $ENV{TERM} = 'vt100';
	my $command = join ' ', "$build/daemon/pchat", arguments($fake, @arguments);
	open my $keys, '|-', "script -qec '$command' /dev/null >$directory/screen 2>&1" or die;
	$keys->autoflush;
	my $screen = sub {
		open my $in, '<:raw', "$directory/screen" or return '';
		local $/;
		return <$in> // '';
	};
	return ($keys, $screen);
}

subtest 'chatting on a terminal' => sub {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby', 'welcome');
	my ($keys, $screen) = terminal($fake, 'Lobby');
	wait_for('the prompt', sub { $screen->() =~ /welcome\r\n.*Lobby> $/ });
	print $keys 'half a li';
	wait_for('what was typed', sub { $screen->() =~ /half a li$/ });
	$fake->say($room, "in between\e[2J");
	wait_for(
		'the message above it',
		sub {
			$screen->() =~
				/\r\x1b\[J09:30 Lobby <Bob> in between\\x1b\[2J\r\nLobby> half a li$/;
		});
	print $keys "ne\n";
	wait_for('the post', sub { $fake->called('message.post') });
	is(($fake->called('message.post'))[0]{text},
		'half a line', 'a message that comes in does not disturb what is being typed');
	print $keys "rubbed out\x15";
	print $keys "/quit\n";
	wait_for('the end', sub { $fake->called('auth.logout') && !$fake->connections });
	ok(close $keys, 'and /quit ends it') or diag $screen->();
};

subtest 'what happens is told on the terminal' => sub {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby', 'welcome');
	my $garden = $fake->add_room("Gar\e[2Jden");
	my $link = ($room =~ s/ma-chan/ma-filelink/r) . '/00000000-0000-4000-8000-00000000000f';
	my %file = (file => $link, name => "plan\e[2J.pdf", size => 2000, from_name => 'Bob');
	$fake->{on}{'file.get'} = sub ($connection, $id, $) { $connection->answer($id, \%file); 1 };
	$fake->{on}{'room.get'} = sub ($connection, $id, $params) {
		$connection->answer($id, { room => $params->{room}, name => "Gar\e[2Jden" });
		return 1;
	};
	my ($keys, $screen) = terminal($fake, 'Lobby');
	wait_for('the prompt', sub { $screen->() =~ /welcome\r\n.*Lobby> $/ });
	my $told = sub ($what, $line, $method = undef, %params) {
		$_->notify($method => { room => $room, %params })
			for $method ? $fake->connections : ();
		wait_for($what, sub { index($screen->(), "-- $line\r\n") >= 0 });
		pass($what);
	};
	my %eve = (user => { uri => 'sip:eve@example.test', name => "Ev\e[2Je" });
	$told->('who comes', 'Ev\x1b[2Je came into Lobby', joined => %eve);
	$told->('who goes', 'Ev\x1b[2Je left Lobby', left => %eve);
	$told->('a message that is deleted', 'Lobby: message 1 was deleted', removed => seq => 1);
	$told->(
		'one that is replaced',
		'Lobby: message 1 was replaced: by\x1b[2J',
		removed => seq => 1,
		text => "by\e[2J"
	);
	$told->('those that are purged', 'Lobby: messages up to 7 were deleted', purged => through => 7);
	$told->(
		'a file that comes',
		"plan\\x1b[2J.pdf, 2.0 kB, from Bob, is now in Lobby: $link",
		file => %file
	);
	$told->('one that goes', "Lobby: a file was removed: $link", file_removed => file => $link);
	$fake->say($room, "see $link and $garden");
	$told->('what a link to a file is', "file plan\\x1b[2J.pdf, 2.0 kB, from Bob: $link");
	$told->('and one to a room', "room Gar\\x1b[2Jden: /join $garden");

	$fake->{on}{'message.post'} =
		sub ($connection, $id, $) { $connection->refuse($id, 109, "no\e[2J"); 1 };
	print $keys "hello\n";
	$told->('a post that is refused', 'could not post to Lobby: refused: no\x1b[2J');
	$fake->{on}{'room.join'} =
		sub ($connection, $id, $) { $connection->refuse($id, 109, "shut\e[2J"); 1 };
	print $keys "/join $garden\n";
	wait_for('a join that is refused', sub { $screen->() =~ /-- could not join \S+: refused: shut\\x1b\[2J\r\n/ });
	delete $fake->{on}{'room.join'};
	$fake->cut;
	wait_for('a loss', sub { $screen->() =~ /; trying to connect again\r\n/ });
	$told->('a return', 'connected again');
	my @held;
	$fake->{on}{'auth.resume'} = sub ($connection, @request) {
		@held = ($connection, @request);
		return 1;
	};
	$fake->cut;
	wait_for('a return that takes time', sub {@held});
	print $keys "/leave\n";
	wait_for('a room that is left meanwhile', sub { $screen->() =~ /-- you left Lobby\r\n/ });
	$fake->_do_auth_resume(@held);
	wait_for('the server to know', sub { $fake->called('room.leave') });
	is(($fake->called('room.leave'))[0]{room}, $room, 'a room that is left while the token joins it is left');
	print $keys "/quit\n";
	wait_for('the end', sub { $fake->called('auth.logout') && !$fake->connections });
	ok(close $keys, 'and all of it without harm to the terminal') or diag $screen->();
	unlike($screen->(), qr/\e\[2J/, 'which nobody else clears');
};

subtest 'the command line' => sub {
	for my $wrong (
		['--frobnicate'],
		['tail'],
		['post', 'a', 'b', 'c'],
		['--since', 'x', 'tail', 'r'],
		['--since', 3, 'rooms'],
		['-s', 'http://x', 'rooms'],
		['--password', 'secret', 'rooms']
	) {
		is(end(begin(undef, '--password-file', $password, @$wrong))->{code},
			64, "wrong: @$wrong");
	}
	is(end(begin(undef, '--help'))->{code}, 0, 'help is no error');
	is(
		end(
			begin(
				undef, '-s',
				'ws://127.0.0.1:1', '--password-file',
				"$directory/nothing", 'rooms'
			)
		)->{code},
		66,
		'a password file that is not there is'
	);
};

# A file of 100000 bytes, and who answers for it; the requests as [method, Range].
sub fake_file ($transfer) {
	my $fake = Pchat::Fake->new;
	my $room = $fake->add_room('Lobby');
	my $bytes = join '', map { chr($_ % 251) } 0 .. 99_999;
	my $uri = ($room =~ s/ma-chan/ma-filelink/r) . '/00000000-0000-4000-8000-00000000000f';
	my %info = (
		file => $uri,
		name => "../.secret\n",
		type => 'text/plain',
		size => 100_000,
		sha256 => sha256_hex($bytes));
	my %grant = (url => '/files/token', token => 'token', expires => Pchat::Fake::TIME);
	$fake->{on}{'file.download'} =
		sub ($connection, $id, $) { $connection->answer($id, { %info, %grant }); 1 };
	$fake->{on}{'file.upload'} =
		sub ($connection, $id, $) { $connection->answer($id, { file => $uri, %grant }); 1 };
	$fake->{transfer} = sub ($c) {
		push @{ $fake->{requests} }, [$c->req->method, $c->req->headers->range // ''];
		$transfer->($c, scalar @{ $fake->{requests} }, $bytes);
	};
	return ($fake, $uri, $bytes, \%info);
}

sub hang_up ($c) {
	my $connection = $c->tx->connection;
	Mojo::IOLoop->next_tick(sub { Mojo::IOLoop->remove($connection) });
}

# Says that there are so many bytes, sends some of them, and hangs up.
sub break_off ($c, $length, $bytes, $code = 200) {
	$c->res->code($code);
	$c->res->headers->content_length($length);
	$c->write($bytes => sub ($c, @) { hang_up($c) });
}

subtest 'downloads' => sub {
	chdir $directory;
	my ($fake, $uri, $bytes, $info) = fake_file(
		sub ($c, $count, $bytes) {
			my ($from) = ($c->req->headers->range // '') =~ /^bytes=(\d+)-$/;
			$from //= 0;
			return break_off($c, 100_000 - $from, substr($bytes, $from, 30_000),
				$from ? 206 : 200) if $count < 4;
			$c->res->headers->content_range("bytes $from-99999/100000");
			$c->render(data => substr($bytes, $from), status => 206);
		});
	my $run = pchat($fake, 'download', $uri);
	is($run->{code}, 0, 'a download that breaks goes on where it was') or diag $run->{err};
	is_deeply(
		$fake->{requests},
		[map { ['GET', $_ ? "bytes=$_-" : ''] } 0, 30_000, 60_000, 90_000],
		'and fetches nothing twice');
	is($run->{out}, "_secret_\n", 'the name of another hides nothing and leads nowhere');
	is(sha256_hex(do { local (@ARGV, $/) = '_secret_'; <> }), $info->{sha256}, 'it is whole');

	for my $case (
		['other bytes', sub ($c, $, $bytes) { $c->render(data => scalar reverse $bytes) }, 76],
		['too many bytes', sub ($c, $, $bytes) { $c->render(data => "$bytes$bytes") }, 76],
		['nothing but breaks', sub ($c, $, $) { break_off($c, 100_000, '') }, 75],
		['a page of another server', sub ($c, $, $) { $c->render(text => 'hello', status => 404) }, 69],
		[
			'a refusal',
			sub ($c, $, $) {
				$c->render(json => { error => { code => 118, message => 'it is old' } },
					status => 404);
			},
			69
		],
		)
	{
		my ($what, $transfer, $code) = @$case;
		($fake, $uri) = fake_file($transfer);
		$run = pchat($fake, 'download', $uri, 'none');
		is($run->{code}, $code, "$what: that is an error") or diag $run->{err};
		like($run->{err}, qr/^pchat: [^\n]+\n$/, 'which is told in a line');
		ok(!-e 'none' && !-e 'none.part', 'and nothing is left');
	}
	chdir '/';
};

subtest 'uploads' => sub {
	my $own = file(upload => join '', map { chr($_ % 251) } 0 .. 99_999);
	my ($stored, $checks);
	my ($fake, $uri, $bytes, $info) = fake_file(
		sub ($c, $count, $bytes) {
			return $c->render_later && hang_up($c) if $count == 1;
			return $c->render(json => {}, status => 409) if $count == 2;
			$stored = $c->req->body eq $bytes;
			$c->render_later;
			hang_up($c);
		});
	$fake->{on}{'file.get'} = sub ($connection, $id, $) {
		$checks++;
		return $connection->refuse($id, 110, 'NoSuchNode') || 1 if !$stored;
		$connection->answer($id, $info);
		return 1;
	};
	my $run = pchat($fake, 'upload', 'Lobby', $own);
	is($run->{code}, 0, 'an upload that breaks is repeated') or diag $run->{err};
	is_deeply([map { $_->[0] } @{ $fake->{requests} }],
		[('PUT') x 3], 'until the server has it, though it could not say so');
	is($checks, 3, 'which it is asked each time');
	is_deeply([map { $_->{text} } $fake->called('message.post')],
		["upload $uri"], 'then it is posted, once');

	($fake) = fake_file(
		sub ($c, $, $) { $c->render(json => { sha256 => 'a' x 64 }, status => 201) });
	$run = pchat($fake, 'upload', 'Lobby', $own);
	is($run->{code}, 76, 'a server that took in something else is found out');
	is_deeply([$fake->called('message.post')], [], 'and nothing is posted');
	($fake) = fake_file(
		sub ($c, $, $) {
			$c->render(json => { error => { code => 116, message => "full\e[2J" } },
				status => 507);
		});
	$run = pchat($fake, 'upload', 'Lobby', $own);
	is($run->{err}, "pchat: the server refused: full\\x1b[2J\n",
		'why the server refuses is told, without harm to the terminal');
};

done_testing;
