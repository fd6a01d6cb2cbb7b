package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/series"
)

// seriesEvery is how often it is looked for something new to write to InfluxDB.
const seriesEvery = 5 * time.Second

func (c *config) series(books *ledger.Ledger, log *slog.Logger) series.Options {
	i := &c.InfluxDB
	return series.Options{
		URL: i.URL, Org: i.Org, Bucket: i.Bucket, Token: i.Token,
		Books: books, Log: log, Now: clock, Figures: figures{books}, Zone: c.location,
	}
}

type seriesCommand struct {
	Replay replayCommand `cmd:"" help:"Write to InfluxDB again what the ledger holds; the collector may run meanwhile."`
}

type replayCommand struct {
	From   string `required:"" placeholder:"DATE" help:"First day to write, 2026-10-31, or always."`
	Bucket string `help:"Bucket to write to, instead of that of the configuration."`
	Hours  bool   `help:"Also what is so old that only its sums by the hour are left. Into an empty bucket alone: else faxes count twice."`
}

// Run implements `series replay`.
func (r replayCommand) Run(call *program.Call) error {
	return withBooks(call, false, func(c config, books *ledger.Ledger) error {
		if c.InfluxDB.URL == "" {
			return program.Usage(errors.New("no influxdb.url in the configuration"))
		}
		if r.Bucket != "" {
			c.InfluxDB.Bucket = r.Bucket
		}
		o, err := r.options(call, &c, books)
		if err != nil {
			return err
		}
		done, err := series.Replay(call.Ctx, c.series(books, call.Log), o)
		if err != nil {
			return fmt.Errorf("%w; %d points were written before", err, done.Points)
		}
		return r.tell(call, &c, done)
	})
}

func (r replayCommand) options(call *program.Call, c *config, books *ledger.Ledger) (o series.ReplayOptions, err error) {
	if r.From != "always" {
		o.From = ledger.Day(r.From).In(c.location)
		if o.From == 0 {
			return o, program.Usage(fmt.Errorf("--from %q; want a day such as 2026-10-31, or always", r.From))
		}
	}
	gone, err := books.Gone(call.Ctx)
	if err != nil {
		return o, err
	}
	if o.From < gone.Before && !r.Hours {
		return o, program.Usage(fmt.Errorf("of what happened before %s only sums by the hour are left; say a later --from, "+
			"or --hours to write those too, into a bucket that has nothing of that time yet", gone.Before.Std().In(c.location).Format(time.DateTime)))
	}
	o.Past, o.Hours, o.Wait = books, r.Hours, wait
	o.Tell = func(done series.Replayed) {
		call.Log.Info("replay", "postings", done.Posting, "of", done.Of, "statuses", done.Status, "of_statuses", done.OfStatus, "points", done.Points)
	}
	return o, nil
}

func (r replayCommand) tell(call *program.Call, c *config, done series.Replayed) error {
	fmt.Fprintf(call.Stdout, "wrote %d points to %s, from %s on: %d postings and %d statuses read\n",
		done.Points, c.InfluxDB.Bucket, r.From, done.Posting, done.Status)
	if r.Hours {
		fmt.Fprintln(call.Stdout, "what is old stands at the last millisecond of its hour: its sums by the hour are all that is left")
	}
	if done.Old > 0 {
		fmt.Fprintf(call.Stdout, "%d more are older than what the bucket keeps\n", done.Old)
	}
	for _, x := range done.Refused {
		fmt.Fprintf(call.Stdout, "refused: %s: %s\n", x.Line, x.Reason)
	}
	if done.RefusedInAll > 0 {
		return fmt.Errorf("InfluxDB refused %d points", done.RefusedInAll)
	}
	return nil
}

// wait is an error when ctx ended first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
