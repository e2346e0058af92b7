package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Exit codes of sysexits.h: the first is a dead letter at once, the second another attempt.
const (
	exitData      = 65
	exitTemporary = 75
)

type rejection struct{ code, message string }

func (r rejection) Error() string { return r.code + ": " + r.message }

// rejected is an error that the same event would meet again: a dead letter at once.
func rejected(code, message string) error { return rejection{code, message} }

// handle reads what the gateway sends, has it worked on, and writes the reply as JSON. Every error and every panic ends
// the program with the exit code that says what is to become of the event; its last line is the reason.
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
		fail(rejected("NOT_JSON", err.Error()))
	}
	reply, err := work(data)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(reply); err != nil {
		fail(err)
	}
}

// dataOf is the data of an event; a call by name has its parameters alone.
func dataOf(input []byte) []byte {
	var event struct {
		SpecVersion *string         `json:"specversion"`
		Data        json.RawMessage `json:"data"`
	}
	if json.Unmarshal(input, &event) != nil || event.SpecVersion == nil {
		return input
	}
	if event.Data == nil {
		return []byte("null")
	}
	return event.Data
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	var refused rejection
	if errors.As(err, &refused) {
		os.Exit(exitData)
	}
	os.Exit(exitTemporary)
}
