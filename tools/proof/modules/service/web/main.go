// A small web service, as many are written: it says when it is ready, and answers after a moment's work.
//
// With -graceful it finishes what it has begun when it is told to stop. Without, it dies at once. With -helper it cannot
// answer without another process, which it asks each time, and is ready no sooner than that.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	address := flag.String("address", ":8080", "where it listens")
	graceful := flag.Bool("graceful", false, "whether it finishes what it has begun before it stops")
	work := flag.Duration("work", 10*time.Millisecond, "how long an answer takes")
	helper := flag.String("helper", "", "the address of a process that it needs for every answer")
	flag.Parse()

	server := &http.Server{Addr: *address, Handler: handler(*work, *helper), ReadHeaderTimeout: time.Minute}
	stopped := make(chan struct{})
	if *graceful {
		go stop(server, stopped)
	}
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-stopped
}

func handler(work time.Duration, helper string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(answer http.ResponseWriter, _ *http.Request) {
		if !helped(helper) {
			http.Error(answer, "no helper", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /", func(answer http.ResponseWriter, _ *http.Request) {
		time.Sleep(work)
		if !helped(helper) {
			panic(http.ErrAbortHandler) // the client finds its connection cut
		}
		io.WriteString(answer, "hello\n")
	})
	return mux
}

// helped says whether the helper answers, if one is needed.
func helped(helper string) bool {
	if helper == "" {
		return true
	}
	answer, err := http.Get("http://" + helper + "/ready")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func stop(server *http.Server, stopped chan<- struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	if err := server.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
	close(stopped)
}
