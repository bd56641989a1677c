package zerobuffer

import "time"

const (
	// How long a server waits for a client that has sent a request to show its response buffer.
	dialPatience = 5 * time.Second

	// How often to look for what the protocol has no event for: a new client, a server that is not yet connected.
	duplexPoll = 10 * time.Millisecond

	stopPatience = 5 * time.Second

	refusal = 5 * waitSlice

	refusalText = "no response: the handler failed"
)

// failureMark begins a response that is the text of an error. It is no UTF-8, and as long as the least that always fits.
const failureMark = "\xf5zb handler err\xf5"

// Requests and responses go over two buffers: the first is read by the server, the second by the client. The n-th
// response answers the n-th request; nothing else ties them together.
func requestBuffer(channel string) string  { return channel + "_request" }
func responseBuffer(channel string) string { return channel + "_response" }
