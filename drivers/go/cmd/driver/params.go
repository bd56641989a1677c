package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"zerobuffer/internal/points"
	"zerobuffer/internal/recipe"
	"zerobuffer/internal/rpc"
)

// seconds is a duration as the contract writes it.
type seconds float64

const longest = seconds(1 << 32)

func (s seconds) duration() time.Duration {
	return time.Duration(float64(max(0, min(s, longest))) * float64(time.Second))
}

// fromCall fills a struct from the parameters of a call.
func fromCall(call *rpc.Call, params any) error {
	if err := decode(call.Params, reflect.ValueOf(params).Elem(), ""); err != nil {
		return rpc.Errorf(rpc.InvalidParams, "Invalid params: %v", err)
	}
	if payload, has := params.(interface{ check() error }); has {
		if err := payload.check(); err != nil {
			return rpc.Errorf(rpc.InvalidParams, "Invalid params: payload: %v", err)
		}
	}
	return nil
}

// decode fills a struct from an object, stricter than Go's decoder: every field must be there, in its own case, and only
// a pointer may be null. Its errors name the key.
func decode(raw json.RawMessage, target reflect.Value, path string) error {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || given == nil {
		return fmt.Errorf("%q must be an object", path)
	}
	for i := range target.NumField() {
		key := target.Type().Field(i).Tag.Get("json")
		field, name := target.Field(i), path+key
		value, present := given[key]
		switch {
		case !present:
			return fmt.Errorf("%q is missing", name)
		case bytes.Equal(value, []byte("null")) && field.Kind() != reflect.Pointer:
			return fmt.Errorf("%q must not be null", name)
		case field.Kind() == reflect.Struct:
			if err := decode(value, field, name+"."); err != nil {
				return err
			}
		default:
			if json.Unmarshal(value, field.Addr().Interface()) != nil {
				return fmt.Errorf("%q must be %s, not %.60s", name, wanted(field.Type()), value)
			}
		}
	}
	return nil
}

// wanted says in words what JSON a type is read from.
func wanted(kind reflect.Type) string {
	switch kind.Kind() {
	case reflect.Pointer:
		return wanted(kind.Elem()) + " or null"
	case reflect.Slice:
		return "a list, each " + wanted(kind.Elem())
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Uint64, reflect.Uint8:
		return "a whole number from 0 on"
	}
	return "a whole number"
}

type timeoutParams struct {
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

type armParams struct {
	Point   string      `json:"point"`
	Passage int         `json:"passage"`
	Then    points.Deed `json:"then"`
	Timeout seconds     `json:"timeout"`
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
