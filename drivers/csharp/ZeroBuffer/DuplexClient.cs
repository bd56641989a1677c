using System;
using System.Collections.Generic;

namespace ZeroBuffer
{
    /// <summary>Sends requests and receives responses: the n-th response answers the n-th request.</summary>
    public sealed class DuplexClient : IDisposable
    {
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

        private readonly object receiving = new object();
        private readonly List<ulong> abandoned = new List<ulong>();
        private readonly Writer requests;
        private readonly Reader responses;
        private ulong received;

        /// <summary>Joins a channel; the sizes are those of the response buffer, which belongs to the client.</summary>
        /// <param name="name">Of the channel.</param>
        /// <param name="config">Of the response buffer.</param>
        /// <param name="timeout">How long to wait for a server that is not there yet.</param>
        /// <param name="anyOwner">Whether the server may belong to another user, who gets the requests.</param>
        public DuplexClient(
            string name, BufferConfig config = null, TimeSpan timeout = default(TimeSpan), bool anyOwner = false)
        {
            Name = name;
            requests = new Writer(DuplexNames.Request(name), timeout, anyOwner);
            try
            {
                responses = new Reader(DuplexNames.Response(name), config ?? DuplexNames.DefaultConfig);
            }
            catch
            {
                requests.Close();
                throw;
            }
        }

        /// <summary>Name of the channel.</summary>
        public string Name { get; }

        /// <summary>Sends a request without waiting; returns its number, which is that of its response.</summary>
        public ulong Send(byte[] request, TimeSpan timeout)
        {
            return requests.Write(request, timeout);
        }

        /// <summary>Lends a place in the ring for a request, which is sent by its commit.</summary>
        public Slot Acquire(long size, TimeSpan timeout)
        {
            return requests.Acquire(size, timeout);
        }

        /// <summary>Waits for the next response that is not given up, a frame to be released.</summary>
        /// <remarks>A <see cref="HandlerException"/> stands for the one that the server could not make.</remarks>
        public Frame Receive(TimeSpan timeout)
        {
            var deadline = Deadline.After(timeout);
            for (;;)
            {
                var frame = Next(deadline) ?? throw new FrameTimeoutException(responses.Name, timeout.TotalSeconds);
                lock (receiving)
                {
                    received = Math.Max(received, frame.Sequence);
                    if (!abandoned.Remove(frame.Sequence))
                    {
                        return Checked(frame);
                    }
                }

                frame.Release();
            }
        }

        /// <summary>Sends one request and waits for its response; no other may be under way.</summary>
        /// <remarks>What times out is given up: its response is dropped when it comes.</remarks>
        public Frame Request(byte[] request, TimeSpan timeout)
        {
            var deadline = Deadline.After(timeout);
            lock (receiving)
            {
                var outstanding = requests.NextSequence - 1 - received - (ulong)abandoned.Count;
                if (outstanding != 0)
                {
                    throw new BusyException(Name, $"{outstanding} responses have not been received");
                }
            }

            var number = Send(request, timeout);
            try
            {
                return Receive(deadline.Left);
            }
            catch (FrameTimeoutException)
            {
                lock (receiving)
                {
                    abandoned.Add(number);
                }

                throw;
            }
        }

        /// <summary>Leaves the channel and removes the response buffer.</summary>
        public void Close()
        {
            requests.Close();
            responses.Close();
        }

        /// <summary>Another name for <see cref="Close"/>.</summary>
        public void Dispose()
        {
            Close();
        }

        private Frame Checked(Frame frame)
        {
            var failure = HandlerFailure.TextOf(frame);
            if (failure == null)
            {
                return frame;
            }

            frame.Release();
            throw new HandlerException(Name, frame.Sequence, failure.Length > 0 ? failure : "its handler failed");
        }

        private Frame Next(Deadline deadline)
        {
            // Until the server has connected to the response buffer, its death shows only in the request buffer.
            while (!responses.HasMetWriter)
            {
                var left = deadline.Left;
                var frame = responses.TryRead(left >= TimeSpan.Zero && left < Look ? left : Look);
                if (frame != null)
                {
                    return frame;
                }

                try
                {
                    requests.CheckReader();
                }
                catch (ReaderDeadException death)
                {
                    // It may have answered between the two looks.
                    return responses.TryRead(TimeSpan.Zero) ?? throw death;
                }

                if (deadline.IsOver)
                {
                    return null;
                }
            }

            return responses.TryRead(deadline.Left);
        }
    }
}
