package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// retention says how long details are kept; sums by the hour and the month stay for good.
type retention struct {
	Raw time.Duration `yaml:"raw"` // 0 = for good
}

const (
	retentionEvery = 24 * time.Hour
	// What is dormant is seen after 90 days, and people declare where a line belongs when they get round to it.
	shortestRetention = 100 * 24 * time.Hour
)

func (r retention) plan() string {
	if r.Raw == 0 {
		return "all details for good"
	}
	return fmt.Sprintf("details for %d days, sums by the hour and the month for good", r.Raw/(24*time.Hour))
}

// round gives up what is too old, once all outlets have it.
func (r retention) round(books *ledger.Ledger, outlets ledger.Outlets, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if r.Raw == 0 {
			return nil
		}
		given, err := books.Purge(ctx, clock().Add(-r.Raw), outlets)
		if given != (ledger.Purged{}) {
			log.Info("gave up old details; their sums stay", "activities", given.Activities, "postings", given.Postings,
				"statuses", given.Statuses, "messages", given.Messages)
		}
		return err
	}
}

// journalKeeping says how long rows of journals are kept: they name who faxed whom. What they add up to by the month stays.
type journalKeeping struct {
	Keep time.Duration `yaml:"keep"`
}

const (
	shortestJournals = 182 * 24 * time.Hour
	longestJournals  = 3 * 366 * 24 * time.Hour
)

func (j journalKeeping) plan() string {
	return fmt.Sprintf("rows for %d days, sums by the month for good", j.Keep/(24*time.Hour))
}

// round gives up what is too old.
func (j journalKeeping) round(books *ledger.Ledger, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		gone, err := books.PurgeJournals(ctx, clock().Add(-j.Keep))
		if gone != (ledger.Forgotten{}) {
			log.Info("gave up old rows of journals; their sums stay", "rows", gone.Rows, "correspondents", gone.Parties)
		}
		return err
	}
}
