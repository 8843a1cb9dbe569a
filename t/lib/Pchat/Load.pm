package Pchat::Load;

# Posters and receivers that go on through anything the test does to the server: they reconnect,
# post again under the same id, and resume behind the last message they saw. In the end every post
# has been acknowledged, and what each saw can be compared.

use v5.36;
use Mojo::IOLoop;
use Pchat::Client;
use Pchat::Wait;
use Test::More;

# A repeated post is known by its id only while the first is in the room's recent history, so no
# poster runs further ahead of another's unanswered post than this. Servers under load need
# limits { history } well above it.
use constant AHEAD => 150;

# server, room, users => [names], posters => n, receivers => n.
sub new ($class, %self) {
	my $self = bless {
		posters => 4,
		receivers => 3,
		%self,
		acked => {},
		repeated => 0,
		faults => [],
		begun => 0
	}, $class;
	my @users = @{ $self->{users} };
	$self->{posters} =
		[map { $self->_new_one("p$_", $users[$_ % @users]) } 1 .. $self->{posters}];
	$self->{receivers} =
		[map { $self->_new_one("r$_", $users[$_ % @users]) } 1 .. $self->{receivers}];
	$_->{number} = 0, $self->_connect($_, \&_poster_in) for @{ $self->{posters} };
	$_->{seen} = [], $self->_connect($_, \&_receiver_in) for @{ $self->{receivers} };
	return $self;
}

sub acked ($self) { return scalar keys %{ $self->{acked} } }

# Goes on until so many more posts are acknowledged.
sub proceed ($self, $count) {
	my $goal = $self->acked + $count;
	wait_for("$count more acknowledged posts", sub { $self->acked >= $goal });
}

# No new posts; waits until all are acknowledged and all receivers have them.
sub finish ($self) {
	$self->{stopping} = 1;
	wait_for(
		'all posts to be acknowledged',
		sub {
			!grep { $_->{id} } @{ $self->{posters} };
		});
	wait_for(
		'all receivers to have all messages',
		sub {
			!grep { @{ $_->{seen} } < $self->acked } @{ $self->{receivers} };
		});
	$self->{over} = 1;
	$_->{client}->vanish for @{ $self->{posters} }, @{ $self->{receivers} };
}

# The tests themselves, behind finish.
sub verify ($self, $when) {
	my @first = @{ $self->{receivers}[0]{seen} };
	my %times;
	$times{ $_->{id} }++ for @first;
	is_deeply($self->{faults}, [],
		"$when: no client saw a gap, another order or an error that is none");
	is(scalar @first, $self->acked, "$when: there are as many messages as acknowledgements");
	is_deeply([grep { $times{$_} != 1 } keys %times], [], "$when: no message is there twice");
	is_deeply([
			grep { ($first[$self->{acked}{$_} - 1]{id} // '') ne $_ }
				keys %{ $self->{acked} }
		],
		[],
		"$when: each acknowledged message stands at its sequence number"
	);
	my $text = _as_text(@first);
	is(scalar(grep { _as_text(@{ $_->{seen} }) ne $text } @{ $self->{receivers} }),
		0, "$when: all receivers saw the same");
	is(_as_text($self->{server}->stored($self->{room}, scalar @first)),
		$text, "$when: SQL holds the same");
}

sub _as_text (@messages) {
	return join '', map {"$_->{seq} $_->{id} $_->{text}\n"} @messages;
}

sub _fault ($self, $one, $text) {
	push @{ $self->{faults} }, "$one->{name}: $text";
}

# --- What both kinds do: connect, sign in, join; from the start again whenever something breaks. ---

sub _new_one ($self, $name, $user) {
	return { name => $name, user => $user };
}

sub _connect ($self, $one, $then) {
	return if $self->{over};
	my $client = $one->{client} = Pchat::Client->new(
		server => $self->{server},
		user => $one->{user},
		on_message => sub ($note) { $self->_note($one, $note) },
		on_close => sub {
			$one->{in} = 0;
			$self->_later(sub { $self->_connect($one, $then) });
		},
	);
	$client->start(
		sub ($error = undef) {
			return $self->_later(sub { $self->_connect($one, $then) })
				if defined $error;
			$self->_sign_in($one, $then);
		});
}

# A moment's rest before another attempt.
sub _later ($self, $code) {
	Mojo::IOLoop->timer(0.02 => $code) if !$self->{over};
}

sub _sign_in ($self, $one, $then) {
	my $client = $one->{client};
	my ($method, $params) =
		$one->{token}
		? ('auth.resume', { token => $one->{token} })
		: ('auth.start', { mechanism => 'PLAIN', data => $client->plain });
	$client->request(
		$method, $params,
		sub ($error, $result = undef) {
			return $self->$then($one, $one->{token} = $result->{token}) if $result;
			return if $error->{name} eq 'closed';
			delete $one->{token} if $error->{name} eq 'InvalidToken';
			$self->_fault($one, "$method: $error->{name}")
				if $error->{name} !~ /^(busy|unavailable|timeout|InvalidToken)$/;
			$self->_later(
				sub { $self->_sign_in($one, $then) if $one->{client} == $client });
		});
}

# Sends a request until it is done; callback gets the result.
sub _insist ($self, $one, $method, $params, $callback) {
	my $client = $one->{client};
	$client->request(
		$method, $params,
		sub ($error, $result = undef) {
			my $name = $error ? $error->{name} : '';
			$error = $result->{rooms}[0]{error}, $name = $error->{data}{name} // ''
				if !$error && $method eq 'room.join';
			return $callback->($result) if $name eq '';
			return if $name eq 'closed';
			$self->_fault($one, "$method: $name")
				if $name !~ /^(busy|unavailable|timeout)$/;
			$self->_later(
				sub {
					$self->_insist($one, $method, $params, $callback)
						if $one->{client} == $client;
				});
		});
}

# --- Posters. ---

sub _poster_in ($self, $one, $) {
	$self->_insist(
		$one, 'room.join',
		{ room => $self->{room}, history => 0 },
		sub ($) { $self->_post($one) });
}

sub _post ($self, $one) {
	my $client = $one->{client};
	if (!$one->{id}) {
		return if $self->{stopping};
		return $self->_later(sub { $self->_post($one) if $one->{client} == $client })
			if $self->_too_far_ahead;
		$one->{id} = "$one->{name}-" . ++$one->{number};
		$one->{begun} = $self->{begun}++;
	}
	my $id = $one->{id};
	my $text = "$id says " . 'x' x (7 * $one->{number} % 300);
	$self->_insist(
		$one,
		'message.post',
		{ room => $self->{room}, id => $id, text => $text },
		sub ($result) {
			$self->_fault($one, "$id was acknowledged twice")
				if exists $self->{acked}{$id};
			$self->{acked}{$id} = $result->{seq};
			$self->{repeated}++ if $result->{repeated};
			delete $one->{id};
			$self->_post($one);
		});
}

sub _too_far_ahead ($self) {
	my ($oldest) =
		sort { $a <=> $b } map { $_->{begun} } grep { $_->{id} } @{ $self->{posters} };
	return defined $oldest && $self->{begun} - $oldest > AHEAD;
}

# --- Receivers. ---

sub _receiver_in ($self, $one, $) {
	$one->{held} = [];
	my $params = { room => $self->{room}, since => scalar @{ $one->{seen} } };
	$self->_insist($one, 'room.join', $params,
		sub ($result) { $self->_page($one, $result->{rooms}[0]) });
}

sub _page ($self, $one, $page) {
	$self->_take($one, $_) for @{ $page->{messages} };
	if ($page->{more}) {
		my $params =
			{ room => $self->{room}, after => scalar @{ $one->{seen} }, limit => 500 };
		return $self->_insist($one, 'message.history', $params,
			sub ($result) { $self->_page($one, $result) });
	}
	$one->{in} = 1;
	$self->_take($one, $_) for splice @{ $one->{held} };
}

sub _note ($self, $one, $note) {
	return if $note->{method} ne 'message' || !$one->{seen};
	return push @{ $one->{held} }, $note->{params} if !$one->{in};
	$self->_take($one, $note->{params});
}

sub _take ($self, $one, $message) {
	my ($seen, $seq) = ($one->{seen}, $message->{seq});
	if ($seq <= @$seen) {
		my $same = $seen->[$seq - 1]{id} eq $message->{id};
		return $same ? () : $self->_fault($one, "$seq is now $message->{id}");
	}
	return $self->_fault($one, "$seq came after " . @$seen) if $seq > @$seen + 1;
	push @$seen, { map { $_ => $message->{$_} } qw(seq id text) };
}

1;
