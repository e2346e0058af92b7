package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// event is what came in, and what emit sends out. One without an ID gets one from the gateway, which is the same whenever
// the same event is tried again.
type event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id,omitempty"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Subject     string `json:"subject,omitempty"`
	// What can be written as JSON.
	Data any `json:"data,omitempty"`
}

// received is the event that is handled, without its data; its fields are empty in a call by name.
var received event

var (
	emitted []event
	status  int
)

// emit sends an event on its way through the routes, once the work is done and went well. The configuration of the function
// says "output: outcome" then.
func emit(one event) {
	one.SpecVersion = "1.0"
	emitted = append(emitted, one)
}

// setStatus sets what a caller over HTTP gets as status, 200 to 599. It needs "output: outcome", as emit does.
func setStatus(code int) { status = code }

// failure is what is wrong in the words of the output form.
type failure struct {
	Kind         string `json:"type"`
	Code         string `json:"code,omitempty"`
	Message      string `json:"message"`
	Retryable    bool   `json:"retryable"`
	RetryAfterMs int64  `json:"retry_after_ms,omitempty"`
}

func (f failure) Error() string {
	if f.Code == "" {
		return f.Message
	}
	return f.Code + ": " + f.Message
}

// rejected is an error that the same event would meet again: a dead letter at once. kind is validation, business, system or
// timeout.
func rejected(kind, code, message string) error {
	return failure{Kind: kind, Code: code, Message: message}
}

// tryAgain asks for another attempt, not before that long.
func tryAgain(message string, after time.Duration) error {
	return failure{Kind: "system", Message: message, Retryable: true, RetryAfterMs: after.Milliseconds()}
}

// handle reads what the gateway sends, has it worked on, and writes the reply as JSON. Every other error and every panic is
// another attempt.
func handle[In, Out any](work func(In) (Out, error)) {
	defer func() {
		if cause := recover(); cause != nil {
			fail(fmt.Errorf("panic: %v", cause))
		}
	}()
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	var data In
	if err := json.Unmarshal(dataOf(input), &data); err != nil {
		code := "NOT_JSON"
		if _, differs := err.(*json.UnmarshalTypeError); differs {
			code = "WRONG_TYPE"
		}
		fail(rejected("validation", code, err.Error()))
	}
	reply, err := work(data)
	if err != nil {
		fail(err)
	}
	if err := answer(reply); err != nil {
		fail(err)
	}
}

// dataOf is the data of an event; a call by name has its parameters alone.
func dataOf(input []byte) []byte {
	var data json.RawMessage
	came := event{Data: &data}
	if json.Unmarshal(input, &came) != nil || came.SpecVersion == "" {
		return input
	}
	came.Data = nil
	received = came
	if data == nil {
		return []byte("null")
	}
	return data
}

// answer writes the reply as it stands, or in the output form where the gateway asks for that.
func answer(reply any) error {
	out := json.NewEncoder(os.Stdout)
	if os.Getenv("HEADGATE_OUTPUT") == "outcome" {
		return out.Encode(struct {
			Success bool    `json:"success"`
			Data    any     `json:"data"`
			Status  int     `json:"status,omitempty"`
			Events  []event `json:"events,omitempty"`
		}{true, reply, status, emitted})
	}
	if len(emitted) > 0 || status != 0 {
		return rejected("system", "NO_OUTPUT_FORM", `a reply as it stands has no events and no status; give the function "output: outcome"`)
	}
	return out.Encode(reply)
}

// exits are codes of sysexits.h that say as much as a code can; what is written beside them says all of it.
var exits = map[string]int{"validation": 65, "business": 77, "system": 78, "timeout": 78}

const exitTemporary = 75

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	told := failure{Kind: "system", Message: err.Error(), Retryable: true}
	errors.As(err, &told)
	json.NewEncoder(os.Stdout).Encode(map[string]any{"success": false, "error": told})
	if code, lasting := exits[told.Kind]; lasting && !told.Retryable {
		os.Exit(code)
	}
	os.Exit(exitTemporary)
}
