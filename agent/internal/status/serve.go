package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Run shows the page until ctx ends. Where it can't listen it says so in the log and tries
// again: an agent that can't be looked at still has to poll.
func (p *Page) Run(ctx context.Context) error {
	told := ""
	for {
		err := p.serve(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err.Error() != told {
			p.Log.Error("no status page, polling goes on; another program may have the port: stop it, or give http: {listen: …} another",
				"error", err, "again in", p.Retry)
			told = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(p.Retry):
		}
	}
}

func (p *Page) serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Listen)
	if err != nil {
		return fmt.Errorf("start status page: %w", err)
	}
	p.Log.Info("status page", "url", "http://"+listener.Addr().String()+"/")
	server := &http.Server{
		Handler:           p.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			_ = server.Close()
		}
	})
	err = server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve status page: %w", err)
}
