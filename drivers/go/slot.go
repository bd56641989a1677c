package zerobuffer

// Slot is a place in the ring to write one frame into, lent by a writer until Commit or Abandon.
type Slot struct {
	writer *Writer
	plan   plan
	data   []byte // nil once it has ended
}

// Data returns the place, nil once the slot has ended. The slice must not be used after that.
func (s *Slot) Data() []byte {
	s.writer.gate.lock()
	defer s.writer.gate.leave()
	return s.data
}

// Commit makes the frame part of the ring and returns its sequence.
func (s *Slot) Commit() (uint64, error) {
	w := s.writer
	w.gate.lock()
	defer w.gate.leave()
	if s.data == nil {
		return 0, closed("slot")
	}
	defer s.end()
	if w.closed.Load() {
		return 0, closed("writer")
	}
	return w.publish(s.plan)
}

// Abandon gives the place up, as if it had never been asked for. After a Commit it does nothing.
func (s *Slot) Abandon() {
	w := s.writer
	w.gate.lock()
	defer w.gate.leave()
	if s.data != nil {
		s.end()
	}
}

func (s *Slot) end() {
	s.data = nil
	s.writer.slot = nil
	s.writer.segment.release()
}
