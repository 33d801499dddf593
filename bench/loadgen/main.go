// Command loadgen drives one registry with N clients and reports every latency.
//
// It reads a plan (one line of JSON) from standard input. For a load it then warms up, prints "ready", waits for a line
// ("go"), runs for a bounded time and count, and prints its result as JSON; the caller reads the server's CPU clocks
// between those lines. It talks to 127.0.0.1 only.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Plan is what to do. Seconds bounds the time, Operations (when above zero) the count over all clients.
type Plan struct {
	Kind       string  `json:"kind"`
	Address    string  `json:"address"`
	User       string  `json:"user"`
	Password   string  `json:"password"`
	Clients    int     `json:"clients"`
	Seconds    float64 `json:"seconds"`
	Operations int64   `json:"operations"`
	Warm       int     `json:"warm"` // operations of each client before the clock starts
	Seed       int64   `json:"seed"`
	Repository string  `json:"repository"`
	Steps      []Step  `json:"steps"`
	Bytes      int     `json:"bytes"`
	Config     Blob    `json:"config"`
	Tags       int     `json:"tags"`
	Blobs      int     `json:"blobs"`
	Big        int     `json:"big"`
	BigBytes   int     `json:"big_bytes"`
}

// Result is what happened. Latencies are microseconds, one for each operation that succeeded.
type Result struct {
	Seconds    float64 `json:"seconds"`
	Errors     int64   `json:"errors"`
	FirstError string  `json:"first_error"`
	Bytes      int64   `json:"bytes"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Dials      int     `json:"dials"`
	Logins     int     `json:"logins"`
	Latencies  []int64 `json:"latencies_us"`
}

type worker struct {
	client    *Client
	operate   operation
	bytes     int64
	errors    int64
	firstErr  error
	latencies []int64
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
}

func run() error {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return err
	}
	plan := &Plan{}
	if err := json.Unmarshal(line, plan); err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(plan.Address); err != nil || !net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("%q is not an address of this machine", plan.Address)
	}
	output := json.NewEncoder(os.Stdout)
	if plan.Kind == "prepare" {
		prepared, err := prepare(plan)
		if err != nil {
			return err
		}
		return output.Encode(prepared)
	}
	workers, err := warmUp(plan)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := input.ReadBytes('\n'); err != nil {
		return err
	}
	return output.Encode(measure(plan, workers))
}

func warmUp(plan *Plan) ([]*worker, error) {
	workers := make([]*worker, plan.Clients)
	failures := make([]error, plan.Clients)
	each(plan.Clients, func(i int) {
		client := newClient(plan.Address, plan.User, plan.Password)
		operate, err := newOperation(plan, client, i)
		for n := 0; n < plan.Warm && err == nil; n++ {
			_, err = operate()
		}
		workers[i], failures[i] = &worker{client: client, operate: operate}, err
	})
	for _, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("warm-up: %w", err)
		}
	}
	return workers, nil
}

func measure(plan *Plan, workers []*worker) *Result {
	left := plan.Operations
	if left <= 0 {
		left = 1 << 62
	}
	cpu := cpuSeconds()
	started := time.Now()
	deadline := started.Add(time.Duration(plan.Seconds * float64(time.Second)))
	each(len(workers), func(i int) { workers[i].loop(deadline, &left) })
	result := &Result{Seconds: time.Since(started).Seconds(), CPUSeconds: cpuSeconds() - cpu, Latencies: []int64{}}
	for _, w := range workers {
		result.Latencies = append(result.Latencies, w.latencies...)
		result.Bytes += w.bytes
		result.Errors += w.errors
		result.Dials += w.client.Dials
		result.Logins += w.client.Logins
		if w.firstErr != nil && result.FirstError == "" {
			result.FirstError = w.firstErr.Error()
		}
	}
	return result
}

// loop works until time or count runs out. A client whose every try fails gives up instead of spinning.
func (w *worker) loop(deadline time.Time, left *int64) {
	for w.errors < 100 && atomic.AddInt64(left, -1) >= 0 {
		begun := time.Now()
		if begun.After(deadline) {
			return
		}
		moved, err := w.operate()
		if err != nil {
			w.errors++
			w.firstErr = err
			continue
		}
		w.bytes += moved
		w.latencies = append(w.latencies, time.Since(begun).Microseconds())
	}
}

func each(count int, do func(int)) {
	var group sync.WaitGroup
	for i := 0; i < count; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			do(i)
		}(i)
	}
	group.Wait()
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
