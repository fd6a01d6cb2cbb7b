package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Channel is a way on which messages go out.
type Channel string

// The channels.
const (
	ByEmail   Channel = "email"
	ByWebhook Channel = "webhook"
)

// Channels are all channels.
func Channels() []Channel { return []Channel{ByEmail, ByWebhook} }

// Message is something to be said over one channel to one recipient.
type Message struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"` // what it says and to whom: it is written once
	Channel   Channel   `json:"channel"`
	Recipient string    `json:"recipient,omitempty"` // empty where a channel has but one
	Thread    string    `json:"thread,omitempty"`    // those of one thread and channel go out in order; empty: in none
	Payload   string    `json:"-"`                   // as its channel understands it
	CreatedAt wire.Time `json:"created_at"`
	NextAt    wire.Time `json:"next_at"` // not before; 0: at once
	Attempts  int       `json:"attempts"`
	SentAt    wire.Time `json:"sent_at,omitempty"`
	GivenUpAt wire.Time `json:"given_up_at,omitempty"`
	Error     string    `json:"error,omitempty"` // of the last attempt
}

// Post is what is to be written into the outbox at once.
type Post struct {
	Messages []Message        // ID, times, attempts are given by Post
	Told     []string         // names of what the messages tell
	Events   []int64          // numbers of the events that they tell of
	Cursors  map[string]int64 // how far their author has come with this
}

// Failure is how an attempt to send a message failed.
type Failure struct {
	Error   string    // without secrets
	NextAt  wire.Time // when to try again
	GivenUp bool      // or never
}

// Backlog is how a channel of the outbox stands.
type Backlog struct {
	Channel Channel   `json:"channel"`
	Waiting int64     `json:"waiting"`
	Since   wire.Time `json:"since,omitempty"` // of the oldest that waits
	Sent    int64     `json:"sent"`            // ever
	GivenUp int64     `json:"given_up"`        // ever
	Error   string    `json:"error,omitempty"` // of the last attempt, of one that waits
}

var (
	messagesTable = table{"messages", "name, id, channel, recipient, thread, payload, created_at, next_at, attempts, sent_at, given_up_at, error", 1, false}
	toldTable     = table{"told", "name, at", 1, false}
)

const selectMessages = "SELECT id, name, channel, recipient, thread, payload, created_at, next_at, attempts, sent_at, given_up_at, error FROM messages m "

// waiting is true of messages that are neither sent nor given up.
const waiting = "sent_at = 0 AND given_up_at = 0"

// Post writes messages, whose names were never written before, together with what they tell
// and how far their author has come. On an error nothing is written.
func (l *Ledger) Post(ctx context.Context, p Post) error {
	return l.alter(ctx, "post messages", func(s *store) error {
		fresh, last, err := s.unwritten(ctx, p.Messages)
		if err != nil {
			return err
		}
		now := int64(wire.TimeOf(l.now()))
		return errors.Join(
			s.write(ctx, messagesTable, len(fresh), func(i int, to []any) []any {
				m := &fresh[i]
				return append(to, m.Name, last+int64(i)+1, string(m.Channel), m.Recipient, m.Thread, m.Payload, now, 0, 0, 0, 0, "")
			}),
			s.write(ctx, toldTable, len(p.Told), func(i int, to []any) []any { return append(to, p.Told[i], now) }),
			s.markTold(ctx, p.Events),
			s.writeCursors(ctx, &changes{cursors: p.Cursors}),
		)
	})
}

func (s *store) markTold(ctx context.Context, events []int64) error {
	for some := range slices.Chunk(events, 500) {
		if err := s.exec(ctx, "UPDATE events SET told = 1 WHERE id IN ("+numberList(some)+")"); err != nil {
			return err
		}
	}
	return nil
}

// unwritten are the messages whose names are not in the outbox, and the last number given there.
func (s *store) unwritten(ctx context.Context, messages []Message) (fresh []Message, last int64, err error) {
	names := make([]string, len(messages))
	for i := range messages {
		names[i] = messages[i].Name
	}
	known, err := knownNames(ctx, s.conn, "name, created_at FROM messages", names)
	if err != nil {
		return nil, 0, err
	}
	for _, m := range messages {
		if _, ok := known[m.Name]; !ok {
			known[m.Name] = 0
			fresh = append(fresh, m)
		}
	}
	return fresh, last, each(ctx, s.conn, "SELECT COALESCE(MAX(id), 0) FROM messages", func(read func(...any) error) error { return read(&last) })
}

// Told says of the names that were told already when that was last.
func (l *Ledger) Told(ctx context.Context, names []string) (told map[string]wire.Time, err error) {
	err = l.read(ctx, "what was told", func(q querier, _ wire.Time) error {
		told, err = knownNames(ctx, q, "name, at FROM told", names)
		return err
	})
	return told, err
}

// knownNames are those of the names that a table has, each with an instant.
func knownNames(ctx context.Context, q querier, columns string, names []string) (map[string]wire.Time, error) {
	known := make(map[string]wire.Time)
	for some := range slices.Chunk(names, 500) { // databases take a limited number of arguments
		args := make([]any, len(some))
		for i, name := range some {
			args[i] = name
		}
		query := "SELECT " + columns + " WHERE name IN (?" + strings.Repeat(", ?", len(some)-1) + ")"
		err := each(ctx, q, query, func(read func(...any) error) error {
			var name string
			var at wire.Time
			err := read(&name, &at)
			known[name] = at
			return err
		}, args...)
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// longestWait is longer than any sender puts a message off. If one would wait longer, our own clock was wrong.
const longestWait = 2 * time.Hour

// Due are the messages of a channel to be sent now, in the order in which they were written, at
// most limit. Of a thread only the oldest that waits is due.
func (l *Ledger) Due(ctx context.Context, channel Channel, limit int) (due []Message, err error) {
	query := selectMessages + "WHERE " + waiting + " AND channel = ? AND (next_at <= ? OR next_at > ?) AND (thread = '' OR NOT EXISTS " +
		"(SELECT 1 FROM messages e WHERE e.sent_at = 0 AND e.given_up_at = 0 AND e.channel = m.channel AND e.thread = m.thread AND e.id < m.id)) " +
		fmt.Sprintf("ORDER BY id LIMIT %d", limit)
	err = l.read(ctx, "due messages", func(q querier, now wire.Time) error {
		due, err = readMessages(ctx, q, query, string(channel), int64(now), int64(now.Add(longestWait)))
		return err
	})
	return due, err
}

// Messages are the newest messages, newest first, at most limit; unsent: only those that wait or were given up.
func (l *Ledger) Messages(ctx context.Context, unsent bool, limit int) (messages []Message, err error) {
	where := "TRUE"
	if unsent {
		where = "sent_at = 0"
	}
	err = l.read(ctx, "messages", func(q querier, _ wire.Time) error {
		messages, err = readMessages(ctx, q, fmt.Sprintf("%sWHERE %s ORDER BY id DESC LIMIT %d", selectMessages, where, limit))
		return err
	})
	return messages, err
}

func readMessages(ctx context.Context, q querier, query string, args ...any) (messages []Message, err error) {
	err = each(ctx, q, query, func(read func(...any) error) error {
		var m Message
		err := read(&m.ID, &m.Name, &m.Channel, &m.Recipient, &m.Thread, &m.Payload, &m.CreatedAt, &m.NextAt, &m.Attempts,
			&m.SentAt, &m.GivenUpAt, &m.Error)
		messages = append(messages, m)
		return err
	}, args...)
	return messages, err
}

// Sent notes that a message was sent.
func (l *Ledger) Sent(ctx context.Context, id int64) error {
	return l.alter(ctx, "note that a message was sent", func(s *store) error {
		return s.exec(ctx, "UPDATE messages SET sent_at = ?, attempts = attempts + 1, error = '' WHERE id = ? AND sent_at = 0",
			int64(wire.TimeOf(l.now())), id)
	})
}

// Failed notes that a message could not be sent.
func (l *Ledger) Failed(ctx context.Context, id int64, f Failure) error {
	return l.alter(ctx, "note that a message was not sent", func(s *store) error {
		var givenUp wire.Time
		if f.GivenUp {
			givenUp = wire.TimeOf(l.now())
		}
		return s.exec(ctx, "UPDATE messages SET attempts = attempts + 1, error = ?, next_at = ?, given_up_at = ? WHERE id = ? AND "+waiting,
			f.Error, int64(f.NextAt), int64(givenUp), id)
	})
}

// Outbox is how each channel of the outbox stands.
func (l *Ledger) Outbox(ctx context.Context) (backlogs []Backlog, err error) {
	err = l.read(ctx, "outbox", func(q querier, _ wire.Time) error {
		backlogs, err = readOutbox(ctx, q)
		return err
	})
	return backlogs, err
}

func readOutbox(ctx context.Context, q querier) ([]Backlog, error) {
	all := make([]Backlog, len(Channels()))
	for i, channel := range Channels() {
		all[i].Channel = channel
	}
	of := func(channel Channel) *Backlog { return &all[max(slices.Index(Channels(), channel), 0)] }
	settled := func(read func(...any) error) error {
		var channel Channel
		var sent bool
		var count int64
		err := read(&channel, &sent, &count)
		if b := of(channel); sent {
			b.Sent += count
		} else {
			b.GivenUp += count
		}
		return err
	}
	err := errors.Join(
		// Sent ones are many, so they are counted in the index alone.
		each(ctx, q, "SELECT channel, sent_at > 0, COUNT(*) FROM messages WHERE sent_at > 0 OR given_up_at > 0 GROUP BY channel, sent_at > 0", settled),
		each(ctx, q, "SELECT channel, sent, count FROM messages_gone", settled),
		each(ctx, q, "SELECT channel, created_at, error FROM messages WHERE "+waiting+" ORDER BY id", func(read func(...any) error) error {
			var channel Channel
			var fault string
			var since wire.Time
			err := read(&channel, &since, &fault)
			b := of(channel)
			b.Waiting++
			b.Since = cmp.Or(b.Since, since)
			b.Error = cmp.Or(fault, b.Error)
			return err
		}),
	)
	return all, err
}

// alter changes what isn't held in memory, in one transaction; the books themselves stay as they are.
func (l *Ledger) alter(ctx context.Context, what string, f func(*store) error) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	ctx = context.WithoutCancel(ctx) // as in transact
	defer func() {
		if err != nil {
			l.phoneBook = nil
			err = errors.Join(fmt.Errorf("%s: %w", what, err), l.store.rollback(ctx))
		}
	}()
	if err := l.store.begin(ctx); err != nil {
		return err
	}
	if err := f(l.store); err != nil {
		return err
	}
	return l.store.commit(ctx)
}
