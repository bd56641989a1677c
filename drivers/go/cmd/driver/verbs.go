package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"zerobuffer"
	"zerobuffer/internal/recipe"
	"zerobuffer/internal/rpc"
)

var verbs = map[string]verb{
	"hello":          typed(hello),
	"health":         typed(health),
	"dump":           dump,
	"arm":            typed(arm),
	"create":         typed(create),
	"connect":        typed(connect),
	"close":          typed(closeHandle),
	"write":          typed(write),
	"fill":           typed(fill),
	"acquire":        typed(acquire),
	"put":            typed(put),
	"commit":         typed(commit),
	"abandon":        typed(abandon),
	"read":           typed(read),
	"read_many":      typed(readMany),
	"relay":          typed(relay),
	"peek":           typed(peek),
	"release":        typed(release),
	"write_metadata": typed(writeMetadata),
	"read_metadata":  typed(readMetadata),
	"serve":          typed(serve),
	"handle":         typed(handle),
	"service":        typed(service),
	"dial":           typed(dial),
	"send":           typed(send),
	"receive":        typed(receive),
	"ping":           typed(ping),
}

type nothing = *struct{}

func create(d *desk, p createParams) (int, error) {
	return opened(d, func() (*zerobuffer.Reader, error) {
		return zerobuffer.NewReader(p.Name, zerobuffer.Config{MetadataSize: p.Metadata, PayloadSize: p.Payload})
	})
}

func connect(d *desk, p nameParams) (int, error) {
	return opened(d, func() (*zerobuffer.Writer, error) { return zerobuffer.Connect(p.Name, 0) })
}

func closeHandle(d *desk, p handleParams) (nothing, error) { return nil, d.closeOne(p.Handle) }

// ---- writing ---------------------------------------------------------------------------------------------------

func write(d *desk, p writeParams) (*transfer, error) {
	writer, err := find[*zerobuffer.Writer](d, p.Handle)
	if err != nil {
		return nil, err
	}
	timer, sum := newClock(p.Timeout), newTransfer()
	var content []byte
	if len(p.Sizes) == 0 && p.Payload.Constant() {
		content = p.Payload.Content(0)
	}
	for number := range p.Count {
		if p.Interval > 0 {
			time.Sleep(time.Until(timer.begin.Add(time.Duration(number) * p.Interval.duration())))
		}
		made := content
		if made == nil {
			one := p.Payload
			if len(p.Sizes) > 0 {
				one = one.Sized(p.Sizes[number%len(p.Sizes)])
			}
			made = one.Content(writer.NextSequence())
		}
		sequence, err := writer.Write(made, timer.left())
		if err != nil {
			return nil, err
		}
		sum.add(sequence, len(made), nil)
	}
	return sum.done(timer), nil
}

func fill(d *desk, p fillParams) (*transfer, error) {
	writer, err := find[*zerobuffer.Writer](d, p.Handle)
	if err != nil {
		return nil, err
	}
	timer, sum := newClock(p.Timeout), newTransfer()
	for !timer.over() {
		sequence, err := writer.Write(p.Payload.Content(writer.NextSequence()), p.Patience.duration())
		if errors.Is(err, zerobuffer.BufferFull) {
			return sum.done(timer), nil
		}
		if err != nil {
			return nil, err
		}
		sum.add(sequence, p.Payload.Size, nil)
	}
	return nil, &zerobuffer.Error{
		Code:    zerobuffer.Timeout,
		Message: fmt.Sprintf("the buffer took %d frames and was not full after %v", sum.Frames, p.Timeout.duration()),
	}
}

func acquire(d *desk, p acquireParams) (int, error) {
	writer, err := find[*zerobuffer.Writer](d, p.Handle)
	if err != nil {
		return 0, err
	}
	sequence := writer.NextSequence()
	slot, err := writer.Acquire(p.Size, p.Timeout.duration())
	if err != nil {
		return 0, err
	}
	number, kept := d.keep(&openSlot{slot, p.Handle, sequence})
	if !kept {
		slot.Abandon()
		return 0, closedError("the driver ends")
	}
	return number, nil
}

func put(d *desk, p putParams) (nothing, error) {
	slot, err := find[*openSlot](d, p.Slot)
	if err != nil {
		return nil, err
	}
	content, place := p.Payload.Content(slot.sequence), slot.Data()
	if p.Offset < 0 || p.Offset+len(content) > len(place) {
		return nil, rpc.Errorf(rpc.InvalidParams,
			"Invalid params: %d bytes at \"offset\" %d do not fit into a slot of %d", len(content), p.Offset, len(place))
	}
	copy(place[p.Offset:], content)
	return nil, nil
}

func commit(d *desk, p slotParams) (uint64, error) {
	slot, _, err := take[*openSlot](d, p.Slot)
	if err != nil {
		return 0, err
	}
	return slot.Commit()
}

func abandon(d *desk, p slotParams) (nothing, error) {
	slot, _, err := take[*openSlot](d, p.Slot)
	if err != nil {
		return nil, err
	}
	slot.Abandon()
	return nil, nil
}

func writeMetadata(d *desk, p payloadParams) (nothing, error) {
	writer, err := find[*zerobuffer.Writer](d, p.Handle)
	if err != nil {
		return nil, err
	}
	return nil, writer.SetMetadata(p.Payload.Content(0))
}

// ---- reading ---------------------------------------------------------------------------------------------------

type frameInfo struct {
	Frame    int    `json:"frame"`
	Sequence uint64 `json:"sequence"`
	Size     int    `json:"size"`
	Digest   uint32 `json:"digest"`
}

func read(d *desk, p handleParams) (frameInfo, error) {
	reader, err := find[*zerobuffer.Reader](d, p.Handle)
	if err != nil {
		return frameInfo{}, err
	}
	frame, err := reader.Read(p.Timeout.duration())
	if err != nil {
		return frameInfo{}, err
	}
	data, err := frame.Data()
	if err != nil {
		frame.Release()
		return frameInfo{}, err
	}
	info := frameInfo{Sequence: frame.Sequence(), Size: frame.Size(), Digest: recipe.Digest(data)}
	number, kept := d.keep(&heldFrame{frame, p.Handle})
	if !kept {
		frame.Release()
		return frameInfo{}, closedError("the driver ends")
	}
	info.Frame = number
	return info, nil
}

func readMany(d *desk, p readManyParams) (*transfer, error) {
	reader, err := find[*zerobuffer.Reader](d, p.Handle)
	if err != nil {
		return nil, err
	}
	timer, sum := newClock(p.Timeout), newTransfer()
	for p.Count == nil || sum.Frames < *p.Count {
		wait := timer.left()
		if p.Count == nil {
			wait = min(wait, p.Idle.duration())
		}
		frame, err := reader.Read(wait)
		idle := errors.Is(err, zerobuffer.Timeout) || errors.Is(err, zerobuffer.WriterDead)
		if idle && p.Count == nil && !timer.over() {
			break
		}
		if err != nil {
			return nil, after(sum.Frames, err)
		}
		err = look(frame, p.Look, sum)
		if err == nil && p.Delay > 0 {
			time.Sleep(p.Delay.duration()) // the scenario asks for a slow reader
		}
		frame.Release()
		if err != nil {
			return nil, err
		}
	}
	return sum.done(timer), nil
}

func look(frame *zerobuffer.Frame, digest bool, sum *transfer) error {
	if !digest {
		sum.add(frame.Sequence(), frame.Size(), nil)
		return nil
	}
	data, err := frame.Data()
	if err == nil {
		sum.add(frame.Sequence(), frame.Size(), data)
	}
	return err
}

func after(frames int, err error) error {
	var known *zerobuffer.Error
	if !errors.As(err, &known) {
		return err
	}
	return &zerobuffer.Error{
		Code:    known.Code,
		Message: fmt.Sprintf("after %d frames: %v", frames, err),
		Details: known.Details,
		Cause:   err,
	}
}

func relay(d *desk, p relayParams) (*transfer, error) {
	reader, err := find[*zerobuffer.Reader](d, p.Source)
	if err != nil {
		return nil, err
	}
	writer, err := find[*zerobuffer.Writer](d, p.Target)
	if err != nil {
		return nil, err
	}
	timer, sum := newClock(p.Timeout), newTransfer()
	for range p.Count {
		frame, err := reader.Read(timer.left())
		if err != nil {
			return nil, err
		}
		data, err := frame.Data()
		if err == nil {
			sum.add(frame.Sequence(), frame.Size(), data)
			_, err = writer.Write(data, timer.left())
		}
		frame.Release()
		if err != nil {
			return nil, err
		}
	}
	return sum.done(timer), nil
}

func peek(d *desk, p peekParams) (string, error) {
	frame, err := find[*heldFrame](d, p.Frame)
	if err != nil {
		return "", err
	}
	seen := make([]byte, max(0, min(p.Length, frame.Size())))
	count, err := frame.ReadAt(seen, p.Offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return hex.EncodeToString(seen[:count]), nil
}

// release keeps the number, so that a look at a released frame meets the library's own answer.
func release(d *desk, p frameParams) (nothing, error) {
	frame, err := find[*heldFrame](d, p.Frame)
	if err != nil {
		return nil, err
	}
	frame.Release()
	return nil, nil
}

type blob struct {
	Size   int    `json:"size"`
	Digest uint32 `json:"digest"`
}

func readMetadata(d *desk, p handleParams) (blob, error) {
	reader, err := find[*zerobuffer.Reader](d, p.Handle)
	if err != nil {
		return blob{}, err
	}
	content, err := reader.Metadata()
	return blob{len(content), recipe.Digest(content)}, err
}
