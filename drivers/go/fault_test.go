package zerobuffer

import "runtime/debug"

// faults says whether writing to memory is refused by the hardware.
func faults(memory []byte) (refused bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { refused = recover() != nil }()
	memory[0] = ^memory[0]
	return false
}
