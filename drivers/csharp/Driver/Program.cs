using System;
using System.Threading;

namespace ZeroBuffer.Driver
{
    /// <summary>
    /// Performs the verbs of the driver contract on the C# implementation of ZeroBuffer: requests come over stdin,
    /// answers go to stdout, which belongs to them alone.
    /// </summary>
    internal static unsafe class Program
    {
        private const int Stdin = 0;
        private const int Stdout = 1;
        private const int Stderr = 2;
        private static readonly IntPtr Ignore = new IntPtr(1);
        private static readonly object Ending = new object();

        private static int Main()
        {
            Host.DieWithParent();

            // A file that grows too large, and a reader that is gone, become errors instead of signals.
            Libc.signal(Host.SIGXFSZ, Ignore);
            Libc.signal(Host.SIGPIPE, Ignore);
            var output = Host.dup(Stdout);
            Host.dup2(Stderr, Stdout);
            var writing = new object();
            var dispatcher = new Dispatcher(
                answer =>
                {
                    var message = MessageDecoder.Encode(answer);
                    lock (writing)
                    {
                        Write(output, message);
                    }
                });
            using (Termination.Watch(() => End(dispatcher)))
            {
                Serve(dispatcher, output, writing);
                End(dispatcher);
            }

            return 0;
        }

        /// <summary>Takes messages until stdin ends.</summary>
        private static void Serve(Dispatcher dispatcher, int output, object writing)
        {
            var decoder = new MessageDecoder();
            var chunk = new byte[1 << 16];
            for (;;)
            {
                var length = Read(Stdin, chunk);
                if (length == 0)
                {
                    return;
                }

                decoder.Feed(chunk, length);
                byte[] body;
                string fault;
                while (decoder.TryNext(out body, out fault))
                {
                    if (body != null)
                    {
                        dispatcher.Take(body);
                        continue;
                    }

                    var error = new RpcException(RpcException.ParseError, "Parse error: " + fault);
                    lock (writing)
                    {
                        Write(output, MessageDecoder.Encode(Answer.OfError(null, error)));
                    }
                }
            }
        }

        /// <summary>Closes all and ends, without waiting for threads that are blocked in the system.</summary>
        private static void End(Dispatcher dispatcher)
        {
            // The second call waits for the first, which never returns.
            lock (Ending)
            {
                dispatcher.End();
                Host._exit(0);
            }
        }

        private static int Read(int descriptor, byte[] chunk)
        {
            fixed (byte* target = chunk)
            {
                for (;;)
                {
                    var length = Libc.read(descriptor, target, (ulong)chunk.Length);
                    if (length >= 0)
                    {
                        return (int)length;
                    }

                    if (Libc.Errno != Libc.EINTR)
                    {
                        return 0;
                    }
                }
            }
        }

        private static void Write(int descriptor, byte[] message)
        {
            fixed (byte* source = message)
            {
                for (long done = 0; done < message.Length;)
                {
                    var written = Libc.write(descriptor, source + done, (ulong)(message.Length - done));
                    if (written < 0 && Libc.Errno != Libc.EINTR)
                    {
                        // The harness is gone: the end of stdin follows.
                        return;
                    }

                    done += Math.Max(0, written);
                }
            }
        }
    }

    /// <summary>SIGTERM.</summary>
    internal static class Termination
    {
#if NETCOREAPP
        /// <summary>Acts when it comes, until what comes back is disposed of.</summary>
        public static IDisposable Watch(Action act)
        {
            return System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGTERM,
                context =>
                {
                    context.Cancel = true;
                    act();
                });
        }
#else
        /// <summary>Acts when it comes, until what comes back is disposed of.</summary>
        public static IDisposable Watch(Action act)
        {
            var signal = new Mono.Unix.UnixSignal(Mono.Unix.Native.Signum.SIGTERM);
            var watch = new Thread(
                () =>
                {
                    signal.WaitOne();
                    act();
                });
            watch.IsBackground = true;
            watch.Name = "termination";
            watch.Start();
            return signal;
        }
#endif
    }
}
