package journal_test

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
)

// years is a journal of so many faxes, one a minute, made while it is read.
func years(rows int, format func(w *bufio.Writer, i int, at time.Time)) io.Reader {
	from, to := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(to, 64<<10)
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range rows {
			format(w, i, at.Add(time.Duration(i)*time.Minute))
		}
		_ = to.CloseWithError(w.Flush())
	}()
	return from
}

func faxes(w *bufio.Writer, i int, at time.Time) {
	fmt.Fprintf(w, "%s\tRECV\t%09d\tttyS0\tfax%d.tif\t\"\"\tfax\t\"0241354512\"\t\"LABO\"\t1264\t%d\t00:01:02\t00:01:15\t\"\"\t\"LABO\"\t\"02417%05d\"\t\"\"\t\"\"\t\"14400 bps\"\n",
		at.Format("01/02/06 15:04"), i, i, 1+i%7, i%99999)
}

func calls(w *bufio.Writer, i int, at time.Time) {
	fmt.Fprintf(w, "\"\",\"02417%05d\",\"%d\",\"from-trunk\",\"\"\"LABO\"\" <0241720000>\",\"PJSIP/trunk-%08x\",\"PJSIP/4512-%08x\",\"Dial\",\"PJSIP/4512,30\",\"%s\",\"\",\"\",100,94,\"ANSWERED\",\"DOCUMENTATION\",\"%d.%d\",\"\",\"\",%[7]d.%[8]d,1\n",
		i%99999, 4500+i%100, i, i+1, at.Format(time.DateTime), 0, at.Unix(), i)
}

func TestMemoryStaysFlatOverYearsOfFaxes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("100 000 rows")
	}
	r := reader(t, builtin(t, "hylafax"), journal.Place{Journal: "big", Zone: paris(t)})
	var at [2]uint64
	rows := 0
	err := r.Read(years(100_000, faxes), func(journal.Row) error {
		if rows++; rows == 70_000 || rows == 100_000 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			at[rows/100_000] = m.HeapAlloc
		}
		return nil
	})
	if err != nil || rows != 100_000 {
		t.Fatalf("got %d rows, %v", rows, err)
	}
	if state := len(r.State()); state < 10<<10 || state > 64<<10 {
		t.Errorf("got a state of %d bytes, want that of a day: a fax a minute", state)
	}
	if at[1] > at[0]+8<<20 {
		t.Errorf("got %d MB in use after 100 000 rows and %d MB after 70 000, want as much", at[1]>>20, at[0]>>20)
	}
}

func BenchmarkHylafax(b *testing.B) { bench(b, "hylafax", faxes) }

func BenchmarkAsterisk(b *testing.B) { bench(b, "asterisk", calls) }

func bench(b *testing.B, profile string, format func(*bufio.Writer, int, time.Time)) {
	r := reader(b, builtin(b, profile), journal.Place{Journal: "big", Zone: paris(b), Numbers: numbers(b, "451*"), Line: "4512"})
	b.ResetTimer()
	n := 0
	if err := r.Read(years(b.N, format), func(journal.Row) error { n++; return nil }); err != nil || n != b.N {
		b.Fatal(n, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
