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

type nothing = *struct{}

func create(h *handles, p createParams) (int, error) {
	return opened(h, func() (*zerobuffer.Reader, error) {
		return zerobuffer.NewReader(p.Name, zerobuffer.Config{MetadataSize: p.Metadata, PayloadSize: p.Payload})
	})
}

func connect(h *handles, p nameParams) (int, error) {
	return opened(h, func() (*zerobuffer.Writer, error) { return zerobuffer.Connect(p.Name, 0) })
}

func closeHandle(h *handles, p handleParams) (nothing, error) { return nil, h.closeOne(p.Handle) }

// ---- writing ---------------------------------------------------------------------------------------------------

func write(h *handles, p writeParams) (*transfer, error) {
	writer, err := find[*zerobuffer.Writer](h, p.Handle)
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
			return nil, timer.ended(err, sum.Frames, "frames")
		}
		sum.add(sequence, len(made), nil)
	}
	return sum.done(timer), nil
}

func fill(h *handles, p fillParams) (*transfer, error) {
	writer, err := find[*zerobuffer.Writer](h, p.Handle)
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

func acquire(h *handles, p acquireParams) (int, error) {
	writer, err := find[*zerobuffer.Writer](h, p.Handle)
	if err != nil {
		return 0, err
	}
	sequence := writer.NextSequence()
	slot, err := writer.Acquire(p.Size, p.Timeout.duration())
	if err != nil {
		return 0, err
	}
	number, kept := h.keep(&heldSlot{slot, p.Handle, sequence})
	if !kept {
		slot.Abandon()
		return 0, closedError("the driver ends")
	}
	return number, nil
}

func put(h *handles, p putParams) (nothing, error) {
	slot, err := find[*heldSlot](h, p.Slot)
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

func commit(h *handles, p slotParams) (uint64, error) {
	slot, err := take[*heldSlot](h, p.Slot)
	if err != nil {
		return 0, err
	}
	return slot.Commit()
}

func abandon(h *handles, p slotParams) (nothing, error) {
	slot, err := take[*heldSlot](h, p.Slot)
	if err != nil {
		return nil, err
	}
	slot.Abandon()
	return nil, nil
}

func writeMetadata(h *handles, p payloadParams) (nothing, error) {
	writer, err := find[*zerobuffer.Writer](h, p.Handle)
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

func read(h *handles, p handleParams) (frameInfo, error) {
	reader, err := find[*zerobuffer.Reader](h, p.Handle)
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
	number, kept := h.keep(&heldFrame{frame, p.Handle})
	if !kept {
		frame.Release()
		return frameInfo{}, closedError("the driver ends")
	}
	info.Frame = number
	return info, nil
}

func readMany(h *handles, p readManyParams) (*transfer, error) {
	reader, err := find[*zerobuffer.Reader](h, p.Handle)
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
			return nil, timer.ended(err, sum.Frames, "frames")
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

func relay(h *handles, p relayParams) (*transfer, error) {
	reader, err := find[*zerobuffer.Reader](h, p.Source)
	if err != nil {
		return nil, err
	}
	writer, err := find[*zerobuffer.Writer](h, p.Target)
	if err != nil {
		return nil, err
	}
	timer, sum := newClock(p.Timeout), newTransfer()
	for range p.Count {
		frame, err := reader.Read(timer.left())
		if err != nil {
			return nil, timer.ended(err, sum.Frames, "frames")
		}
		data, err := frame.Data()
		if err == nil {
			_, err = writer.Write(data, timer.left())
		}
		if err == nil {
			sum.add(frame.Sequence(), frame.Size(), data)
		}
		frame.Release()
		if err != nil {
			return nil, timer.ended(err, sum.Frames, "frames")
		}
	}
	return sum.done(timer), nil
}

func peek(h *handles, p peekParams) (string, error) {
	frame, err := find[*heldFrame](h, p.Frame)
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
func release(h *handles, p frameParams) (nothing, error) {
	frame, err := find[*heldFrame](h, p.Frame)
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

func readMetadata(h *handles, p handleParams) (blob, error) {
	reader, err := find[*zerobuffer.Reader](h, p.Handle)
	if err != nil {
		return blob{}, err
	}
	content, err := reader.Metadata()
	return blob{len(content), recipe.Digest(content)}, err
}
