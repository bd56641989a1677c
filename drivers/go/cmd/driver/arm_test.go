package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"zerobuffer/internal/rpc"
)

// What cannot be armed is refused by the name of the parameter. Nothing here is armed: it would stay so.
func TestWhatCannotBeArmedIsRefused(t *testing.T) {
	for params, culprit := range map[string]string{
		`{"point": "writer.data", "passage": 1, "timeout": 1}`:                      "then",
		`{"point": "writer.data", "passage": 1, "then": "sleep", "timeout": 1}`:     "then",
		`{"point": "writer.data", "passage": 1, "then": null, "timeout": 1}`:        "then",
		`{"point": "writer.data", "passage": 1, "then": 9, "timeout": 1}`:           "then",
		`{"point": "writer.data", "passage": "first", "then": "die", "timeout": 1}`: "passage",
		`{"point": "writer.nowhere", "passage": 1, "then": "halt", "timeout": 1}`:   "point",
	} {
		_, err := verbs["arm"](nil, &rpc.Call{Params: json.RawMessage(params)})
		var refusal *rpc.Error
		if !errors.As(err, &refusal) || refusal.Code != rpc.InvalidParams || !strings.Contains(refusal.Message, `"`+culprit+`"`) {
			t.Errorf("%s: %v", params, err)
		}
	}
}
