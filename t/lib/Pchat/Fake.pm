package Pchat::Fake;

# A server of the JSON protocol that has nothing of pchatd's code and does as it is told: for tests
# of clients, which have to withstand what a real server does once in a thousand years.
#
#   my $fake = Pchat::Fake->new;
#   my $room = $fake->add_room('lobby');
#   $fake->{on}{'message.post'} = sub ($connection, $id, $params) { ...; return 1 };
#
# {transfer} answers HTTP requests to /files.
#
# A handler in {on} is called before the method is carried out; if it returns true, that is all.

use v5.36;
use Authen::SCRAM::Server;
use Digest::SHA 'hmac_sha256', 'sha256';
use MIME::Base64 'decode_base64', 'encode_base64';
use Mojo::IOLoop;
use Mojo::JSON 'decode_json', 'encode_json', 'false', 'true';
use Mojo::Server::Daemon;
use Mojolicious;
use Scalar::Util 'refaddr';

use constant TIME => '2026-11-21T09:30:00.123456Z';

# tls => [certificate, key] for TLS; mechanisms, protocol: what is offered.
sub new ($class, %self) {
	my $self = bless {
		mechanisms => ['SCRAM-SHA-256'],
		protocol => 'pchat.v1',
		password => 'tuna on rye',
		%self,
		on => {},
		rooms => {},
		connections => {},
		calls => [],
		tokens => {},
	}, $class;
	$self->_listen;
	return $self;
}

sub _listen ($self) {
	my $app = Mojolicious->new;
	$app->log->level('fatal');
	$app->routes->websocket('/pchat')->to(cb => sub ($c) { $self->_accept($c) });
	$app->routes->any('/files/*token')->to(cb => sub ($c) { $self->{transfer}->($c) });
	my $listen =
		$self->{tls}
		? "https://127.0.0.1:$self->{tls}[2]?cert=$self->{tls}[0]&key=$self->{tls}[1]"
		: 'http://127.0.0.1';
	$self->{daemon} = Mojo::Server::Daemon->new(app => $app, listen => [$listen], silent => 1);
	$self->{daemon}->start;
	$self->{port} = $self->{daemon}->ports->[0];
}

sub url ($self) { return ($self->{tls} ? 'wss' : 'ws') . "://127.0.0.1:$self->{port}" }

# Nobody can connect any more.
sub stop ($self) { delete $self->{daemon} }

sub add_room ($self, $name, @texts) {
	my $uri = sprintf 'ma-chan://example.test/00000000-0000-4000-8000-%012x',
		1 + keys %{ $self->{rooms} };
	$self->{rooms}{$uri} = { name => $name, messages => [] };
	$self->say($uri, $_) for @texts;
	return $uri;
}

# Posts as somebody else; the numbers of calls, in order, are in {calls}.
sub say ($self, $uri, $text, %more) {
	my $messages = $self->{rooms}{$uri}{messages};
	my $message = {
		seq => 1 + @$messages,
		time => TIME,
		from => 'sip:bob@example.test',
		name => 'Bob',
		text => $text,
		%more
	};
	push @$messages, $message;
	$_->notify(message => { room => $uri, %$message })
		for grep { $_->{joined}{$uri} } values %{ $self->{connections} };
	return $message;
}

sub called ($self, $method) {
	return map { $_->[1] } grep { $_->[0] eq $method } @{ $self->{calls} };
}

sub connections ($self) { return values %{ $self->{connections} } }

# All connections end without a word.
sub cut ($self) { $_->cut for $self->connections }

sub _accept ($self, $c) {
	$c->inactivity_timeout(0);
	$c->tx->max_websocket_size(1 << 24);
	$c->tx->with_protocols($self->{protocol});
	my $connection = Pchat::Fake::Connection->new($self, $c);
	my $key = refaddr $connection;
	$self->{connections}{$key} = $connection;
	$c->on(finish => sub { delete $self->{connections}{$key} });
	$c->on(text => sub ($c, $bytes) { $self->_request($connection, decode_json $bytes) });
}

sub _request ($self, $connection, $request) {
	my ($id, $method, $params) = $request->@{qw(id method params)};
	push @{ $self->{calls} }, [$method, $params // {}];
	my $handler = $self->{on}{$method};
	return if $handler && $handler->($connection, $id, $params);
	(my $name = $method) =~ tr/./_/;
	my $code = $self->can("_do_$name")
		or return $connection->refuse($id, -32601, 'MethodNotFound');
	$self->$code($connection, $id, $params);
}

# --- Signing in. ---

sub _do_server_info ($self, $connection, $id, $) {
	$connection->answer(
		$id,
		{
			name => 'pchat',
			protocol => 'pchat.v1',
			domain => 'example.test',
			time => TIME,
			mechanisms => $self->{mechanisms},
			limits => { history => 30, history_page => 500, message_size => 8192 },
		});
}

sub _scram ($self) {
	my ($salt, $iterations) = ('sixteen bytes ..', 4096);
	my $block = hmac_sha256($salt . pack('N', 1), $self->{password});
	my $salted = $block;
	for (2 .. $iterations) {
		$block = hmac_sha256($block, $self->{password});
		$salted ^.= $block;
	}
	return (
		$salt,
		sha256(hmac_sha256('Client Key', $salted)),
		hmac_sha256('Server Key', $salted), $iterations
	);
}

sub _do_auth_start ($self, $connection, $id, $params) {
	my $data = decode_base64 $params->{data} // '';
	if ($params->{mechanism} eq 'PLAIN') {
		return $self->signed_in($connection, $id)
			if $data =~ /^\0alice\d*\0\Q$self->{password}\E$/;
		return $connection->refuse($id, 204, 'AuthenticationFailed');
	}
	my $scram = $connection->{scram} = Authen::SCRAM::Server->new(
		digest => 'SHA-256',
		credential_cb => sub ($user) { return $user eq 'alice' ? $self->_scram : () });
	my $answer = eval { $scram->first_msg($data) }
		or return $connection->refuse($id, 204, 'AuthenticationFailed');
	$connection->answer($id, { done => false, data => encode_base64($answer, '') });
}

sub _do_auth_step ($self, $connection, $id, $params) {
	my $answer = eval { $connection->{scram}->final_msg(decode_base64 $params->{data}) }
		or return $connection->refuse($id, 204, 'AuthenticationFailed');
	$self->signed_in($connection, $id, data => encode_base64($answer, ''));
}

sub _do_auth_resume ($self, $connection, $id, $params) {
	return $connection->refuse($id, 118, 'InvalidToken')
		if !delete $self->{tokens}{ $params->{token} };
	return $self->signed_in($connection, $id) if $self->{resumes_alone} || !$params->{rooms};
	$self->signed_in($connection, $id, rooms => $self->_joins($connection, $params));
}

sub signed_in ($self, $connection, $id, %more) {
	my $token = 'token' . ++$self->{last_token};
	$self->{tokens}{$token} = 1;
	$connection->answer(
		$id,
		{
			done => true,
			%more,
			user => { uri => 'sip:alice@example.test', name => 'Alice' },
			token => $token,
			token_expires => TIME,
		});
}

sub _do_auth_logout ($self, $connection, $id, $) {
	$connection->answer($id, {});
	$connection->close(1000);
}

# --- Rooms. ---

sub _do_room_search ($self, $connection, $id, $params) {
	my $text = lc($params->{text} // '');
	my @uris = sort grep { index(lc $self->{rooms}{$_}{name}, $text) >= 0 }
		keys %{ $self->{rooms} };
	my ($offset, $limit) = ($params->{offset} // 0, $params->{limit} // 50);
	my @page = grep {defined} @uris[$offset .. $offset + $limit - 1];
	$connection->answer(
		$id,
		{
			rooms => [map { $self->_room($_) } @page],
			more => @uris > $offset + $limit ? true : false
		});
}

sub _room ($self, $uri) {
	my $room = $self->{rooms}{$uri};
	return {
		room => $uri,
		name => $room->{name},
		description => $room->{description} // '',
		participants => 1,
		last_seq => scalar @{ $room->{messages} },
		disabled => false,
		created => TIME
	};
}

sub _do_room_join ($self, $connection, $id, $params) {
	$connection->answer($id, { rooms => $self->_joins($connection, $params) });
}

sub _joins ($self, $connection, $params) {
	return [map { $self->_join($connection, $_) } @{ $params->{rooms} // [$params] }];
}

sub _join ($self, $connection, $wish) {
	my $uri = $wish->{room};
	my $room = $self->{rooms}{$uri}
		or return {
		room => $uri,
		error => {
			code => 110,
			message => 'there is no such room',
			data => { name => 'NoSuchNode' } } };
	$connection->{joined}{$uri} = 1;
	my $last = @{ $room->{messages} };
	my ($messages, $more) =
		defined $wish->{since}
		? $self->page($uri, after => $wish->{since}, limit => $self->{page} // 500)
		: $self->page($uri, limit => $wish->{history} // 30);
	my $ends = !$more || !defined $wish->{since};
	my %page = (messages => $messages, bounds($messages, $ends ? $last : ()), more => $more);
	%page = (%page, messages => [], last => $page{first} - 1, more => true)
		if $self->{has_no_messages_at_hand};
	return {
		room => $uri,
		name => $room->{name},
		description => '',
		last_seq => $last,
		participant_count => 1,
		participants => [{ uri => 'sip:alice@example.test', name => 'Alice' }],
		%page
	};
}

# The numbers that a page is about; $last: the room's, where nothing is left out behind the page.
sub bounds ($messages, $last = @$messages ? $messages->[-1]{seq} : 0) {
	return (first => @$messages ? $messages->[0]{seq} : $last + 1, last => $last);
}

sub page ($self, $uri, %bounds) {
	my @found = grep {
			   $_->{seq} > ($bounds{after} // 0)
			&& $_->{seq} < ($bounds{before} // 1e15)
			&& !$_->{removed}
	} @{ $self->{rooms}{$uri}{messages} };
	my $more = @found > $bounds{limit};
	@found =
		defined $bounds{after} && !defined $bounds{before} ? @found[0 .. $bounds{limit} - 1]
		: $bounds{limit} ? @found[-$bounds{limit} .. -1]
		: ()
		if $more;
	return (\@found, $more ? true : false);
}

sub _do_room_leave ($self, $connection, $id, $params) {
	delete $connection->{joined}{ $params->{room} };
	$connection->answer($id, {});
}

sub _do_room_participants ($self, $connection, $id, $) {
	$connection->answer($id,
		{ participants => [{ uri => 'sip:alice@example.test', name => 'Alice' }] });
}

sub _do_message_history ($self, $connection, $id, $params) {
	my ($messages, $more) =
		$self->page($params->{room}, %$params, limit => $params->{limit} // 50);
	my $last = @{ $self->{rooms}{ $params->{room} }{messages} };
	$connection->answer($id,
		{ messages => $messages, bounds($messages, $more ? () : $last), more => $more });
}

sub _do_message_post ($self, $connection, $id, $params) {
	return $connection->refuse($id, 114, 'UserNotJoined')
		if !$connection->{joined}{ $params->{room} };
	my ($first) = grep { ($_->{id} // '') eq $params->{id} }
		@{ $self->{rooms}{ $params->{room} }{messages} };
	return $connection->answer($id, { seq => $first->{seq}, time => TIME, repeated => true })
		if $first;
	my $message = $self->accept_post($params);
	$connection->answer($id, { seq => $message->{seq}, time => TIME });
}

# The message of a post is there; it has not been answered.
sub accept_post ($self, $params) {
	return $self->say(
		$params->{room}, $params->{text},
		id => $params->{id},
		from => 'sip:alice@example.test',
		name => 'Alice',
		$params->{importance} ? (importance => $params->{importance}) : ());
}

package Pchat::Fake::Connection;

use v5.36;
use Mojo::JSON 'encode_json';

sub new ($class, $fake, $c) { return bless { fake => $fake, c => $c, joined => {} }, $class }

# Slashes are not escaped: pchatd does not, and pchat-load searches instead of parsing.
sub send ($self, $object) { $self->raw(encode_json({ jsonrpc => '2.0', %$object }) =~ s{\\/}{/}gr) }
sub raw ($self, $bytes) { $self->{c}->send({ text => $bytes }) }
sub answer ($self, $id, $result) { $self->send({ id => $id, result => $result }) }
sub notify ($self, $method, $params) { $self->send({ method => $method, params => $params }) }
sub close ($self, $code) { $self->{c}->finish($code) }

sub refuse ($self, $id, $code, $name) {
	$self->send({
			id => $id,
			error => {
				code => $code,
				message => "refused: $name",
				data => { name => $name } } });
}

sub cut ($self) {
	delete $self->{fake}{connections}{ Scalar::Util::refaddr($self) };
	Mojo::IOLoop->remove($self->{c}->tx->connection);
}

1;
