package Pchat::Client;

# A client that owes nothing to the server's own code: WebSocket and TLS by Mojolicious, SCRAM by
# Authen::SCRAM. Calls wait for their answer; notifications gather until they are asked for.

use v5.36;
use Authen::SCRAM::Client;
use MIME::Base64 'decode_base64', 'encode_base64';
use Mojo::JSON 'decode_json', 'encode_json';
use Mojo::UserAgent;
use Pchat::Wait;

# server => Pchat::Server, user => 'alice'. on_message and on_close, if given, are called as things
# happen; without on_message notifications wait for next_note.
sub new ($class, %self) {
	my $ua = Mojo::UserAgent->new(
		inactivity_timeout => 0,
		connect_timeout => 30,
		max_redirects => 0
	);
	$ua->ca($self{server}->certificate) if $self{server}->tls;
	return bless { %self, ua => $ua, notes => [], pending => {}, last_id => 0 }, $class;
}

# Opens the connection and calls back with an error text, or without one when it stands.
sub start ($self, $done) {
	my $url = $self->{server}->url;
	$self->{ua}->websocket(
		$url,
		{},
		['pchat.v1'],
		sub ($ua, $tx) {
			return $done->(   'could not connect to '
					. $url . ': '
					. ($tx->error // { message => $tx->res->code })->{message})
				if !$tx->is_websocket || !$tx->established;
			$tx->max_websocket_size(64 << 20);
			$tx->on(text => sub ($tx, $bytes) { $self->_receive(decode_json $bytes) });
			$tx->on(finish =>
					sub ($tx, $code, $reason = undef) { $self->_closed($code) }
			);
			$self->{tx} = $tx;
			delete $self->{closed};
			$done->();
		});
}

sub connect ($self) {
	my ($finished, $error);
	$self->start(sub ($text = undef) { $finished = 1; $error = $text });
	wait_for('connection', sub {$finished});
	die "$error\n" if defined $error;
	return $self;
}

# The port at this end, by which the server's end can be found.
sub local_port ($self) {
	return Mojo::IOLoop->stream($self->{tx}->connection)->handle->sockport;
}

# Sends a request; answers go to callback as (error, result). A connection that ends gives the error
# {name => 'closed'}.
sub request ($self, $method, $params, $callback) {
	my $id = ++$self->{last_id};
	return Mojo::IOLoop->next_tick(
		sub { $callback->({ name => 'closed', message => 'not connected' }) })
		if !$self->{tx};
	$self->{pending}{$id} = $callback;
	$self->send_text(
		encode_json { jsonrpc => '2.0', id => $id, method => $method, params => $params });
}

# Sends a text message as it is (bytes).
sub send_text ($self, $bytes) {
	$self->{tx}->send({ text => $bytes });
}

# Sends a text message as it is, and gives the whole answer to it.
sub raw ($self, $bytes) {
	undef $self->{stray};
	$self->send_text($bytes);
	return wait_for('answer or close', sub { $self->{stray} || $self->{closed} && {} });
}

# The answer as (error, result): one of them is undef.
sub try ($self, $method, %params) {
	my $answer;
	$self->request($method, \%params,
		sub ($error, $result = undef) { $answer = [$error, $result] });
	wait_for("answer to $method", sub {$answer});
	return @$answer;
}

# The result; dies of a refusal.
sub call ($self, $method, %params) {
	my ($error, $result) = $self->try($method, %params);
	die "$method: $error->{name}: $error->{message}\n" if $error;
	return $result;
}

# The name of the refusal, or "ok".
sub refusal ($self, $method, %params) {
	my ($error) = $self->try($method, %params);
	return $error ? $error->{name} : 'ok';
}

sub secret ($self) {
	return $self->{password} // $self->{server}->password($self->{user});
}

# The first and only message of PLAIN, as auth.start wants it.
sub plain ($self) {
	return encode_base64("\0$self->{user}\0" . $self->secret, '');
}

sub sign_in ($self, $mechanism = 'PLAIN') {
	return $self->_sign_in_scram if $mechanism ne 'PLAIN';
	return $self->_signed_in(
		$self->call('auth.start', mechanism => 'PLAIN', data => $self->plain));
}

sub _sign_in_scram ($self) {
	my $scram = Authen::SCRAM::Client->new(
		username => $self->{user},
		password => $self->secret,
		digest => 'SHA-256'
	);
	my $result = $self->call(
		'auth.start',
		mechanism => 'SCRAM-SHA-256',
		data => encode_base64($scram->first_msg, ''));
	my $proof = $scram->final_msg(decode_base64 $result->{data});
	$result = $self->call('auth.step', data => encode_base64($proof, ''));
	$scram->validate(decode_base64 $result->{data});
	return $self->_signed_in($result);
}

sub resume ($self, $token = $self->{token}) {
	return $self->_signed_in($self->call('auth.resume', token => $token));
}

sub _signed_in ($self, $result) {
	die "the sign-in did not end\n" if !$result->{done};
	$self->{token} = $result->{token};
	return $self;
}

# Connected and signed in, in one.
sub enter ($class, %self) {
	return $class->new(%self)->connect->sign_in;
}

# Joins one room; the room's part of the answer.
sub join_room ($self, $room, %params) {
	my $answer = $self->call('room.join', room => $room, %params)->{rooms}[0];
	die "room.join: $answer->{error}{data}{name}\n" if $answer->{error};
	return $answer;
}

# Joins behind the last message seen and pages on; all messages that were missed.
sub catch_up ($self, $room, $since) {
	my $page = $self->join_room($room, since => $since);
	my @missed = @{ $page->{messages} };
	while ($page->{more}) {
		$page = $self->call('message.history',
			room => $room,
			after => $page->{last},
			limit => 500);
		push @missed, @{ $page->{messages} };
	}
	return @missed;
}

# The name of its refusal, or "ok".
sub refusal_of_join ($self, $room) {
	my ($error, $result) = $self->try('room.join', room => $room);
	$error //= ($result->{rooms}[0]{error} || return 'ok')->{data};
	return $error->{name};
}

sub post ($self, $room, $text, %params) {
	state $count = 0;
	return $self->call(
		'message.post',
		room => $room,
		text => $text,
		id => "t$$-" . ++$count,
		%params
	);
}

# The same into a journal that is small: as long as it is full the post is repeated.
sub post_again ($self, $room, $text) {
	state $count = 0;
	my $id = "again$$-" . ++$count;
	return wait_for(
		'room in the journal',
		sub {
			my ($error, $result) =
				$self->try('message.post', room => $room, text => $text, id => $id);
			die "message.post: $error->{name}\n" if $error && $error->{name} ne 'busy';
			return $result;
		});
}

# The next notification of a method, in order of arrival; others stay.
sub next_note ($self, $method = 'message') {
	return wait_for(
		"notification $method",
		sub {
			my $notes = $self->{notes};
			for my $i (0 .. $#$notes) {
				return (splice @$notes, $i, 1)->{params}
					if $notes->[$i]{method} eq $method;
			}
			return;
		});
}

# All notifications of a method that have come so far.
sub notes ($self, $method = 'message') {
	return map { $_->{params} } grep { $_->{method} eq $method } @{ $self->{notes} };
}

# The close code, once the server has closed.
sub wait_closed ($self) {
	return wait_for('close', sub { $self->{closed} });
}

sub connected ($self) { return defined $self->{tx} }

# Closes in order; end does not wait for it.
sub end ($self) {
	$self->{tx}->finish(1000) if $self->{tx};
}

sub close ($self) {
	$self->end;
	return $self->wait_closed;
}

# As if the client's machine had no time: what arrives stays in the kernel.
sub stop_reading ($self) { Mojo::IOLoop->stream($self->{tx}->connection)->stop }
sub start_reading ($self) { Mojo::IOLoop->stream($self->{tx}->connection)->start }

# The client is gone without a word.
sub vanish ($self) {
	Mojo::IOLoop->remove($self->{tx}->connection) if $self->{tx};
	$self->_closed(1006) if !$self->{closed};
	return;
}

sub _receive ($self, $object) {
	if (!exists $object->{id}) {
		return $self->{on_message}->($object) if $self->{on_message};
		return push @{ $self->{notes} }, $object;
	}
	my $callback = defined $object->{id} ? delete $self->{pending}{ $object->{id} } : undef;
	return $self->{stray} = $object if !$callback;
	my $error = $object->{error};
	$callback->($error && { %$error, name => $error->{data}{name} }, $object->{result});
}

sub _closed ($self, $code) {
	$self->{closed} = $code // 1006;
	delete $self->{tx};
	my @callbacks = values %{ $self->{pending} };
	$self->{pending} = {};
	$_->({ name => 'closed', message => "connection closed: $self->{closed}" }) for @callbacks;
	$self->{on_close}->() if $self->{on_close};
}

1;
