package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"

	"zerobuffer/internal/recipe"
	"zerobuffer/internal/rpc"
)

// seconds is a duration as the contract writes it.
type seconds float64

const longest = seconds(1 << 32)

func (s seconds) duration() time.Duration {
	return time.Duration(float64(max(0, min(s, longest))) * float64(time.Second))
}

// verb is a call of the contract over the desk.
type verb func(d *desk, params json.RawMessage) (any, error)

// typed makes a verb of a function with a struct of parameters, all of which must be given and no other.
func typed[P, R any](work func(d *desk, params P) (R, error)) verb {
	kind := reflect.TypeFor[P]()
	return func(d *desk, raw json.RawMessage) (any, error) {
		var given map[string]json.RawMessage
		if err := json.Unmarshal(raw, &given); err != nil {
			return nil, rpc.Errorf(rpc.InvalidParams, "Invalid params: %v", err)
		}
		for i := range kind.NumField() {
			name := kind.Field(i).Tag.Get("json")
			if _, present := given[name]; !present {
				return nil, rpc.Errorf(rpc.InvalidParams, "Invalid params: %q is missing", name)
			}
		}
		var params P
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&params); err != nil {
			return nil, rpc.Errorf(rpc.InvalidParams, "Invalid params: %v", err)
		}
		if recipe, has := any(params).(interface{ check() error }); has {
			if err := recipe.check(); err != nil {
				return nil, rpc.Errorf(rpc.InvalidParams, "Invalid params: %v", err)
			}
		}
		return work(d, params)
	}
}

type helloParams struct {
	Timeout seconds `json:"timeout"`
}

type handleParams struct {
	Handle  int     `json:"handle"`
	Timeout seconds `json:"timeout"`
}

type slotParams struct {
	Slot    int     `json:"slot"`
	Timeout seconds `json:"timeout"`
}

type frameParams struct {
	Frame   int     `json:"frame"`
	Timeout seconds `json:"timeout"`
}

type nameParams struct {
	Name    string  `json:"name"`
	Timeout seconds `json:"timeout"`
}

type createParams struct {
	Name     string  `json:"name"`
	Metadata uint64  `json:"metadata"`
	Payload  uint64  `json:"payload"`
	Timeout  seconds `json:"timeout"`
}

type payloadParams struct {
	Handle  int            `json:"handle"`
	Payload recipe.Payload `json:"payload"`
	Timeout seconds        `json:"timeout"`
}

type writeParams struct {
	Handle   int            `json:"handle"`
	Payload  recipe.Payload `json:"payload"`
	Count    int            `json:"count"`
	Sizes    []int          `json:"sizes"`
	Interval seconds        `json:"interval"`
	Timeout  seconds        `json:"timeout"`
}

type fillParams struct {
	Handle   int            `json:"handle"`
	Payload  recipe.Payload `json:"payload"`
	Patience seconds        `json:"patience"`
	Timeout  seconds        `json:"timeout"`
}

type acquireParams struct {
	Handle  int     `json:"handle"`
	Size    int     `json:"size"`
	Timeout seconds `json:"timeout"`
}

type putParams struct {
	Slot    int            `json:"slot"`
	Payload recipe.Payload `json:"payload"`
	Offset  int            `json:"offset"`
	Timeout seconds        `json:"timeout"`
}

type readManyParams struct {
	Handle  int     `json:"handle"`
	Count   *int    `json:"count"`
	Delay   seconds `json:"delay"`
	Idle    seconds `json:"idle"`
	Look    bool    `json:"look"`
	Timeout seconds `json:"timeout"`
}

type relayParams struct {
	Source  int     `json:"source"`
	Target  int     `json:"target"`
	Count   int     `json:"count"`
	Timeout seconds `json:"timeout"`
}

type peekParams struct {
	Frame   int     `json:"frame"`
	Offset  int64   `json:"offset"`
	Length  int     `json:"length"`
	Timeout seconds `json:"timeout"`
}

type handlerParams struct {
	Handle  int     `json:"handle"`
	Handler string  `json:"handler"`
	Delay   seconds `json:"delay"`
	Timeout seconds `json:"timeout"`
}

type sendParams struct {
	Handle  int            `json:"handle"`
	Payload recipe.Payload `json:"payload"`
	InPlace bool           `json:"in_place"`
	Timeout seconds        `json:"timeout"`
}

type pingParams struct {
	Handle  int            `json:"handle"`
	Payload recipe.Payload `json:"payload"`
	Count   int            `json:"count"`
	Timeout seconds        `json:"timeout"`
}

func (p payloadParams) check() error { return p.Payload.Check() }
func (p writeParams) check() error   { return p.Payload.Check() }
func (p fillParams) check() error    { return p.Payload.Check() }
func (p putParams) check() error     { return p.Payload.Check() }
func (p sendParams) check() error    { return p.Payload.Check() }
func (p pingParams) check() error    { return p.Payload.Check() }
